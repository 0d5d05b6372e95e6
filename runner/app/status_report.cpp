#include "runner/app/status_report.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/table.hpp"
#include "core/base/text.hpp"
#include "runner/app/asked_folder.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/journal/run_results.hpp"
#include "runner/sweep/progress.hpp"

namespace aesweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRowsMax = 40;
// A holder renews its lease every 10 s.
constexpr double kLeaseAgeMax = 60.0;

constexpr std::array<TrialStage, 7> kStages = {
    TrialStage::kCompleted, TrialStage::kPruned,      TrialStage::kDiverged, TrialStage::kFailed,
    TrialStage::kRunning,   TrialStage::kInterrupted, TrialStage::kWaiting};

// A trial that the present experiment asks for, and its number.
struct Asked {
  std::int64_t number;
  const TrialRecordState* trial;
  TrialStage stage;
};

std::vector<Asked> asked_trials(const RunStatus& status) {
  std::vector<Asked> asked;
  for (std::size_t i = 0; i < status.state.trials.size(); ++i) {
    const TrialRecordState& trial = status.state.trials[i];
    if (trial.asked) {
      asked.push_back({static_cast<std::int64_t>(i), &trial, status.stage(trial)});
    }
  }
  return asked;
}

std::map<TrialStage, std::int64_t> counts_of(const std::vector<Asked>& asked) {
  std::map<TrialStage, std::int64_t> counts;
  for (const Asked& one : asked) ++counts[one.stage];
  return counts;
}

// What a job that runs has last said about its trials.
std::optional<LiveState> read_live(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  Result<LiveState> live = decode_live(bytes);
  if (!live.ok()) return std::nullopt;
  return std::move(live).value();
}

double age_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return 0.0;
  return std::max(0.0, std::difftime(std::time(nullptr), info.st_mtime));
}

const StoredAttempt* best_trial(const RunStatus& status) {
  if (!status.state.job) return nullptr;
  std::vector<const StoredAttempt*> done;
  for (const TrialRecordState& trial : status.state.trials) {
    if (trial.asked && trial.done()) done.push_back(&trial.finished.back());
  }
  const JobStarted& job = *status.state.job;
  const std::vector<std::size_t> best = best_attempts(done, job.metric, job.minimize, 1);
  return best.empty() ? nullptr : done[best.front()];
}

double value_of(const std::vector<std::pair<std::string, double>>& values,
                const std::string& name) {
  for (const auto& [key, value] : values) {
    if (key == name) return value;
  }
  return 0.0;
}

// --- Text ---

std::string job_line(const RunStatus& status) {
  const RunState& state = status.state;
  if (!status.lease_fault.empty()) return "unknown: " + status.lease_fault;
  if (status.at_work()) {
    std::string line = holder_text(*status.holder);
    if (state.job && !state.ended) {
      line += text(", ", state.job->ranks, state.job->ranks == 1 ? " rank" : " ranks", " in ",
                   state.job->groups, state.job->groups == 1 ? " group" : " groups", ", since ",
                   state.job->utc);
    }
    if (status.lease_age <= kLeaseAgeMax) return line;
    return line +
           text("; perhaps dead: it last renewed its lease ", clock_text(status.lease_age), " ago");
  }
  std::string line = "no job";
  if (status.holder) line += "; the last one is dead: " + holder_text(*status.holder);
  if (!state.job) return line + "; none was begun";
  if (!state.ended)
    return line +
           "; the last one was killed; go on with --resume, or with --supervise if a plugin "
           "crashed";
  line += text("; the last one ended ", state.ended->utc, " with status ", state.ended->status);
  return state.ended->why.empty() ? line : line + ": " + state.ended->why;
}

std::string trials_line(const RunStatus& status, const std::vector<Asked>& asked) {
  std::map<TrialStage, std::int64_t> counts = counts_of(asked);
  std::string line = text(asked.size());
  const char* separator = ": ";
  for (const TrialStage stage : kStages) {
    if (counts[stage] == 0) continue;
    line += text(separator, counts[stage], ' ', stage_name(stage));
    separator = ", ";
  }
  const std::size_t others = status.state.trials.size() - asked.size();
  if (others == 0) return line;
  return line + text("; ", others, " more of earlier experiments");
}

// A job that has just begun knows nothing yet.
bool says_something(const LiveState& live) {
  return live.epochs_done > 0 || live.samples_per_second >= 1.0;
}

