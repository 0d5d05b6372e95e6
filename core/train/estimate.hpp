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
  std::uint64_t memory_bytes_per_rank =
      0;                         // Of the rank that needs most; the data set not counted.
  std::uint64_t disk_bytes = 0;  // In the trial's file and in results.h5 together.
  std::int64_t steps = 0;
  std::int64_t shards_per_batch = 0;  // More ranks than this on one trial leave some idle.
};

// An input fault says what is wrong with the model.
[[nodiscard]] Result<TrialEstimate> estimate_trial(const TrialSpec& spec,
                                                   const Catalogue& catalogue,
                                                   const DatasetLayout& data, int ranks);

}  // namespace aesweep
