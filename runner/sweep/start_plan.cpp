#include "runner/sweep/start_plan.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

// So many charged crashes of one attempt, and it is not tried again.
constexpr std::size_t kCrashesMax = 2;

class Planner {
 public:
  Planner(const RunState& run, const StartQuestion& question)
      : run_(run), before_(run.job), question_(question), options_(question.options) {
    if (!run_.job) run_.job.emplace();  // This one: records follow its own.
  }

  Result<StartPlan> plan() {
    charge_crashes();
    AESWEEP_RETURN_IF_ERROR(number_trials());
    rerun();
    find_quarantine();
    AESWEEP_RETURN_IF_ERROR(compare_numerics());
    find_suspects();
    return std::move(plan_);
  }

 private:
  void record(Record record) {
    // Made from the state itself: it cannot contradict it.
    const Status status = run_.apply(record);
    AESWEEP_CHECK(status.ok(), status.message());
    plan_.records.push_back(std::move(record));
  }
  [[nodiscard]] const TrialRecordState& trial(std::int64_t number) const {
    return run_.trials[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] bool to_run(std::int64_t number) const {
    const auto& out = plan_.quarantine;
    return !trial(number).done() && std::find(out.begin(), out.end(), number) == out.end();
  }

  void charge_crashes();
  void charge(std::int64_t number, int attempt, int rank, const std::string& what);
  Status number_trials();
  [[nodiscard]] Status other_results() const;
  [[nodiscard]] Status other_trials(std::size_t fresh, std::size_t gone) const;
  void rerun();
  void find_quarantine();
  Status compare_numerics();
  void find_suspects();

  RunState run_;  // As it becomes by the plan's records.
  const std::optional<JobStarted>& before_;
  const StartQuestion& question_;
  const SweepOptions& options_;
  StartPlan plan_;
};

// Trials that were running when the last job ended.
std::vector<std::int64_t> begun_trials(const RunState& run) {
  std::vector<std::int64_t> begun;
  for (std::size_t i = 0; i < run.trials.size(); ++i) {
    if (run.trials[i].begun && !run.trials[i].done()) begun.push_back(static_cast<std::int64_t>(i));
  }
  return begun;
}

bool searched(const RunState& run) {
  if (!run.job) return false;
  const auto& facts = run.job->runtime;
  return std::any_of(facts.begin(), facts.end(),
                     [](const auto& fact) { return fact.first == kSearchFact; });
}

void Planner::charge_crashes() {
  if (!options_.supervised) return;
  // One job's crash counts once, however many ranks of the trial it took; the lowest is named.
  std::map<std::pair<std::int64_t, int>, const CrashReport*> crashed;
  for (const CrashReport& crash : question_.crashes) {
    if (crash.what.empty()) continue;
    const CrashReport*& lowest = crashed[{crash.trial, crash.attempt}];
    if (lowest == nullptr || crash.rank < lowest->rank) lowest = &crash;
  }
  for (const auto& [trial, crash] : crashed) {
    charge(crash->trial, crash->attempt, crash->rank, crash->what);
  }
  // A job that looked for the culprit died again without a word, with one trial running: that one.
  const std::vector<std::int64_t> begun = begun_trials(run_);
  if (options_.search_crash && searched(run_) && begun.size() == 1) {
    const TrialRecordState& one = trial(begun.front());
    if (crashed.contains({begun.front(), one.attempt})) return;
    charge(begun.front(), one.attempt, 0, "the job died while it ran alone");
  }
}

void Planner::charge(std::int64_t number, int attempt, int rank, const std::string& what) {
  if (number < 0 || static_cast<std::size_t>(number) >= run_.trials.size()) return;
  if (trial(number).done() || trial(number).attempt != attempt) return;
  record(TrialCrashed{number, attempt, rank, what});
}

Status Planner::number_trials() {
  TrialsPlanned planned;
  planned.first = static_cast<std::int64_t>(run_.trials.size());
  for (const std::string& key : question_.keys) {
    const auto known = run_.number_of.find(key);
    if (known != run_.number_of.end()) {
      plan_.numbers.push_back(known->second);
    } else {
      plan_.numbers.push_back(planned.first + static_cast<std::int64_t>(planned.keys.size()));
      planned.keys.push_back(key);
    }
  }
  const std::set<std::int64_t> asked(plan_.numbers.begin(), plan_.numbers.end());
  std::set<std::int64_t> before;
  for (std::size_t i = 0; i < run_.trials.size(); ++i) {
    if (run_.trials[i].asked) before.insert(static_cast<std::int64_t>(i));
  }
  if (!before.empty() && !question_.results_changes.empty() &&
      options_.start != StartMode::kExtend && asked == before) {
    return other_results();
  }
  if (asked == before) return {};
  // A job that was killed before it could say what it asks for is not an experiment to keep to.
  if (!before.empty() && options_.start != StartMode::kExtend) {
    const auto gone = std::count_if(before.begin(), before.end(),
                                    [&](std::int64_t one) { return !asked.contains(one); });
    const auto fresh = std::count_if(asked.begin(), asked.end(),
                                     [&](std::int64_t one) { return !before.contains(one); });
    return other_trials(static_cast<std::size_t>(fresh), static_cast<std::size_t>(gone));
  }
  if (!planned.keys.empty()) record(std::move(planned));
  TrialsAsked ranges;
  for (const std::int64_t number : asked) {
    if (!ranges.ranges.empty() && ranges.ranges.back().second + 1 == number) {
      ranges.ranges.back().second = number;
    } else {
      ranges.ranges.emplace_back(number, number);
    }
  }
  record(std::move(ranges));
  return {};
}

Status Planner::other_results() const {
  std::string what;
  for (const std::string& change : question_.results_changes) {
    what += text(what.empty() ? "" : "; ", change);
  }
  return Status::input(text("run folder ", options_.output,
                            " holds the same trials for other results (", what,
                            "); run it with --extend to change that, or name another folder with "
                            "-o"));
}

Status Planner::other_trials(std::size_t fresh, std::size_t gone) const {
  constexpr std::size_t kShown = 40;
  // What makes other trials comes first.
  std::vector<std::string> changes = question_.changes;
  std::stable_partition(changes.begin(), changes.end(), [](const std::string& change) {
    return !change.starts_with("metric.") && !change.starts_with("record.weights");
  });
  std::string what;
  for (std::size_t i = 0; i < std::min(changes.size(), kShown); ++i) {
    what += text(i == 0 ? "; what changed:\n  " : "\n  ", changes[i]);
  }
  if (changes.size() > kShown) what += text("\n  and ", changes.size() - kShown, " more");
  return Status::input(text("run folder ", options_.output, " holds other trials: ", fresh,
                            " of this experiment are not among them, ", gone,
                            " of them are not in this experiment; run it with --extend to go on "
                            "with what both have, or name another folder with -o",
                            what));
}

void Planner::rerun() {
  // Those that nobody asks for now are given up, and run when an experiment asks for them again.
  for (const std::int64_t number : question_.damaged) {
    record(TrialRerun{number, trial(number).attempt + 1, true});
  }
  if (!options_.rerun_failed) return;
  for (const std::int64_t number : plan_.numbers) {
    const TrialRecordState& one = trial(number);
    if (one.done() && one.finished.back().finished.outcome == Outcome::kFailed) {
      record(TrialRerun{number, one.attempt + 1});
    }
  }
}

void Planner::find_quarantine() {
  for (const std::int64_t number : plan_.numbers) {
    if (trial(number).done()) continue;
    if (options_.supervised && trial(number).crashes.size() >= kCrashesMax) {
      plan_.quarantine.push_back(number);
    } else {
      plan_.runs.insert(number);
    }
  }
  plan_.to_run = static_cast<std::int64_t>(plan_.runs.size());
}

Status Planner::compare_numerics() {
  if (!before_ || before_->numeric_fingerprint == question_.numeric_fingerprint) return {};
  const auto computed = [this](std::int64_t number) {
    return trial(number).done() || !trial(number).checkpoints.empty();
  };
  const auto& numbers = plan_.numbers;
  if (plan_.to_run == 0 || std::none_of(numbers.begin(), numbers.end(), computed)) return {};
  plan_.numerics_changed = true;
  if (options_.accept_numerics) return {};
  return Status::input(text(
      "run folder ", options_.output, ": its last job computed under the numeric fingerprint ",
      before_->numeric_fingerprint, ", this one would under ", question_.numeric_fingerprint,
      ": their results are not bit for bit those of one machine; run where the last job ran, or "
      "accept it with --accept-numerics"));
}

void Planner::find_suspects() {
  if (!options_.search_crash) return;
  const std::set<std::int64_t> asked(plan_.numbers.begin(), plan_.numbers.end());
  for (const std::int64_t number : begun_trials(run_)) {
    if (asked.contains(number) && to_run(number)) plan_.suspects.push_back(number);
  }
}

}  // namespace

