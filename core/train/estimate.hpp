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
  // On disk: the trial's own file; its part of results.h5, whose history is compressed there; and
  // of each of these the initial and final weights and buffers (0: not recorded), which
  // record.weights.best keeps for some trials only. Within some 30 % of what is there.
  std::uint64_t file_bytes = 0;
  std::uint64_t results_bytes = 0;
  std::uint64_t weight_bytes = 0;
  std::uint64_t snapshot_bytes = 0;    // A state in memory: state_bytes, without the history.
  std::uint64_t checkpoint_bytes = 0;  // Of its file at most: with the history of the last epoch.
  std::int64_t steps = 0;
  std::int64_t shards_per_batch = 0;  // More ranks than this on one trial leave some idle.
};

// An input fault says what is wrong with the model.
[[nodiscard]] Result<TrialEstimate> estimate_trial(const TrialSpec& spec,
                                                   const Catalogue& catalogue,
                                                   const DatasetLayout& data, int ranks);

}  // namespace aesweep
