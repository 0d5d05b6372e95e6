// RunState: what has become of every trial of a run, as its journal tells. Pure bookkeeping.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/journal/records.hpp"

namespace aesweep {

// One finished attempt and where its bytes are.
struct StoredAttempt {
  TrialFinished finished;
  std::string segment;      // Empty: in a file of its own, finished.file.
  FileRecord in_segment{};  // Bytes and hash of the copy in the segment; name as in finished.file.
  std::string numeric_fingerprint{};  // Of the job that finished it.
  bool lost = false;                  // Its bytes are missing or damaged; the trial runs again.
};

struct TrialRecordState {
  std::string key;
  bool asked = false;  // By the present experiment.
  int attempt = 1;     // The present one: the one to run, or the last that ran.
  bool begun = false;  // By the last job, and not finished.
  std::vector<CheckpointWritten> checkpoints;  // Of the present attempt, oldest first.
  std::vector<TrialCrashed> crashes;           // Of the present attempt.
  std::vector<StoredAttempt> finished;         // All attempts, oldest first.

  // The present attempt has ended.
  [[nodiscard]] bool done() const {
    return !finished.empty() && finished.back().finished.attempt == attempt;
  }
  // Whether results are made of this one: no later attempt has ended, and it is not lost.
  [[nodiscard]] bool counts(const StoredAttempt& stored) const {
    return &stored == &finished.back() && !stored.lost;
  }
};

struct RunState {
  std::optional<JobStarted> job;                  // The last one; none in an empty journal.
  int jobs = 0;                                   // That worked on the run.
  std::vector<FileRecord> experiments;            // Every text that a job was given, each once.
  std::vector<PluginRecord> plugins;              // Of all jobs, each once, oldest first.
  std::vector<TrialRecordState> trials;           // By number.
  std::map<std::string, std::int64_t> number_of;  // By key.
  std::vector<TrialsFolded> segments;
  std::optional<FileRecord> results;
  std::optional<JobEnded> ended;  // Of the last job; none: it runs, or was killed.
  double seconds = 0.0;           // Of the jobs that ended in order.

  // Takes one more record. A record that contradicts earlier ones (an unknown trial, a number given
  // twice) is a fault of the world.
  [[nodiscard]] Status apply(const Record& record);
};

// All of a journal's records. A fault names the line by its number.
[[nodiscard]] Result<RunState> replay(std::span<const std::string> payloads);

}  // namespace aesweep