// What is not known yet is left out.
std::string progress_line(const LiveState& live) {
  std::string line = text(live.epochs_done, " of ", live.epochs_total, " epochs");
  if (live.samples_per_second >= 1.0) {
    line += text(", ", static_cast<std::int64_t>(live.samples_per_second), " samples/s");
  }
  if (live.seconds_left >= 0.0) line += ", " + clock_text(live.seconds_left) + " left";
  return line + ", as of " + live.utc;
}

// Of the line's code points as many as fit, and an ellipsis.
std::string cut_line(const std::string& line, std::size_t width) {
  std::size_t points = 0;
  std::size_t kept = 0;  // Bytes of a line that leaves room for the dots.
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xC0U) == 0x80U) continue;
    if (points + 3 == width) kept = i;
    ++points;
  }
  return points <= width ? line : line.substr(0, kept) + "...";
}

std::string cut_lines(const std::string& lines, std::size_t width) {
  std::string out;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    out += cut_line(lines.substr(at, end - at), width) + "\n";
    at = end + 1;
  }
  return out;
}

// Each with the metric by which trials are compared; --json has the others.
std::string running_table(const RunStatus& status) {
  const std::string metric = status.state.job->metric;
  const std::vector<std::string> headers = {"trial", "attempt", "epoch", "time",
                                            "ranks", "host",    metric,  "label"};
  std::vector<std::vector<std::string>> rows;
  for (const LiveTrial& trial : status.live->trials) {
    if (rows.size() == kRowsMax) {
      rows.push_back({"..."});
      break;
    }
    const auto found = std::find_if(trial.last.begin(), trial.last.end(),
                                    [&](const auto& other) { return other.first == metric; });
    rows.push_back({text(trial.number), text(trial.attempt), text(trial.epoch, '/', trial.epochs),
                    clock_text(trial.seconds), text(trial.ranks), trial.host,
                    found == trial.last.end() ? "-" : text(found->second), trial.label});
  }
  return format_table(headers, rows);
}

// Of a job that has said nothing of itself yet: what the journal knows of trials that run.
std::string known_lines(const std::vector<Asked>& asked) {
  std::vector<std::vector<std::string>> rows;
  for (const Asked& one : asked) {
    if (one.stage != TrialStage::kRunning) continue;
    if (rows.size() == kRowsMax) {
      rows.push_back({"..."});
      break;
    }
    const auto& checkpoints = one.trial->checkpoints;
    rows.push_back({text(one.number), text(one.trial->attempt),
                    checkpoints.empty() ? "-" : text(checkpoints.back().epochs),
                    checkpoints.empty() ? "-" : text(checkpoints.back().step)});
  }
  if (rows.empty()) return "";
  const std::vector<std::string> headers = {"trial", "attempt", "checkpoint's epoch", "step"};
  return '\n' + format_table(headers, rows);
}

// What ranks left of a job that died, one line each.
std::string crash_lines(const RunStatus& status) {
  std::string lines;
  std::size_t count = 0;
  bool of_trial = false;
  for (const CrashReport& crash : status.left_crashes) {
    if (crash.what.empty()) continue;
    if (++count > kRowsMax) continue;
    lines += text("rank ", crash.rank, " died: ", crash.what);
    if (crash.trial >= 0) lines += text(", trial ", crash.trial, ", attempt ", crash.attempt);
    lines += '\n';
    of_trial = of_trial || crash.trial >= 0;
  }
  if (count > kRowsMax) lines += text("... and ", count - kRowsMax, " more; see --json\n");
  if (of_trial) {
    lines +=
        "A trial that crashes takes its job along: `aesweep run --supervise` starts again, and\n"
        "gives up a trial that crashed twice.\n";
  }
  return lines;
}

// Trials that failed or diverged, and crashes of those that go on.
std::string trouble_lines(const std::vector<Asked>& asked) {
  std::string lines;
  std::size_t count = 0;
  for (const Asked& one : asked) {
    std::string line;
    if (one.stage == TrialStage::kFailed || one.stage == TrialStage::kDiverged) {
      const TrialFinished& finished = one.trial->finished.back().finished;
      line = text(stage_name(one.stage), ": ", finished.reason);
    } else if (one.stage > TrialStage::kFailed && !one.trial->crashes.empty()) {
      line = text("crashed: ", one.trial->crashes.back().what);
    }
    if (line.empty() || ++count > kRowsMax) continue;
    lines += text("trial ", one.number, ", attempt ", one.trial->attempt, ' ', line, '\n');
  }
  if (count > kRowsMax) lines += text("... and ", count - kRowsMax, " more; see --json\n");
  return lines;
}

