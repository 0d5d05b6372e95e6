// What a run leaves on disk, from the estimates of its trials: the plan command's figures.
#pragma once

#include <cstdint>
#include <span>

#include "core/train/estimate.hpp"
#include "runner/config/experiment.hpp"

namespace aesweep {

struct StorageNeeds {
  std::uint64_t trial_bytes_max = 0;   // The largest trial's file.
  std::uint64_t trials_bytes = 0;      // Trial files and segments, at the end.
  std::uint64_t results_bytes = 0;     // results.h5
  std::uint64_t journal_bytes = 0;     // With run.log.
  std::uint64_t peak_bytes = 0;        // While it runs, without checkpoints; at least end_bytes().
  std::uint64_t checkpoint_bytes = 0;  // While it runs.
  std::int64_t segments = 0;
  std::int64_t files_at_end = 0;
  std::int64_t files_running = 0;  // About so many while it runs.

  [[nodiscard]] std::uint64_t end_bytes() const {
    return trials_bytes + results_bytes + journal_bytes;
  }
};

// `trials` are different ones, in the order of their numbers; `groups` train at a time. Where the
// weights of the best trials alone are kept, these are taken to be the largest.
[[nodiscard]] StorageNeeds storage_needs(std::span<const TrialEstimate> trials,
                                         std::int64_t best_weights,
                                         const CheckpointSpec& checkpoint, std::int64_t groups);

}  // namespace aesweep
