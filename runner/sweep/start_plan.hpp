// StartPlan: what a job does with what the journal says: which trials it runs, under which numbers,
// and what it refuses to do. Arithmetic on values: no file is read or written.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.hpp"
#include "runner/config/experiment.hpp"
#include "runner/journal/records.hpp"
#include "runner/journal/run_state.hpp"
#include "runner/sweep/sweep.hpp"
#include "runner/watch/crash_slot.hpp"

namespace aesweep {

struct StartQuestion {
  const SweepOptions& options;
  std::vector<std::string> keys;    // Of the trials that the experiment asks for, each once.
  std::string numeric_fingerprint;  // Of this job.
  std::vector<CrashReport>
      crashes;  // Of the last job; without options.supervised they are ignored.
  std::vector<std::string> changes;  // How this job's settings differ from the last one's.
  std::vector<std::string> results_changes{};  // Those that change what results.h5 holds.
  std::set<std::int64_t> damaged{};            // Finished trials that are to run again.
};

struct StartPlan {
  std::vector<std::int64_t> numbers;     // Of each key.
  std::vector<Record> records;           // To be written after the job's own, in this order.
  std::vector<std::int64_t> quarantine;  // Numbers of trials that crashed twice: they are to fail.
  std::vector<std::int64_t> suspects;    // Numbers of trials that run first, one at a time.
  std::set<std::int64_t> runs;           // Numbers of trials asked for, not done, not to fail.
  std::int64_t to_run = 0;               // Count of these.
  bool numerics_changed = false;         // Accepted.
};

// Input faults: another experiment, or other results of the same trials, without --extend, another
// numeric fingerprint where results would mix. `run` is as replayed; an empty one is that of a new
// run.
[[nodiscard]] Result<StartPlan> plan_start(const RunState& run, const StartQuestion& question);

// In JobStarted::runtime of a job that runs suspects one at a time.
inline constexpr const char* kSearchFact = "search_crash";

// How the settings of two jobs differ beyond the keys of their trials, a line each: keys of the
// experiment, data, components, numerics.
[[nodiscard]] std::vector<std::string> settings_changes(const JobStarted& before,
                                                        const std::string& text_before,
                                                        const JobStarted& now,
                                                        const std::string& text_now);

// How the settings differ that no trial's key holds and results.h5 depends on: name, metric, goal
// and record.weights, a line each.
[[nodiscard]] std::vector<std::string> results_changes(const JobStarted& before,
                                                       const JobStarted& now);

// KEY=VALUE lines, as the journal has them; overrides without effect on results are left out.
[[nodiscard]] std::string overrides_text(std::span<const Override> overrides);
[[nodiscard]] std::vector<Override> overrides_of(const std::string& lines);

}  // namespace aesweep