Result<StartPlan> plan_start(const RunState& run, const StartQuestion& question) {
  return Planner(run, question).plan();
}

std::vector<std::string> settings_changes(const JobStarted& before, const std::string& text_before,
                                          const JobStarted& now, const std::string& text_now) {
  std::vector<std::string> changes = changed_keys(text_before, overrides_of(before.overrides),
                                                  text_now, overrides_of(now.overrides));
  const auto compare = [&changes](const std::string& what, const std::string& left,
                                  const std::string& right) {
    if (left != right) changes.push_back(text(what, ": ", left, " -> ", right));
  };
  compare("fingerprint of the data", before.data_fingerprint, now.data_fingerprint);
  // Where one of them has none, the experiment's keys say so; older journals do not say.
  if (!before.weights_sha256.empty() && !now.weights_sha256.empty()) {
    compare("weights of model.init_from", before.weights_sha256.substr(0, 12),
            now.weights_sha256.substr(0, 12));
  }
  compare("version of the numerics", text(before.numerics_version), text(now.numerics_version));
  for (const PluginRecord& one : now.plugins) {
    const auto same = std::find_if(
        before.plugins.begin(), before.plugins.end(),
        [&one](const PluginRecord& old) { return old.kind == one.kind && old.name == one.name; });
    if (same == before.plugins.end()) continue;  // The experiment's keys say so.
    compare(text("library of ", one.kind, ' ', one.name),
            text(same->library, ' ', same->version, " (", same->sha256.substr(0, 12), ")"),
            text(one.library, ' ', one.version, " (", one.sha256.substr(0, 12), ")"));
  }
  return changes;
}

