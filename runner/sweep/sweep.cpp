#include "runner/sweep/sweep.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/text.hpp"
#include "runner/comm/mailbox.hpp"
#include "runner/comm/node_memory.hpp"
#include "runner/comm/world.hpp"
#include "runner/journal/run_results.hpp"
#include "runner/sweep/group_rank.hpp"
#include "runner/sweep/interrupt.hpp"
#include "runner/sweep/job_record.hpp"
#include "runner/sweep/manager_desk.hpp"
#include "runner/sweep/plan.hpp"
#include "runner/sweep/rank_facts.hpp"
#include "runner/sweep/run_home.hpp"
#include "runner/sweep/run_ledger.hpp"
#include "runner/sweep/run_log.hpp"
#include "runner/sweep/stale_files.hpp"
#include "runner/sweep/start_plan.hpp"
#include "runner/sweep/summary_table.hpp"
#include "runner/sweep/trial_checks.hpp"
#include "runner/watch/crash_slot.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;

// "SIGSEGV in activation swish" of "SIGSEGV in activation swish (/path), forward, layer code, step
// 6": results hold neither paths nor what depends on when a job was started again.
std::string crash_without_place(const std::string& what) {
  return what.substr(0, std::min(what.find(" ("), what.find(',')));
}

// One call of run_sweep on one rank. Every step until train() returns the same status on all ranks.
class Sweep {
 public:
  Sweep(World& world, const SweepOptions& options, const Experiment& experiment,
        const Catalogue& catalogue, const SweepServices& services)
      : world_(world),
        options_(options),
        memory_(world),
        plan_{experiment, catalogue, services, {}, {options.output}, {}, {}} {}

  Status prepare() {
    AESWEEP_RETURN_IF_ERROR(check_folder());
    AESWEEP_RETURN_IF_ERROR(compare());
    AESWEEP_RETURN_IF_ERROR(at_place(plan_.experiment, load_data()));
    AESWEEP_RETURN_IF_ERROR(plan_trials());
    return nothing_to_do_ ? Status() : world_.agree(is_first() ? open_run() : Status());
  }

  // Returns rank 0's exit status; 0 on the others.
  int train();

 private:
  [[nodiscard]] bool is_first() const { return world_.rank() == 0; }
  [[nodiscard]] int ranks_per_group() const {  // Of the largest group.
    return plan_.groups.empty() ? 0 : static_cast<int>(plan_.groups.front().ranks.size());
  }

  Status check_folder() { return world_.agree(is_first() ? home_.look(options_.start) : Status()); }
  Status compare();
  Status load_data();
  Status compare_data();
  Status plan_trials();
  Status plan_job();
  [[nodiscard]] bool finished_before();
  void share_plan();
  Status estimate_trials();
  Status open_run();
  Status give_up_on(std::int64_t number);
  [[nodiscard]] std::vector<std::int64_t> suspects() const;
  void log_plan();
  void log_start();
  void log_plugins();
  int end(const ManagerDesk& desk);
  int report_finished();

  World& world_;
  const SweepOptions& options_;
  const Clock::time_point start_ = Clock::now();
  NodeMemory memory_;
  SweepPlan plan_;
  std::int64_t shards_min_ = std::numeric_limits<std::int64_t>::max();  // In a batch of any trial.
  std::vector<UniqueTrials::Duplicate> duplicates_;
  WarmupCheck warmup_;
  std::vector<RankFacts> ranks_;
  Status mixed_;                // How the ranks differ, if that was accepted.
  bool nothing_to_do_ = false;  // The run is finished and its results are there.
  RunLog log_;

  // On rank 0.
  RunHome home_{plan_.folder};
  JobStarted job_;
  StartPlan start_plan_;
  bool results_lost_ = false;          // Of a finished run.
  std::vector<std::string> given_up_;  // A line for the log each.
  std::optional<RunLedger> ledger_;    // After what it writes with.
};

Status Sweep::compare() {
  plan_.numeric_fingerprint = plan_.services.numeric_fingerprint();
  Result<RankFacts> mine =
      facts_of_this_rank(world_.host(), plan_.numeric_fingerprint, plan_.catalogue);
  AESWEEP_RETURN_IF_ERROR(world_.agree(mine.status()));
  for (const std::string& bytes : world_.all_gather(encode(mine.value()))) {
    ranks_.push_back(decode_facts(bytes));
  }
  plan_.impure = impure_libraries(ranks_);
  const Status differ = compare_ranks(ranks_);  // The same on all ranks.
  if (!options_.accept_mixed_nodes) return differ;
  mixed_ = differ;
  plan_.mixed_nodes = !differ.ok();
  return {};
}