// --- JSON ---

Json job_json(const RunStatus& status) {
  const RunState& state = status.state;
  Json job;
  job["at_work"] = status.lease_fault.empty() ? Json(status.at_work()) : Json(nullptr);
  job["holder"] = status.holder ? Json(holder_text(*status.holder)) : Json(nullptr);
  job["holder_dead"] = status.holder_dead;
  job["lease_age_seconds"] = status.holder ? Json(status.lease_age) : Json(nullptr);
  job["number"] = state.jobs;
  job["started"] = state.job ? Json(state.job->utc) : Json(nullptr);
  job["ranks"] = state.job ? state.job->ranks : 0;
  job["groups"] = state.job ? state.job->groups : 0;
  job["host"] = state.job ? state.job->host : "";
  job["slurm_job"] = state.job ? state.job->slurm_job : "";
  job["ended"] = state.ended ? Json{{"utc", state.ended->utc},
                                    {"status", state.ended->status},
                                    {"why", state.ended->why}}
                             : Json(nullptr);
  return job;
}

Json progress_json(const RunStatus& status) {
  if (!status.live) return nullptr;
  const LiveState& live = *status.live;
  Json left = live.seconds_left >= 0.0 ? Json(live.seconds_left) : Json(nullptr);
  return {{"utc", live.utc},
          {"seconds", live.seconds},
          {"epochs_done", live.epochs_done},
          {"epochs_total", live.epochs_total},
          {"samples_per_second", live.samples_per_second},
          {"seconds_left", std::move(left)}};
}

Json running_json(const RunStatus& status) {
  Json list = Json::array();
  if (!status.live) return list;
  for (const LiveTrial& trial : status.live->trials) {
    Json metrics = Json::object();  // NaN and infinities become null.
    for (const auto& [name, value] : trial.last) metrics[name] = value;
    list.push_back({{"number", trial.number},
                    {"attempt", trial.attempt},
                    {"label", trial.label},
                    {"ranks", trial.ranks},
                    {"host", trial.host},
                    {"epoch", trial.epoch},
                    {"epochs", trial.epochs},
                    {"step", trial.step},
                    {"seconds", trial.seconds},
                    {"metrics", std::move(metrics)}});
  }
  return list;
}

Json unfinished_json(const std::vector<Asked>& asked) {
  Json list = Json::array();
  for (const Asked& one : asked) {
    if (one.stage != TrialStage::kInterrupted) continue;
    const auto& checkpoints = one.trial->checkpoints;
    list.push_back({{"number", one.number},
                    {"attempt", one.trial->attempt},
                    {"step", checkpoints.empty() ? 0 : checkpoints.back().step},
                    {"epoch", checkpoints.empty() ? 0 : checkpoints.back().epochs}});
  }
  return list;
}

Json trouble_json(const std::vector<Asked>& asked) {
  Json list = Json::array();
  for (const Asked& one : asked) {
    if (one.stage != TrialStage::kFailed && one.stage != TrialStage::kDiverged) continue;
    list.push_back({{"number", one.number},
                    {"attempt", one.trial->attempt},
                    {"status", stage_name(one.stage)},
                    {"reason", one.trial->finished.back().finished.reason}});
  }
  return list;
}

Json crashes_json(const std::vector<Asked>& asked) {
  Json list = Json::array();
  for (const Asked& one : asked) {
    for (const TrialCrashed& crash : one.trial->crashes) {
      list.push_back({{"number", crash.number},
                      {"attempt", crash.attempt},
                      {"rank", crash.rank},
                      {"what", crash.what}});
    }
  }
  return list;
}

Json left_crashes_json(const RunStatus& status) {
  Json list = Json::array();
  for (const CrashReport& crash : status.left_crashes) {
    if (crash.what.empty()) continue;
    list.push_back({{"rank", crash.rank},
                    {"number", crash.trial >= 0 ? Json(crash.trial) : Json(nullptr)},
                    {"attempt", crash.trial >= 0 ? Json(crash.attempt) : Json(nullptr)},
                    {"what", crash.what}});
  }
  return list;
}

Json best_json(const RunStatus& status) {
  const StoredAttempt* best = best_trial(status);
  if (best == nullptr) return nullptr;
  const std::string& metric = status.state.job->metric;
  return {{"number", best->finished.number},
          {"metric", metric},
          {"value", value_of(best->finished.last, metric)}};
}

}  // namespace

