// plan_start: for every way to start and every state of a run, which trials run under which
// numbers, what is written down, and what is refused with which words.

#include "runner/sweep/start_plan.hpp"

#include <gtest/gtest.h>

#include "tests/sweep/fake_disk.hpp"

namespace aesweep {
namespace {

using Numbers = std::vector<std::int64_t>;
constexpr const char* kFingerprint = "0123456789abcdef";

std::vector<std::string> keys(std::initializer_list<int> names) {
  std::vector<std::string> list;
  for (const int name : names) list.push_back(text("key", name));
  return list;
}

void add(RunState& run, const Record& record) {
  const Status status = run.apply(record);
  ASSERT_TRUE(status.ok()) << status.message();
}

void finish(RunState& run, std::int64_t number, Outcome outcome = Outcome::kCompleted) {
  TrialFinished record;
  record.number = number;
  record.outcome = outcome;
  add(run, record);
}

struct Start {
  explicit Start(StartMode mode) {
    options.output = "runs/x";
    options.start = mode;
  }
  Result<StartPlan> plan(const RunState& run, std::vector<std::string> asked) {
    return plan_start(
        run, {options, std::move(asked), fingerprint, crashes, changes, results_changes, damaged});
  }
  SweepOptions options;
  std::string fingerprint = kFingerprint;
  std::vector<CrashReport> crashes;
  std::vector<std::string> changes;
  std::vector<std::string> results_changes;
  std::set<std::int64_t> damaged;
};

template <class Kind>
std::vector<Kind> all(const StartPlan& plan) {
  std::vector<Kind> found;
  for (const Record& record : plan.records) {
    if (const auto* one = std::get_if<Kind>(&record)) found.push_back(*one);
  }
  return found;
}

// Input faults name everything in `words`.
void expect_refused(const Result<StartPlan>& plan, std::initializer_list<const char*> words) {
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().fault(), Fault::kInput);
  for (const char* word : words) {
    EXPECT_NE(plan.status().message().find(word), std::string::npos) << plan.status().message();
  }
}

TEST(StartPlan, ANewRunNumbersItsTrialsInOrder) {
  for (const StartMode mode :
       {StartMode::kNew, StartMode::kAuto, StartMode::kResume, StartMode::kExtend}) {
    Result<StartPlan> plan = Start(mode).plan({}, keys({4, 2, 9}));
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    EXPECT_EQ(plan->numbers, (Numbers{0, 1, 2}));
    EXPECT_EQ(plan->to_run, 3);
    ASSERT_EQ(plan->records.size(), 2U);
    EXPECT_EQ(all<TrialsPlanned>(*plan).at(0).keys, keys({4, 2, 9}));
    EXPECT_EQ(all<TrialsAsked>(*plan).at(0).ranges, (TrialsAsked{{{0, 2}}}.ranges));
  }
}

TEST(StartPlan, TheSameTrialsGoOnWithNothingToWriteDown) {
  RunState run = state_of_new_run(4);
  finish(run, 1);
  for (const StartMode mode : {StartMode::kAuto, StartMode::kResume, StartMode::kExtend}) {
    Result<StartPlan> plan = Start(mode).plan(run, keys({3, 1, 0, 2}));
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    EXPECT_EQ(plan->numbers, (Numbers{3, 1, 0, 2}));
    EXPECT_EQ(plan->to_run, 3);
    EXPECT_TRUE(plan->records.empty());
  }
}

TEST(StartPlan, OtherTrialsAreRefusedWithWhatChangedUnlessTheRunIsExtended) {
  const RunState run = state_of_new_run(3);
  for (const StartMode mode : {StartMode::kAuto, StartMode::kResume}) {
    Start start(mode);
    start.changes = {"optimizer.lr: 0.1 -> 0.2"};
    expect_refused(
        start.plan(run, keys({0, 1, 2, 7})),
        {"run folder runs/x holds other trials: 1 of this experiment", "0 of them are not",
         "--extend", "-o; what changed:\n  optimizer.lr: 0.1 -> 0.2"});
    expect_refused(start.plan(run, keys({0, 1})), {"0 of this experiment", "1 of them are not"});
    start.changes = {"metric.name: a -> b", "record.weights: all -> {best: 2}", "train.epochs: 1"};
    expect_refused(start.plan(run, keys({0})),
                   {":\n  train.epochs: 1\n  metric.name: a -> b\n  record.weights: all"});
    start.changes.assign(42, "a");
    expect_refused(start.plan(run, keys({0})), {"\n  a\n  and 2 more"});
  }
}

TEST(StartPlan, OtherResultsOfTheSameTrialsNeedAnExtension) {
  const RunState run = state_of_new_run(3);
  JobStarted now = *run.job;
  EXPECT_TRUE(results_changes(*run.job, now).empty());
  now.name = "other";
  now.metric = "test/l0";
  now.minimize = false;
  now.best_weights = 3;
  for (const StartMode mode : {StartMode::kAuto, StartMode::kResume}) {
    Start start(mode);
    start.results_changes = results_changes(*run.job, now);
    expect_refused(
        start.plan(run, keys({0, 1, 2})),
        {"runs/x", "name:  -> other", "metric.name: test/mse -> test/l0",
         "metric.goal: minimize -> maximize", "record.weights: of all -> best 3", "--extend"});
    RunState begun;  // Nobody asked for anything yet.
    add(begun, JobStarted{});
    EXPECT_TRUE(start.plan(begun, keys({0})).ok());
  }
  Start start(StartMode::kExtend);
  start.results_changes = results_changes(*run.job, now);
  EXPECT_TRUE(start.plan(run, keys({0, 1, 2})).ok());
}

TEST(StartPlan, WhatRunsIsNamed) {
  RunState run = state_of_new_run(4);
  finish(run, 0);
  finish(run, 2, Outcome::kFailed);
  Start start(StartMode::kResume);
  EXPECT_EQ(start.plan(run, keys({0, 1, 2, 3}))->runs, (std::set<std::int64_t>{1, 3}));
  start.options.rerun_failed = true;
  EXPECT_EQ(start.plan(run, keys({0, 1, 2, 3}))->runs, (std::set<std::int64_t>{1, 2, 3}));
}

TEST(StartPlan, AnExtensionKeepsNumbersAndNeverUsesOneTwice) {
  RunState run = state_of_new_run(3);
  finish(run, 0);
  finish(run, 2);
  Result<StartPlan> plan = Start(StartMode::kExtend).plan(run, keys({7, 2, 0, 8}));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->numbers, (Numbers{3, 2, 0, 4}));
  EXPECT_EQ(plan->to_run, 2);
  EXPECT_EQ(all<TrialsPlanned>(*plan).at(0).first, 3);
  EXPECT_EQ(all<TrialsPlanned>(*plan).at(0).keys, keys({7, 8}));
  EXPECT_EQ(all<TrialsAsked>(*plan).at(0).ranges, (TrialsAsked{{{0, 0}, {2, 4}}}.ranges));
  for (const Record& record : plan->records) add(run, record);
  // Back to the first experiment: all its trials have their numbers.
  Result<StartPlan> back = Start(StartMode::kExtend).plan(run, keys({0, 1, 2}));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->numbers, (Numbers{0, 1, 2}));
  EXPECT_EQ(back->to_run, 1);
  EXPECT_TRUE(all<TrialsPlanned>(*back).empty());
}