// Headers are read and the block is filled by one rank per node. Streamed samples stay in their
// file, which every rank opens.
Status Sweep::load_data() {
  const DataSpec& spec = plan_.experiment.data;
  Status status;
  if (memory_.leader()) {
    const Result<DatasetLayout> layout = plan_.services.inspect(spec);
    status = layout.status();
    if (layout.ok()) plan_.layout = layout.value();
  }
  AESWEEP_RETURN_IF_ERROR(world_.agree(status));

  std::string bytes(sizeof plan_.layout, '\0');
  std::memcpy(bytes.data(), &plan_.layout, sizeof plan_.layout);
  bytes = memory_.broadcast(std::move(bytes));
  std::memcpy(&plan_.layout, bytes.data(), sizeof plan_.layout);

  AESWEEP_RETURN_IF_ERROR(memory_.fill(plan_.layout.bytes, [&](std::span<std::byte> block) {
    return plan_.services.load(spec, plan_.layout, block);
  }));
  Result<Dataset> data = plan_.services.view(spec, plan_.layout, memory_.bytes());
  AESWEEP_RETURN_IF_ERROR(world_.agree(data.status()));
  plan_.data = std::move(data).value();
  return compare_data();
}

// Nodes may each have a copy of the files. Other data is never what was meant.
Status Sweep::compare_data() {
  const std::vector<std::string> all = world_.all_gather(plan_.data.fingerprint);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    return Status::input(text("the data set differs between nodes: rank ", rank, " on ",
                              ranks_[rank].host, " read other bytes than rank 0 on ",
                              ranks_[0].host, "; give all nodes the same files"));
  }
  return {};
}

Status Sweep::plan_trials() {
  UniqueTrials unique = unique_trials(plan_.experiment, plan_.catalogue, plan_.data.fingerprint);
  plan_.trials = std::move(unique.trials);
  duplicates_ = std::move(unique.duplicates);
  AESWEEP_RETURN_IF_ERROR(world_.agree(is_first() ? plan_job() : Status()));
  share_plan();
  return world_.agree(is_first() && !nothing_to_do_ ? estimate_trials() : Status());
}

// What this job does with what the run folder holds. From here on no other job may work on it.
Status Sweep::plan_job() {
  const bool waits = options_.start == StartMode::kAuto || options_.supervised;
  AESWEEP_RETURN_IF_ERROR(home_.read(waits ? LeaseWait::kForDead : LeaseWait::kNo));
  job_ = make_job_record(plan_, options_, ranks_);
  const RunState& run = home_.state();
  StartQuestion question{options_, {}, plan_.numeric_fingerprint, {}, {}};
  for (const SweepTrial& trial : plan_.trials) question.keys.push_back(trial.key);
  if (options_.supervised) question.crashes = read_crash_slots(plan_.folder.crash());
  if (run.job) {
    Result<std::string> text_before = home_.text_before();
    AESWEEP_RETURN_IF_ERROR(text_before.status());
    question.changes = settings_changes(*run.job, *text_before, job_, plan_.experiment.text);
    question.results_changes = results_changes(*run.job, job_);
  }
  if (options_.rerun_damaged) {
    Result<std::set<std::int64_t>> damaged = damaged_trials(plan_.folder, run);
    AESWEEP_RETURN_IF_ERROR(damaged.status());
    question.damaged = std::move(damaged).value();
  }
  Result<StartPlan> planned = plan_start(run, question);
  AESWEEP_RETURN_IF_ERROR(planned.status());
  start_plan_ = std::move(planned).value();
  for (const Record& record : start_plan_.records) {
    const auto* rerun = std::get_if<TrialRerun>(&record);
    if (rerun != nullptr && rerun->damaged) home_.lose(rerun->number);
  }
  nothing_to_do_ = finished_before();
  return {};
}

