#include "runner/sweep/sweep.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/base/text.hpp"
#include "runner/comm/mailbox.hpp"
#include "runner/comm/node_memory.hpp"
#include "runner/comm/world.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/sweep/group_rank.hpp"
#include "runner/sweep/interrupt.hpp"
#include "runner/sweep/manager_desk.hpp"
#include "runner/sweep/plan.hpp"
#include "runner/sweep/rank_facts.hpp"
#include "runner/sweep/run_folder.hpp"
#include "runner/sweep/run_log.hpp"
#include "runner/sweep/run_record.hpp"
#include "runner/sweep/summary_table.hpp"
#include "runner/sweep/trial_checks.hpp"

namespace aesweep {
namespace {

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
    started_utc_ = utc_now();
    AESWEEP_RETURN_IF_ERROR(check_folder());
    AESWEEP_RETURN_IF_ERROR(compare());
    AESWEEP_RETURN_IF_ERROR(load_data());
    AESWEEP_RETURN_IF_ERROR(plan_trials());
    return open_folder();
  }

  // Returns rank 0's exit status; 0 on the others.
  int train();

 private:
  [[nodiscard]] bool is_first() const { return world_.rank() == 0; }
  [[nodiscard]] int ranks_per_group() const {  // Of the largest group.
    return plan_.groups.empty() ? 0 : static_cast<int>(plan_.groups.front().ranks.size());
  }

  Status check_folder() {
    return world_.agree(is_first() ? check_run_folder(plan_.folder) : Status());
  }
  Status compare();
  Status load_data();
  Status compare_data();
  Status plan_trials();
  Status estimate_trials();
  Status open_folder();
  void log_plan();
  void log_plugins();
  int end(const ManagerDesk& desk);

  World& world_;
  const SweepOptions& options_;
  NodeMemory memory_;
  SweepPlan plan_;
  std::int64_t shards_min_ = std::numeric_limits<std::int64_t>::max();  // In a batch of any trial.
  std::vector<UniqueTrials::Duplicate> duplicates_;
  WarmupCheck warmup_;
  std::vector<RankFacts> ranks_;
  Status mixed_;  // How the ranks differ, if that was accepted.
  std::string fingerprint_;
  std::string started_utc_;
  RunLog log_;
};

Status Sweep::compare() {
  fingerprint_ = plan_.services.numeric_fingerprint();
  Result<RankFacts> mine = facts_of_this_rank(world_.host(), fingerprint_, plan_.catalogue);
  AESWEEP_RETURN_IF_ERROR(world_.agree(mine.status()));
  for (const std::string& bytes : world_.all_gather(encode(mine.value()))) {
    ranks_.push_back(decode_facts(bytes));
  }
  const Status differ = compare_ranks(ranks_);  // The same on all ranks.
  if (!options_.accept_mixed_nodes) return differ;
  mixed_ = differ;
  return {};
}

// Headers are read and the block is filled by one rank per node.
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
  plan_.data = plan_.services.view(plan_.layout, memory_.bytes());
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
  plan_.groups = make_groups(world_.ranks(), plan_.experiment.ranks_per_trial,
                             static_cast<int>(plan_.trials.size()));
  return world_.agree(is_first() ? estimate_trials() : Status());
}

// Finds what is wrong with any trial before the first one runs.
Status Sweep::estimate_trials() {
  const LabelRange labels = label_range(plan_.data);
  for (const SweepTrial& trial : plan_.trials) {
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

Status Sweep::open_folder() {
  const auto open = [this]() -> Status {
    AESWEEP_RETURN_IF_ERROR(make_run_folder(plan_.folder));
    const std::string& given = plan_.experiment.text;
    AESWEEP_RETURN_IF_ERROR(durable_write(plan_.folder.experiment(),
                                          std::as_bytes(std::span(given.data(), given.size())),
                                          WriteMode::kCreate));
    Result<RunLog> log = RunLog::open(plan_.folder.log());
    if (log.ok()) log_ = std::move(log).value();
    return log.status();
  };
  return world_.agree(is_first() ? open() : Status());
}

void Sweep::log_plan() {
  const Experiment& experiment = plan_.experiment;
  std::size_t busy = 0;
  for (const Group& group : plan_.groups) busy += group.ranks.size();
  log_.info(text("aesweep ", options_.software_version, " (", options_.revision, "), ",
                 World::library_version()));
  log_.info(text(experiment.path, ": ", plan_.trials.size(),
                 plan_.trials.size() == 1 ? " trial on " : " trials on ", plan_.groups.size(),
                 plan_.groups.size() == 1 ? " group, " : " groups, ", world_.ranks(),
                 world_.ranks() == 1 ? " rank" : " ranks"));
  for (const Override& one : experiment.overrides) {
    log_.info(text("--set ", one.key, '=', one.value));
  }
  for (const auto& [number, same_as] : duplicates_) {
    log_.warn(text("trial ", number, " is the same as trial ", same_as, " and is not run again"));
  }
  const std::size_t idle = static_cast<std::size_t>(world_.ranks()) - busy;
  if (plan_.trials.empty()) {
    log_.warn("the experiment has no trials");
  } else if (idle > 0) {
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
  const std::map<std::string, std::string> impure = impure_libraries(ranks_);
  for (const auto& library : plan_.catalogue.libraries()) {
    const auto found = impure.find(library->id);
    if (!library->builtin && found != impure.end()) {
      log_.warn(text("plugin ", library->id, " (", library->path, ") is not pure: ", found->second,
                     "; results of trials that use it are not reproducible and marked so"));
    }
  }
}

int Sweep::train() {
  // Destroyed last, when every rank has come to its end: so all wait for rank 0's files.
  Mailbox mailbox(world_);
  std::optional<ManagerDesk> desk;
  if (is_first()) {
    log_plan();
    desk.emplace(plan_, log_, [&mailbox](int rank, const Message& message) {
      mailbox.post(rank, encode(message));
    });
  }
  {
    std::optional<InterruptWatch> watch;
    if (is_first()) watch.emplace();
    GroupRank(world_, mailbox, plan_, desk ? &*desk : nullptr).run();
  }
  return desk ? end(*desk) : 0;
}

int Sweep::end(const ManagerDesk& desk) {
  log_.clear_progress();
  Status status = desk.fault();
  if (status.ok()) {
    const RunFacts facts{ranks_, fingerprint_, !mixed_.ok(), started_utc_, desk.seconds()};
    const RunRecord record = make_run_record(plan_, options_, desk.manager(), facts);
    status = plan_.services.write_results(plan_.folder.results(), record,
                                          trial_paths(plan_, desk.manager()));
    if (!status.ok()) log_.error(status.message());
  }
  const std::string table = summary_table(plan_, desk.manager());
  std::fputs(table.c_str(), stdout);
  if (!status.ok()) {
    std::fputs(text("There is no results.h5; what was finished is in ", plan_.folder.trials(), "\n")
                   .c_str(),
               stdout);
    std::fflush(stdout);
    return static_cast<int>(Fault::kWorld);
  }
  log_.file_only(text(plan_.trials.size(), " trials in ", clock_text(desk.seconds()), ", ",
                      plan_.folder.results()));
  std::fputs((plan_.folder.results() + "\n").c_str(), stdout);
  std::fflush(stdout);
  for (std::int64_t i = 0; i < desk.manager().trials(); ++i) {
    if (desk.manager().summary(i).outcome == Outcome::kFailed) return 1;
  }
  return 0;
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
