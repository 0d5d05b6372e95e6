// Estimate: what a trial would take, without running it: the plan command's figures, and the deep
// check of a configuration (shapes, component plans).
#pragma once

#include <cstdint>

#include "core/base/status.hpp"
#include "core/data/source.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

struct TrialEstimate {
  std::int64_t parameters = 0;  // Learned values.
  // Of the rank that needs most, which may be the group's leader for the snapshot that is being
  // written while training goes on; the data set not counted, nor what a trial that is resumed
  // holds of its checkpoint.
  std::uint64_t memory_bytes_per_rank = 0;
  // In the trial's file and in results.h5 together: twice the results, whose weights are
  // `weight_bytes` of each. What has record.weights best: k keeps them for k trials only.
  std::uint64_t disk_bytes = 0;
  std::uint64_t weight_bytes = 0;  // Initial and final weights and buffers; 0: not recorded.
  // One checkpoint, which lies beside the results while the trial runs (checkpoint.keep of them,
  // and one more while it is being written): state_bytes, without the history.
  std::uint64_t checkpoint_bytes = 0;
  std::int64_t steps = 0;
  std::int64_t shards_per_batch = 0;  // More ranks than this on one trial leave some idle.
};

// An input fault says what is wrong with the model.
[[nodiscard]] Result<TrialEstimate> estimate_trial(const TrialSpec& spec,
                                                   const Catalogue& catalogue,
                                                   const DatasetLayout& data, int ranks);

}  // namespace aesweep
