// ResumePoint: where a trial goes on: its newest checkpoint that is whole.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/train/trial_state.hpp"
#include "runner/journal/records.hpp"
#include "runner/sweep/plan.hpp"

namespace aesweep {

struct ResumePoint {
  std::optional<TrialState> state;    // None: the trial begins at the beginning.
  double seconds = 0.0;               // Spent on the attempt until there.
  bool reproducible = true;           // Nothing unrepeatable went into it.
  std::vector<std::string> warnings;  // One for each checkpoint that could not be used.
  // A checkpoint may be good and cannot be read now (disk, memory, open files): the trial must not
  // go on without it.
  Status fault;
};

// Reads the checkpoints, newest first, until one is what the journal says and of this trial. Those
// that are not are removed: the trial will come by their steps again and write them anew. Where
// that cannot be found out nothing is removed. Any thread.
[[nodiscard]] ResumePoint find_resume_point(const SweepPlan& plan, const SweepTrial& trial,
                                            std::span<const CheckpointWritten> newest_first);

}  // namespace aesweep