std::vector<std::string> results_changes(const JobStarted& before, const JobStarted& now) {
  std::vector<std::string> changes;
  const auto compare = [&changes](const char* key, const std::string& left,
                                  const std::string& right) {
    if (left != right) changes.push_back(text(key, ": ", left, " -> ", right));
  };
  const auto goal = [](const JobStarted& job) { return job.minimize ? "minimize" : "maximize"; };
  const auto weights = [](const JobStarted& job) {
    return job.best_weights == 0 ? std::string("of all") : text("best ", job.best_weights);
  };
  compare("name", before.name, now.name);
  compare("metric.name", before.metric, now.metric);
  compare("metric.goal", goal(before), goal(now));
  compare("record.weights", weights(before), weights(now));
  return changes;
}

std::string overrides_text(std::span<const Override> overrides) {
  // How a job uses ranks, time and disk is not part of what is computed.
  constexpr std::array<std::string_view, 3> kWithoutEffect = {"resources", "checkpoint", "limits"};
  std::string lines;
  for (const Override& one : overrides) {
    const std::string_view first = std::string_view(one.key).substr(0, one.key.find('.'));
    if (std::find(kWithoutEffect.begin(), kWithoutEffect.end(), first) != kWithoutEffect.end()) {
      continue;
    }
    lines += text(lines.empty() ? "" : "\n", one.key, '=', one.value);
  }
  return lines;
}

std::vector<Override> overrides_of(const std::string& lines) {
  std::vector<Override> overrides;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    const std::string line = lines.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) {
      overrides.push_back({line.substr(0, equals), line.substr(equals + 1)});
    }
  }
  return overrides;
}

}  // namespace aesweep