TEST(StartPlan, AJobKilledBeforeItSaidWhatItAsksForBindsNobody) {
  RunState run;
  add(run, JobStarted{});
  EXPECT_TRUE(Start(StartMode::kResume).plan(run, keys({1, 2})).ok());
  TrialsPlanned planned;
  planned.keys = keys({5, 1});
  add(run, planned);
  Result<StartPlan> plan = Start(StartMode::kResume).plan(run, keys({1, 2}));
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->numbers, (Numbers{1, 2}));
}

TEST(StartPlan, FailedTrialsRunAgainOnlyWhenAskedFor) {
  RunState run = state_of_new_run(4);
  finish(run, 0);
  finish(run, 1, Outcome::kFailed);
  finish(run, 2, Outcome::kDiverged);
  Start start(StartMode::kResume);
  EXPECT_EQ(start.plan(run, keys({0, 1, 2, 3}))->to_run, 1);
  start.options.rerun_failed = true;
  Result<StartPlan> plan = start.plan(run, keys({0, 1, 2, 3}));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->to_run, 2);
  ASSERT_EQ(plan->records.size(), 1U);
  EXPECT_EQ(all<TrialRerun>(*plan).at(0).number, 1);
  EXPECT_EQ(all<TrialRerun>(*plan).at(0).attempt, 2);
}