// Every rank gets the trials' numbers, and how many are to run.
void Sweep::share_plan() {
  std::vector<std::int64_t> facts = {nothing_to_do_ ? 1 : 0, start_plan_.to_run};
  facts.insert(facts.end(), start_plan_.numbers.begin(), start_plan_.numbers.end());
  facts.resize(plan_.trials.size() + 2);
  std::string bytes(facts.size() * sizeof facts[0], '\0');
  std::memcpy(bytes.data(), facts.data(), bytes.size());
  bytes = world_.broadcast(std::move(bytes));
  std::memcpy(facts.data(), bytes.data(), bytes.size());
  nothing_to_do_ = facts[0] != 0;
  for (std::size_t i = 0; i < plan_.trials.size(); ++i) plan_.trials[i].number = facts[i + 2];
  plan_.groups =
      make_groups(world_.ranks(), plan_.experiment.ranks_per_trial, static_cast<int>(facts[1]));
}

// The last job ended with nothing left to do, and this one asks for the same.
bool Sweep::finished_before() {
  const RunState& run = home_.state();
  if (start_plan_.to_run > 0 || !start_plan_.records.empty() || !start_plan_.quarantine.empty()) {
    return false;
  }
  const bool ended = run.ended && (run.ended->status == 0 || run.ended->status == 1);
  if (!ended) return false;
  results_lost_ = !home_.has_results();
  return !results_lost_ && home_.is_text_before(plan_.experiment.text) &&
         run.job->overrides == job_.overrides;
}

// Finds what is wrong with any trial that is to run before the first one does.
Status Sweep::estimate_trials() {
  const LabelRange labels = label_range(plan_.data);
  for (const SweepTrial& trial : plan_.trials) {
    if (!start_plan_.runs.contains(trial.number)) continue;
    const auto refused = [&](const Status& status) {
      return status.in(text(place_of(plan_.experiment, status.message()), ": trial ", trial.number,
                            " (", trial.plan->label, ")"));
    };
    const Status labelled = check_labels(trial.plan->spec.model, labels);
    if (!labelled.ok()) return refused(labelled);
    const Result<TrialEstimate> estimate =
        plan_.services.estimate(trial.plan->spec, plan_.catalogue, plan_.layout, ranks_per_group());
    if (!estimate.ok()) return refused(estimate.status());
    warmup_.add(trial.number, *trial.plan, estimate->steps);
    shards_min_ = std::min(shards_min_, estimate->shards_per_batch);
  }
  return {};
}

// Makes the run folder, or takes it up again; then the first records of the job.
Status Sweep::open_run() {
  AESWEEP_RETURN_IF_ERROR(home_.open(plan_.experiment.text, job_.experiment));
  Result<RunLog> log = RunLog::open(plan_.folder.log());
  AESWEEP_RETURN_IF_ERROR(log.status());
  log_ = std::move(log).value();
  job_.groups = static_cast<int>(plan_.groups.size());
  ledger_.emplace(plan_.folder, home_.state(), plan_.experiment.checkpoint.keep, home_.files(),
                  plan_.services, log_);
  // Taken away first: a crash that is not charged happens again, one charged twice hits a wrong
  // one. A job that nobody supervises charges none, and leaves none to a later one.
  remove_crash_slots(plan_.folder.crash());
  ledger_->append(job_);
  for (const Record& record : start_plan_.records) ledger_->append(record);
  AESWEEP_RETURN_IF_ERROR(ledger_->flush());
  for (const std::int64_t number : start_plan_.quarantine) {
    AESWEEP_RETURN_IF_ERROR(give_up_on(number));
  }
  return ledger_->flush();
}

// A trial that crashed too often is finished: as failed, with what is known of the last crash.
Status Sweep::give_up_on(std::int64_t number) {
  const TrialRecordState& state = ledger_->state().trials[static_cast<std::size_t>(number)];
  const auto trial = std::find_if(plan_.trials.begin(), plan_.trials.end(),
                                  [number](const SweepTrial& one) { return one.number == number; });
  TrialResult result;
  result.outcome = Outcome::kFailed;
  const std::string crashed = "crashed in two jobs: ";
  result.reason = crashed + crash_without_place(state.crashes.back().what);
  TrialRecord record;
  record.number = number;
  record.attempt = state.attempt;
  record.key = trial->key;
  record.seed = trial->plan->spec.train.seed;
  record.label = trial->plan->label;
  record.config = trial->plan->resolved;
  record.parameters = trial->plan->parameters;
  record.result = &result;
  const std::string name = trial_file(number, state.attempt);
  const Result<FileFacts> written = plan_.services.write_trial(plan_.folder.file(name), record);
  AESWEEP_RETURN_IF_ERROR(written.status());
  TrialSummary summary;
  summary.outcome = result.outcome;
  summary.reason = result.reason;
  summary.failed_rank = state.crashes.back().rank;
  summary.host = world_.host();
  given_up_.push_back(text("trial ", number, " (", trial->plan->label, ") failed: ", crashed,
                           state.crashes.back().what));
  ledger_->append(
      finished_record(number, state.attempt, summary, {name, written->bytes, written->sha256}));
  return ledger_->fault();
}

