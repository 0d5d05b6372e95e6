#include "runner/journal/run_results.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "core/base/file.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/store/fence.hpp"

namespace aesweep {
namespace {

// NaN where the attempt has no such metric.
double last_value(const TrialFinished& finished, const std::string& metric) {
  for (const auto& [name, value] : finished.last) {
    if (name == metric) return value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<const StoredAttempt*> last_attempts(const RunState& state) {
  std::vector<const StoredAttempt*> attempts;
  for (const TrialRecordState& trial : state.trials) {
    if (trial.finished.empty()) continue;
    const StoredAttempt& last = trial.finished.back();
    if (trial.counts(last)) attempts.push_back(&last);
  }
  return attempts;
}

// The text that the last job was given.
Result<std::string> experiment_text(const RunFolder& folder, const FileRecord& record) {
  const std::string path = folder.file(record.name);
  Result<std::vector<std::byte>> bytes = read_file(path, record.bytes);
  if (!bytes.ok()) return Status::world(bytes.status().message());
  if (bytes->size() != record.bytes || sha256_hex(*bytes) != record.sha256) {
    return Status::world(text(path, ": not the bytes that the journal vouches for (sha256 ",
                              record.sha256, "); put the text that the run was given back"));
  }
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

}  // namespace

std::vector<std::size_t> best_attempts(const std::vector<const StoredAttempt*>& attempts,
                                       const std::string& metric, bool minimize,
                                       std::size_t count) {
  struct Candidate {
    double value;  // The smaller the better.
    std::int64_t number;
    std::size_t place;
  };
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const TrialFinished& finished = attempts[i]->finished;
    const double value = last_value(finished, metric);
    if (finished.outcome != Outcome::kCompleted || !std::isfinite(value)) continue;
    candidates.push_back({minimize ? value : -value, finished.number, i});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::pair(a.value, a.number) < std::pair(b.value, b.number);
  });
  std::vector<std::size_t> best;
  for (const Candidate& candidate : candidates) {
    if (best.size() == count) break;
    best.push_back(candidate.place);
  }
  return best;
}

std::vector<TrialSource> trial_sources(const RunFolder& folder, const RunState& state) {
  const std::vector<const StoredAttempt*> attempts = last_attempts(state);
  const bool bounded = state.job && state.job->best_weights > 0;
  std::vector<TrialSource> sources;
  for (const StoredAttempt* attempt : attempts) {
    TrialSource source;
    source.number = attempt->finished.number;
    source.attempt = attempt->finished.attempt;
    source.in_segment = !attempt->segment.empty();
    const FileRecord& bytes = source.in_segment ? attempt->in_segment : attempt->finished.file;
    source.path = folder.file(source.in_segment ? attempt->segment : bytes.name);
    source.expected = {bytes.bytes, bytes.sha256};
    source.weights = !bounded;
    sources.push_back(std::move(source));
  }
  if (bounded) {
    for (const std::size_t place :
         best_attempts(attempts, state.job->metric, state.job->minimize,
                       static_cast<std::size_t>(state.job->best_weights))) {
      sources[place].weights = true;
    }
  }
  return sources;
}

std::vector<std::int64_t> weights_left_out(const RunState& state) {
  const std::vector<const StoredAttempt*> attempts = last_attempts(state);
  const std::vector<TrialSource> sources = trial_sources({}, state);
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const StoredAttempt& one = *attempts[i];
    const bool left_out = !one.segment.empty() && one.in_segment.sha256 != one.finished.file.sha256;
    const bool had_any = one.finished.outcome != Outcome::kFailed;
    if (sources[i].weights && left_out && had_any) numbers.push_back(one.finished.number);
  }
  return numbers;
}

RunRecord run_record(const RunFolder& folder, const RunState& state, std::string experiment) {
  RunRecord record;
  record.experiment_text = std::move(experiment);
  bool reproducible = true;
  std::set<std::string> numerics;
  for (const TrialRecordState& trial : state.trials) {
    for (const StoredAttempt& stored : trial.finished) {
      const TrialFinished& finished = stored.finished;
      record.trial_runtime.push_back({finished.number, finished.attempt, finished.ranks,
                                      finished.host, finished.seconds, finished.reproducible,
                                      trial.asked, stored.numeric_fingerprint});
    }
    if (!trial.finished.empty()) {
      reproducible = reproducible && trial.finished.back().finished.reproducible;
      numerics.insert(trial.finished.back().numeric_fingerprint);
    }
  }
  // Results that were computed under several are those of no single machine.
  reproducible = reproducible && numerics.size() <= 1;
  if (!state.job) return record;
  const JobStarted& job = *state.job;
  record.name = job.name;
  record.overrides = job.overrides;
  record.metric = job.metric;
  record.minimize = job.minimize;
  record.plugins = state.plugins;
  record.data_fingerprint = job.data_fingerprint;
  record.numeric_fingerprint = job.numeric_fingerprint;
  record.numerics_version = job.numerics_version;
  record.software_version = job.software_version;
  record.revision = job.revision;
  record.runtime = {
      {"reproducible", reproducible && job.reproducible ? "1" : "0"},
      {"jobs", text(state.jobs)},
      {"started_utc", job.utc},
      {"seconds", text(std::fixed, std::setprecision(3), state.seconds)},
      {"ranks", text(job.ranks)},
      {"groups", text(job.groups)},
      {"host", job.host},
      {"slurm_job", job.slurm_job},
      {"run_folder", folder.path},
  };
  // What the job says of itself goes before what is said here.
  std::set<std::string> named;
  for (const auto& fact : job.runtime) named.insert(fact.first);
  std::erase_if(record.runtime, [&](const auto& fact) { return named.contains(fact.first); });
  record.runtime.insert(record.runtime.end(), job.runtime.begin(), job.runtime.end());
  return record;
}

Result<FileFacts> write_run_results(const RunFolder& folder, const RunState& state,
                                    ResultsExtent extent) {
  return fenced(folder.results(), [&]() -> Result<FileFacts> {
    if (!state.job) {
      return Status::input(text(folder.journal(), ": no job has started; there are no results"));
    }
    Result<std::string> experiment = experiment_text(folder, state.job->experiment);
    if (!experiment.ok()) return experiment.status();
    return write_results(folder.results(), run_record(folder, state, std::move(*experiment)),
                         trial_sources(folder, state), extent);
  });
}

}  // namespace aesweep