TEST(StartPlan, DamagedTrialsRunAgainHoweverTheyEnded) {
  RunState run = state_of_new_run(4);
  finish(run, 0);
  finish(run, 1, Outcome::kFailed);
  finish(run, 2, Outcome::kDiverged);
  Start start(StartMode::kResume);
  start.options.rerun_damaged = true;
  start.damaged = {2};
  Result<StartPlan> plan = start.plan(run, keys({0, 1, 2, 3}));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->runs, (std::set<std::int64_t>{2, 3}));
  ASSERT_EQ(all<TrialRerun>(*plan).size(), 1U);
  EXPECT_EQ(all<TrialRerun>(*plan)[0].attempt, 2);
  EXPECT_TRUE(all<TrialRerun>(*plan)[0].damaged);
  // One that is not asked for is given up.
  start.options.start = StartMode::kExtend;
  plan = start.plan(run, keys({0, 1, 3}));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(all<TrialRerun>(*plan).size(), 1U);
  EXPECT_EQ(plan->runs, (std::set<std::int64_t>{3}));
}

TEST(StartPlan, AnotherNumericFingerprintIsRefusedWhereResultsWouldMix) {
  Start start(StartMode::kResume);
  start.fingerprint = "ffffffffffffffff";
  RunState run = state_of_new_run(2);
  EXPECT_TRUE(start.plan(run, keys({0, 1})).ok());  // Nothing was computed.
  RunState half = run;
  finish(half, 0);
  expect_refused(start.plan(half, keys({0, 1})),
                 {"0123456789abcdef", "ffffffffffffffff", "--accept-numerics"});
  RunState begun = run;
  CheckpointWritten checkpoint;
  checkpoint.number = 1;
  add(begun, checkpoint);
  expect_refused(start.plan(begun, keys({0, 1})), {"--accept-numerics"});
  start.options.accept_numerics = true;
  Result<StartPlan> accepted = start.plan(half, keys({0, 1}));
  ASSERT_TRUE(accepted.ok());
  EXPECT_TRUE(accepted->numerics_changed);
  start.options.accept_numerics = false;
  finish(half, 1);
  EXPECT_TRUE(start.plan(half, keys({0, 1})).ok());  // Nothing is left to compute.
}

TEST(StartPlan, TwoChargedCrashesOfAnAttemptQuarantineTheTrial) {
  RunState run = state_of_new_run(3);
  Start start(StartMode::kAuto);
  start.crashes = {{0, 1, 1, "SIGSEGV in layer code"}, {1, 2, 1, ""}, {2, -1, 1, "SIGABRT"}};
  Result<StartPlan> plan = start.plan(run, keys({0, 1, 2}));
  EXPECT_TRUE(plan->records.empty()) << "nobody supervises";
  start.options.supervised = true;
  plan = start.plan(run, keys({0, 1, 2}));
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->records.size(), 1U);  // Neither the killed rank nor the idle one is charged.
  EXPECT_EQ(all<TrialCrashed>(*plan).at(0).number, 1);
  EXPECT_TRUE(plan->quarantine.empty());
  EXPECT_EQ(plan->to_run, 3);
  for (const Record& record : plan->records) add(run, record);
  plan = start.plan(run, keys({0, 1, 2}));
  EXPECT_EQ(plan->quarantine, (Numbers{1}));
  EXPECT_EQ(plan->to_run, 2);
  for (const Record& record : plan->records) add(run, record);
  start.options.supervised = false;  // Without a supervisor it is tried again.
  EXPECT_TRUE(start.plan(run, keys({0, 1, 2}))->quarantine.empty());
  finish(run, 1, Outcome::kFailed);
  start.options.supervised = true;
  plan = start.plan(run, keys({0, 1, 2}));
  EXPECT_TRUE(plan->records.empty());
  EXPECT_TRUE(plan->quarantine.empty());
}