std::vector<std::int64_t> Sweep::suspects() const {
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < plan_.trials.size(); ++i) {
    const auto& suspects = start_plan_.suspects;
    if (std::find(suspects.begin(), suspects.end(), plan_.trials[i].number) != suspects.end()) {
      places.push_back(static_cast<std::int64_t>(i));
    }
  }
  return places;
}

// What is said only of a run that goes on.
void Sweep::log_start() {
  if (home_.torn_bytes() > 0) {
    log_.warn(text("the journal's last ", home_.torn_bytes(),
                   " bytes were cut short by a crash and are removed"));
  }
  for (const Record& record : start_plan_.records) {
    if (const auto* crash = std::get_if<TrialCrashed>(&record)) {
      log_.warn(text("trial ", crash->number, " crashed on rank ", crash->rank, ": ", crash->what));
    }
    const auto* rerun = std::get_if<TrialRerun>(&record);
    if (rerun != nullptr && rerun->damaged) {
      const bool runs = start_plan_.runs.contains(rerun->number);
      log_.warn(text("trial ", rerun->number, ": what was stored of it is missing or damaged; it ",
                     runs ? text("runs again as attempt ", rerun->attempt)
                          : std::string("is left out: this experiment does not ask for it")));
    }
  }
  for (const std::string& line : given_up_) log_.error(line);
  if (results_lost_) {
    log_.warn(text(plan_.folder.results(),
                   " is missing, or its bytes are not those that the journal names; it is written "
                   "again from the trials"));
  }
  if (start_plan_.numerics_changed) {
    log_.warn(
        "accepted, results are not reproducible: the run goes on under another numeric "
        "fingerprint");
  }
  if (const std::size_t lost = weights_left_out(ledger_->state()).size(); lost > 0) {
    log_.warn(text("results.h5 will lack the weights of ", lost, lost == 1 ? " trial" : " trials",
                   " that it should have by metric, goal and "
                   "record.weights as they are now: segments were written without them"));
  }
  const auto count = static_cast<std::int64_t>(plan_.trials.size());
  if (ledger_->state().jobs > 1) {
    log_.info(text("job ", ledger_->state().jobs, " of this run: ", count - start_plan_.to_run,
                   " of ", count, " trials are finished"));
  }
  if (!start_plan_.suspects.empty()) {
    log_.warn(text("the last job crashed, and nothing says in which trial: the ",
                   start_plan_.suspects.size(), " that were running go first, one at a time"));
  }
}

void Sweep::log_plan() {
  const Experiment& experiment = plan_.experiment;
  std::size_t busy = 0;
  for (const Group& group : plan_.groups) busy += group.ranks.size();
  log_.info(text("aesweep ", options_.software_version, " (", options_.revision, "), ",
                 World::library_version()));
  const std::string groups =
      plan_.groups.empty()
          ? text("none left to run, ")
          : text("on ", plan_.groups.size(), plan_.groups.size() == 1 ? " group, " : " groups, ");
  log_.info(text(experiment.path, ": ", plan_.trials.size(),
                 plan_.trials.size() == 1 ? " trial" : " trials", plan_.groups.empty() ? ", " : " ",
                 groups, world_.ranks(), world_.ranks() == 1 ? " rank" : " ranks"));
  for (const Override& one : experiment.overrides) {
    log_.info(text("--set ", one.key, '=', one.value));
  }
  for (const auto& [plan, same_as] : duplicates_) {
    const SweepTrial& other = plan_.trials[same_as];
    log_.warn(text("a trial (", plan->label, ") is the same as trial ", other.number, " (",
                   other.plan->label, ") and is not run again"));
  }
  log_start();
  const std::size_t idle = static_cast<std::size_t>(world_.ranks()) - busy;
  if (plan_.trials.empty()) {
    log_.warn("the experiment has no trials");
  } else if (idle > 0 && start_plan_.to_run > 0) {
    log_.warn(text(idle, idle == 1 ? " rank has" : " ranks have",
                   " nothing to do: there are too few trials for resources.ranks_per_trial: ",
                   experiment.ranks_per_trial));
  }
  if (ranks_per_group() > shards_min_) {
    log_.warn(text("a batch has as few as ", shards_min_, " shards: up to ",
                   ranks_per_group() - shards_min_, " of the ", ranks_per_group(),
                   " ranks of a group get no rows; lower resources.ranks_per_trial"));
  }
  if (const std::string warning = warmup_.warning(); !warning.empty()) log_.warn(warning);
  if (!mixed_.ok()) log_.warn(text("accepted, results are not reproducible: ", mixed_.message()));
  log_plugins();
}

