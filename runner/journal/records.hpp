// Records: what the journal of a run says happened, as values, and as one line of JSON each.
//
// Names of trials are their numbers, given when a key is first planned and never used again. An
// attempt counts from 1; a trial gets another one only by --rerun. Times are for people: nothing is
// decided by them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/status.hpp"
#include "core/train/result.hpp"
#include "runner/store/plugin_record.hpp"

namespace aesweep {

// A file that the journal vouches for. The name is relative to the run folder.
struct FileRecord {
  std::string name;  // "trials/000012.1.h5"
  std::uint64_t bytes = 0;
  std::string sha256;  // Of all its bytes.
  bool operator==(const FileRecord&) const = default;
};

// The run begins, or goes on: the first record of each job that works on it.
struct JobStarted {
  std::string utc;
  std::string name;       // Of the experiment.
  FileRecord experiment;  // Its text as given: "experiment.yaml", later "experiment.2.yaml", ...
  std::string overrides;  // Of --set: KEY=VALUE lines.
  std::string metric;
  bool minimize = true;
  std::int64_t best_weights = 0;  // record.weights: {best: k}; 0: no bound.
  std::vector<PluginRecord> plugins;
  std::string data_fingerprint;
  std::string weights_sha256;  // Of all weights given by model.init_from; empty: none, or not said.
  std::string numeric_fingerprint;
  int numerics_version = 0;
  std::string software_version;
  std::string revision;
  int ranks = 1;
  int groups = 1;
  bool reproducible = true;  // False: differing nodes were accepted.
  std::string host;          // Of rank 0.
  std::string slurm_job;     // Empty: none.
  std::int64_t slurm_restarts = 0;
  std::vector<std::pair<std::string, std::string>> runtime;  // More facts for /runtime.
};

// New trials: keys, with consecutive numbers.
struct TrialsPlanned {
  std::int64_t first = 0;
  std::vector<std::string> keys;
};

// Which numbers the present experiment asks for; in order, as inclusive ranges.
struct TrialsAsked {
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
};

// A group is about to train. Written, not waited for: it names suspects after a crash.
struct TrialBegun {
  std::int64_t number = 0;
  int attempt = 1;
  std::int64_t step = 0;  // The checkpoint's that it goes on from; 0: from the beginning.
  int ranks = 1;
  std::string host;  // Of the group's leader.
};

struct CheckpointWritten {
  std::int64_t number = 0;
  int attempt = 1;
  std::int64_t step = 0;
  std::int64_t epochs = 0;
  double seconds = 0.0;             // Spent on the attempt so far, earlier jobs included.
  std::string numeric_fingerprint;  // Under which it was computed.
  bool reproducible = true;         // Nothing unrepeatable went into it.
  FileRecord file;
};

struct TrialFinished {
  std::int64_t number = 0;
  int attempt = 1;
  Outcome outcome = Outcome::kCompleted;
  std::string reason;
  int failed_rank = -1;
  std::int64_t epochs = 0;
  std::int64_t steps = 0;
  double seconds = 0.0;  // Of the attempt, over all jobs.
  int ranks = 1;
  std::string host;
  bool reproducible = true;
  std::vector<std::pair<std::string, double>> last;  // Metric and its value in the last epoch.
  FileRecord file;
};

// Finished trials' files were copied into a segment; the single files may be gone.
struct TrialsFolded {
  FileRecord segment;
  struct Member {
    std::int64_t number = 0;
    int attempt = 1;
    std::uint64_t bytes = 0;
    std::string sha256;  // As it lies in the segment: weights may have been left out.
  };
  std::vector<Member> members;
};

// A rank died in a way that is charged to the trial it was in.
struct TrialCrashed {
  std::int64_t number = 0;
  int attempt = 1;
  int rank = 0;
  std::string what;  // "SIGSEGV in activation swish (/path), forward, layer code, step 6"
};

// --rerun: the trial is to run again, as this attempt.
struct TrialRerun {
  std::int64_t number = 0;
  int attempt = 2;
  bool damaged = false;  // The attempt before it is lost: its file is missing or damaged.
};

// results.h5 was written whole, at the end of a job. Its refreshes in between are not recorded.
struct ResultsWritten {
  FileRecord file;
};

// The job ended in order.
struct JobEnded {
  std::string utc;
  int status = 0;  // Exit status.
  double seconds = 0.0;
  std::string why;  // Empty: nothing was left to do.
};

using Record =
    std::variant<JobStarted, TrialsPlanned, TrialsAsked, TrialBegun, CheckpointWritten,
                 TrialFinished, TrialsFolded, TrialCrashed, TrialRerun, ResultsWritten, JobEnded>;

// One line of JSON without a line break, keys in a fixed order; doubles read back as the same bits,
// NaN and infinities included.
[[nodiscard]] std::string encode(const Record& record);
// An unknown kind, a missing or misshapen field is a fault of the world that names it. Unknown
// fields are ignored: a later minor version may have written them.
[[nodiscard]] Result<Record> decode_record(std::string_view line);

}  // namespace aesweep