TEST(StartPlan, ACrashOnSeveralRanksCountsOncePerJob) {
  const RunState run = state_of_new_run(3);
  Start start(StartMode::kAuto);
  start.options.supervised = true;
  start.crashes = {
      {3, 1, 1, "SIGSEGV late"}, {1, 1, 1, "SIGSEGV first"}, {0, 1, 1, ""}, {2, 2, 1, "b"}};
  Result<StartPlan> plan = start.plan(run, keys({0, 1, 2}));
  ASSERT_TRUE(plan.ok());
  const std::vector<TrialCrashed> crashed = all<TrialCrashed>(*plan);
  ASSERT_EQ(crashed.size(), 2U);
  EXPECT_EQ(crashed[0].number, 1);
  EXPECT_EQ(crashed[0].rank, 1);
  EXPECT_EQ(crashed[0].what, "SIGSEGV first");
  EXPECT_EQ(crashed[1].number, 2);
  EXPECT_TRUE(plan->quarantine.empty());
}

TEST(StartPlan, ACrashWithoutANameMakesSuspectsAndAloneACulprit) {
  RunState run = state_of_new_run(5);
  for (const std::int64_t number : {1, 3, 4}) add(run, TrialBegun{number, 1, 0, 1, ""});
  finish(run, 3);
  Start start(StartMode::kAuto);
  start.options.supervised = true;
  EXPECT_TRUE(start.plan(run, keys({0, 1, 2, 3, 4}))->suspects.empty());
  start.options.search_crash = true;
  Result<StartPlan> plan = start.plan(run, keys({0, 1, 2, 3, 4}));
  EXPECT_EQ(plan->suspects, (Numbers{1, 4}));
  EXPECT_TRUE(plan->records.empty());

  JobStarted search;
  search.numeric_fingerprint = kFingerprint;
  add(run, search);
  add(run, TrialBegun{4, 1, 0, 1, ""});
  plan = start.plan(run, keys({0, 1, 2, 3, 4}));
  EXPECT_TRUE(plan->records.empty()) << "it was alone by chance";
  search.runtime = {{kSearchFact, "1"}};
  add(run, search);
  add(run, TrialBegun{4, 1, 0, 1, ""});
  plan = start.plan(run, keys({0, 1, 2, 3, 4}));
  ASSERT_EQ(all<TrialCrashed>(*plan).size(), 1U);
  EXPECT_EQ(all<TrialCrashed>(*plan)[0].number, 4);
  EXPECT_EQ(plan->suspects, (Numbers{4}));
}

TEST(StartPlan, OverridesReadBackAndThoseWithoutEffectAreLeftOut) {
  const std::vector<Override> all = {{"resources.ranks_per_trial", "2"},
                                     {"train.epochs", "3"},
                                     {"checkpoint", "{every: 1s}"},
                                     {"limits.stall", "5"},
                                     {"name", "a=b"}};
  const std::string lines = overrides_text(all);
  EXPECT_EQ(lines, "train.epochs=3\nname=a=b");
  const std::vector<Override> back = overrides_of(lines);
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[1].key, "name");
  EXPECT_EQ(back[1].value, "a=b");
  EXPECT_TRUE(overrides_of("").empty());
}

TEST(StartPlan, OtherGivenWeightsAreNamedWhereBothJobsSayTheirs) {
  JobStarted before;  // As of an older journal.
  JobStarted now;
  now.weights_sha256 = "aaaabbbbccccdddd";
  EXPECT_TRUE(settings_changes(before, "schema: 1\n", now, "schema: 1\n").empty());
  before.weights_sha256 = "eeeeffff00001111";
  EXPECT_EQ(settings_changes(before, "schema: 1\n", now, "schema: 1\n"),
            (std::vector<std::string>{"weights of model.init_from: eeeeffff0000 -> aaaabbbbcccc"}));
}

TEST(StartPlan, OtherDataAndOtherLibrariesAreNamed) {
  JobStarted before;
  before.data_fingerprint = "d1";
  before.plugins = {{"activation", "swish", "swish", "1.0", "aaaabbbbccccdddd", "0.2"}};
  JobStarted now = before;
  const std::string same = "schema: 1\n";
  EXPECT_TRUE(settings_changes(before, same, now, same).empty());
  now.data_fingerprint = "d2";
  now.plugins[0].sha256 = "eeeeffff00001111";
  EXPECT_EQ(settings_changes(before, same, now, same),
            (std::vector<std::string>{
                "fingerprint of the data: d1 -> d2",
                "library of activation swish: swish 1.0 (aaaabbbbcccc) -> swish 1.0 "
                "(eeeeffff0000)"}));
}

}  // namespace
}  // namespace aesweep