void Sweep::log_plugins() {
  for (const CatalogueEntry& entry : plan_.catalogue.entries()) {
    if (entry.replaces == nullptr) continue;
    log_.warn(text(kind_name(static_cast<aesweep_kind>(entry.component.kind)), " ",
                   entry.component.name, " is that of ", entry.library->path,
                   ", not the built-in one"));
  }
  for (const auto& library : plan_.catalogue.libraries()) {
    const auto found = plan_.impure.find(library->id);
    if (!library->builtin && found != plan_.impure.end()) {
      log_.warn(text("plugin ", library->id, " (", library->path, ") is not pure: ", found->second,
                     "; results of trials that use it are not reproducible and marked so"));
    }
  }
}

int Sweep::train() {
  if (nothing_to_do_) return is_first() ? report_finished() : 0;
  // Destroyed last, when every rank has come to its end: so all wait for rank 0's files.
  Mailbox mailbox(world_);
  std::optional<ManagerDesk> desk;
  if (is_first()) {
    log_plan();
    ManagerDesk::Settings settings;
    for (const RankFacts& rank : ranks_) settings.hosts.push_back(rank.host);
    settings.suspects = suspects();
    settings.start = start_;
    desk.emplace(
        plan_, *ledger_, log_,
        [&mailbox](int rank, const Message& message) { mailbox.post(rank, encode(message)); },
        std::move(settings));
  }
  {
    const InterruptWatch watch;
    GroupRank(world_, mailbox, plan_, desk ? &*desk : nullptr).run();
  }
  return desk ? end(*desk) : 0;
}

int Sweep::end(const ManagerDesk& desk) {
  log_.clear_progress();
  const int status = desk.status();
  const bool whole = status == 0 || status == 1;
  const bool any = desk.manager().count(Manager::State::kFinished) > 0;
  if (whole || any) {
    std::fputs(summary_table(plan_, desk.manager()).c_str(), stdout);
  }
  if (whole) {
    log_.file_only(text(plan_.trials.size(), " trials in ", clock_text(desk.seconds()), ", ",
                        plan_.folder.results()));
    std::fputs((plan_.folder.results() + "\n").c_str(), stdout);
  } else if (any) {
    std::fputs(text("results.h5 is not complete; what was finished is in ", plan_.folder.trials(),
                    "; go on with --resume\n")
                   .c_str(),
               stdout);
  }
  std::fflush(stdout);
  if (!desk.why().empty() && status != static_cast<int>(Fault::kWorld)) log_.error(desk.why());
  ledger_.reset();  // All its writes end before the lease does.
  home_.close();
  return status;
}

// A run that was finished before: what it ended with, from its journal.
int Sweep::report_finished() {
  Manager manager(static_cast<std::int64_t>(plan_.trials.size()), 0);
  for (std::size_t i = 0; i < plan_.trials.size(); ++i) {
    const auto number = static_cast<std::size_t>(plan_.trials[i].number);
    manager.finished_before(static_cast<std::int64_t>(i),
                            summary_of(home_.state().trials[number].finished.back().finished));
  }
  const std::string shown = summary_table(plan_, manager) + plan_.folder.results() + "\n";
  std::fputs(shown.c_str(), stdout);
  std::fflush(stdout);
  const int status = home_.state().ended->status;
  home_.close();
  return status;
}

}  // namespace

int run_sweep(World& world, const SweepOptions& options, const Experiment& experiment,
              const Catalogue& catalogue, const SweepServices& services) {
  Sweep sweep(world, options, experiment, catalogue, services);
  const Status status = sweep.prepare();
  if (status.ok()) return sweep.train();
  if (world.rank() != 0) return 0;
  const std::string line = "aesweep: " + status.message() + "\n";
  std::fputs(line.c_str(), stderr);
  return static_cast<int>(status.fault());
}

}  // namespace aesweep
