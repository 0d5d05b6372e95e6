// results.h5 of a run, made from its journal and its trials' files alone: what the end of a run,
// its refreshes and `aesweep rebuild` write.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/journal/run_state.hpp"
#include "runner/store/results_file.hpp"

namespace aesweep {

// The completed trials whose last value of the metric is best, at most `count`, best first; of
// equal ones the lower number. Values that are not finite never count. A pruned, diverged or failed
// trial is never among them. Places in `attempts`.
[[nodiscard]] std::vector<std::size_t> best_attempts(
    const std::vector<const StoredAttempt*>& attempts, const std::string& metric, bool minimize,
    std::size_t count);

// The last finished attempt of every trial, and whether results.h5 is to have its weights.
[[nodiscard]] std::vector<TrialSource> trial_sources(const RunFolder& folder,
                                                     const RunState& state);

// Numbers of trials whose weights results.h5 is to have and whose segment was written without them:
// another metric, goal or bound held then.
[[nodiscard]] std::vector<std::int64_t> weights_left_out(const RunState& state);

// What is in results.h5 beside the trials. `experiment_text` is that of the last job. /runtime's
// seconds are state.seconds: a job that still runs adds its own there before the call.
[[nodiscard]] RunRecord run_record(const RunFolder& folder, const RunState& state,
                                   std::string experiment_text);

// Writes results.h5. Needs a job in the journal.
[[nodiscard]] Result<FileFacts> write_run_results(const RunFolder& folder, const RunState& state,
                                                  ResultsExtent extent);

}  // namespace aesweep