const char* stage_name(TrialStage stage) {
  static constexpr std::array<const char*, 7> kNames = {
      "completed", "pruned", "diverged", "failed", "running", "interrupted", "waiting"};
  return kNames[static_cast<std::size_t>(stage)];
}

TrialStage RunStatus::stage(const TrialRecordState& trial) const {
  if (trial.done()) {
    switch (trial.finished.back().finished.outcome) {
      case Outcome::kCompleted:
        return TrialStage::kCompleted;
      case Outcome::kPruned:
        return TrialStage::kPruned;
      case Outcome::kDiverged:
        return TrialStage::kDiverged;
      default:
        return TrialStage::kFailed;
    }
  }
  // A job that has ended in order has stopped its trials.
  if (trial.begun && at_work() && !state.ended) return TrialStage::kRunning;
  return trial.begun || !trial.checkpoints.empty() ? TrialStage::kInterrupted
                                                   : TrialStage::kWaiting;
}

Result<RunStatus> read_run_status(const RunFolder& folder) {
  AESWEEP_RETURN_IF_ERROR(check_asked_folder(folder));
  RunStatus status;
  status.path = folder.path;
  // The lease first: a job that ends meanwhile is then shown as at work, not as killed.
  Result<std::optional<LeaseHolder>> holder = read_lease(folder.lease());
  if (holder.ok()) {
    status.holder = std::move(holder).value();
    status.holder_dead = status.holder && certainly_dead(*status.holder);
    status.lease_age = status.holder ? age_of(folder.lease()) : 0.0;
  } else {
    status.lease_fault = holder.status().message();
  }
  const Result<JournalLines> lines = read_journal(folder.journal());
  if (!lines.ok()) return lines.status();
  Result<RunState> state = replay(lines->payloads);
  if (!state.ok()) return state.status().in(folder.journal());
  status.state = std::move(state).value();
  status.torn_bytes = lines->torn_bytes;
  if (!status.at_work() && status.lease_fault.empty()) {
    status.left_crashes = read_crash_slots(folder.crash());
  }
  if (!status.at_work() || !status.state.job || status.state.ended) return status;
  status.live = read_live(folder.live());
  // That of an earlier job is old news. Both times are of the run's own machines.
  if (status.live && status.live->utc < status.state.job->utc) status.live.reset();
  return status;
}

std::string status_text(const RunStatus& status, std::size_t width) {
  const std::vector<Asked> asked = asked_trials(status);
  const std::string name = status.state.job ? status.state.job->name : "(nothing begun)";
  std::string out = text("run       ", name, ", ", status.path, "\n",  //
                         "job       ", job_line(status), "\n",         //
                         "trials    ", trials_line(status, asked), "\n");
  if (status.live && says_something(*status.live)) {
    out += text("progress  ", progress_line(*status.live), "\n");
  }
  if (const StoredAttempt* best = best_trial(status)) {
    const std::string& metric = status.state.job->metric;
    out += text("best      trial ", best->finished.number, ", ", metric, ' ',
                value_of(best->finished.last, metric), "\n");
  }
  const bool works = status.at_work() && status.state.job && !status.state.ended;
  if (status.live && !status.live->trials.empty()) {
    out += '\n' + cut_lines(running_table(status), width);
  } else if (works) {
    out += cut_lines(known_lines(asked), width);
  }
  for (const std::string& more : {crash_lines(status), trouble_lines(asked)}) {
    if (!more.empty()) out += '\n' + more;
  }
  return out;
}

std::string status_json(const RunStatus& status) {
  const std::vector<Asked> asked = asked_trials(status);
  std::map<TrialStage, std::int64_t> counts = counts_of(asked);
  Json trials = {{"asked", asked.size()}, {"not_asked", status.state.trials.size() - asked.size()}};
  for (const TrialStage stage : kStages) trials[stage_name(stage)] = counts[stage];
  Json json;
  json["format"] = "aesweep-status";
  json["version"] = 1;
  json["path"] = status.path;
  json["name"] = status.state.job ? status.state.job->name : "";
  json["job"] = job_json(status);
  json["trials"] = std::move(trials);
  json["progress"] = progress_json(status);
  json["best"] = best_json(status);
  json["running"] = running_json(status);
  json["interrupted"] = unfinished_json(asked);
  json["failed"] = trouble_json(asked);
  json["crashes"] = crashes_json(asked);
  json["left_crashes"] = left_crashes_json(status);
  json["torn_bytes"] = status.torn_bytes;
  // Texts of plugins may be anything; what is no UTF-8 is replaced.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace aesweep
