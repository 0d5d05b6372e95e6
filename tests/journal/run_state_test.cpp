// Replay: what becomes of trials, told by records; records that contradict earlier ones are
// refused, leave the state as it was and are named by their line. Expected states are written out
// by hand.
#include "runner/journal/run_state.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/journal/sample_records.hpp"

namespace aesweep {
namespace {

RunState state_of(const std::vector<Record>& records) {
  RunState state;
  for (const Record& record : records) {
    const Status status = state.apply(record);
    EXPECT_TRUE(status.ok()) << encode(record) << ": " << status.message();
  }
  return state;
}

std::vector<Record> begun(std::vector<Record> more = {}) {
  std::vector<Record> records = {sample_job(), TrialsPlanned{0, {"a", "b", "c"}},
                                 TrialsAsked{{{0, 2}}}};
  records.insert(records.end(), more.begin(), more.end());
  return records;
}

void expect_refused(const std::vector<Record>& before, const Record& record,
                    const std::string& expected) {
  RunState state = state_of(before);
  const Status status = state.apply(record);
  ASSERT_FALSE(status.ok()) << encode(record);
  EXPECT_EQ(status.fault(), Fault::kWorld);
  EXPECT_NE(status.message().find(expected), std::string::npos) << status.message();
}

TEST(RunState, FollowsATrialToItsEnd) {
  RunState state = state_of(
      begun({TrialBegun{1, 1, 0, 2, "node1"}, sample_checkpoint(1, 10), sample_checkpoint(1, 20)}));
  EXPECT_EQ(state.number_of.at("b"), 1);
  EXPECT_EQ(state.trials.size(), 3U);
  const TrialRecordState& trial = state.trials[1];
  EXPECT_TRUE(trial.asked);
  EXPECT_TRUE(trial.begun);
  EXPECT_FALSE(trial.done());
  ASSERT_EQ(trial.checkpoints.size(), 2U);
  EXPECT_EQ(trial.checkpoints[1].step, 20);
  ASSERT_TRUE(state.apply(sample_finished(1)).ok());
  EXPECT_TRUE(trial.done());
  EXPECT_FALSE(trial.begun);
  EXPECT_EQ(trial.finished[0].finished.file.name, "trials/000001.1.h5");
  EXPECT_TRUE(trial.finished[0].segment.empty());
  EXPECT_FALSE(state.trials[0].done());
}

TEST(RunState, ANewJobForgetsWhatTheLastOneHadBegun) {
  RunState state = state_of(begun({TrialBegun{0, 1, 0, 1, "n"}, sample_checkpoint(0, 10)}));
  JobStarted again = sample_job();
  again.experiment.name = "experiment.2.yaml";
  ASSERT_TRUE(state.apply(again).ok());
  EXPECT_FALSE(state.trials[0].begun);
  EXPECT_EQ(state.trials[0].checkpoints.size(), 1U);
  EXPECT_EQ(state.jobs, 2);
  EXPECT_EQ(state.experiments.size(), 2U);
  ASSERT_TRUE(state.apply(again).ok());
  EXPECT_EQ(state.experiments.size(), 2U);
  again.experiment.sha256 = "other";
  EXPECT_FALSE(state.apply(again).ok());
}

TEST(RunState, ACheckpointWrittenAgainReplacesLaterOnes) {
  const RunState state = state_of(begun({sample_checkpoint(0, 10), sample_checkpoint(0, 20),
                                         sample_checkpoint(0, 30), sample_checkpoint(0, 20)}));
  ASSERT_EQ(state.trials[0].checkpoints.size(), 2U);
  EXPECT_EQ(state.trials[0].checkpoints[0].step, 10);
  EXPECT_EQ(state.trials[0].checkpoints[1].step, 20);
}

TEST(RunState, ExtensionAsksForOtherTrials) {
  const RunState state =
      state_of(begun({TrialsPlanned{3, {"d", "e"}}, TrialsAsked{{{1, 1}, {3, 4}}}}));
  std::string asked;
  for (const TrialRecordState& trial : state.trials) asked += trial.asked ? '1' : '0';
  EXPECT_EQ(asked, "01011");
  EXPECT_EQ(state.number_of.at("e"), 4);
}

TEST(RunState, ARerunIsANewAttempt) {
  TrialFinished failed = sample_finished(2);
  failed.outcome = Outcome::kFailed;
  RunState state = state_of(begun({sample_checkpoint(2, 10), TrialCrashed{2, 1, 0, "SIGSEGV"},
                                   TrialCrashed{2, 1, 1, "SIGSEGV"}, failed}));
  EXPECT_EQ(state.trials[2].crashes.size(), 2U);
  ASSERT_TRUE(state.apply(TrialRerun{2, 2}).ok());
  const TrialRecordState& trial = state.trials[2];
  EXPECT_FALSE(trial.done());
  EXPECT_EQ(trial.attempt, 2);
  EXPECT_TRUE(trial.checkpoints.empty());
  EXPECT_TRUE(trial.crashes.empty());
  EXPECT_EQ(trial.finished.size(), 1U);
  ASSERT_TRUE(state.apply(sample_finished(2, 2)).ok());
  EXPECT_TRUE(trial.done());
  EXPECT_EQ(trial.finished.back().finished.attempt, 2);
}

TEST(RunState, FoldedTrialsAreInTheSegment) {
  RunState state = state_of(begun({sample_finished(0), sample_finished(1), sample_fold(0, 1)}));
  const StoredAttempt& stored = state.trials[1].finished[0];
  EXPECT_EQ(stored.segment, "trials/000000-000001.1.segment");
  EXPECT_EQ(stored.in_segment.name, "trials/000001.1.h5");
  EXPECT_EQ(stored.in_segment.bytes, 100U);
  EXPECT_EQ(stored.in_segment.sha256, std::string(64, 'c'));
  EXPECT_EQ(stored.finished.file.bytes, 4711U);
  EXPECT_EQ(state.segments.size(), 1U);
}

TEST(RunState, JobsEndAndAddUp) {
  RunState state = state_of(begun({JobEnded{"", 75, 2.5, "TERM"}}));
  EXPECT_EQ(state.ended->status, 75);
  ASSERT_TRUE(state.apply(sample_job()).ok());
  EXPECT_FALSE(state.ended);
  ASSERT_TRUE(state.apply(ResultsWritten{{"results.h5", 1, "h"}}).ok());
  ASSERT_TRUE(state.apply(JobEnded{"", 0, 1.5, ""}).ok());
  EXPECT_EQ(state.seconds, 4.0);
  EXPECT_EQ(state.results->sha256, "h");
}

TEST(RunState, ContradictionsAreRefused) {
  const std::vector<Record> none, start = begun();
  const std::vector<Record> finished = begun({sample_finished(1)});
  expect_refused(none, TrialsPlanned{0, {"a"}}, "before any job");
  expect_refused(start, TrialsPlanned{2, {"d"}}, "next number is 3");
  expect_refused(start, TrialsPlanned{3, {"d", "b"}}, "another trial has: b");
  expect_refused(start, TrialsPlanned{3, {"d", "d"}}, "another trial has: d");
  expect_refused(start, TrialsPlanned{3, {""}}, "empty");
  expect_refused(start, TrialsAsked{{{0, 3}}}, "0 to 3");
  expect_refused(start, TrialsAsked{{{1, 2}, {0, 0}}}, "0 to 0");
  expect_refused(start, TrialsAsked{{{0, 1}, {1, 2}}}, "1 to 2");
  expect_refused(start, TrialsAsked{{{-1, 1}}}, "-1 to 1");
  expect_refused(start, TrialsAsked{{{2, 1}}}, "2 to 1");
  expect_refused(start, TrialBegun{3, 1, 0, 1, ""}, "never planned");
  expect_refused(start, TrialBegun{-1, 1, 0, 1, ""}, "never planned");
  expect_refused(start, TrialBegun{0, 2, 0, 1, ""}, "present one is 1");
  expect_refused(finished, TrialBegun{1, 1, 0, 1, ""}, "had finished");
  expect_refused(finished, sample_checkpoint(1, 10), "had finished");
  expect_refused(finished, sample_finished(1), "had finished");
  expect_refused(finished, sample_finished(1, 2), "present one is 1");
  expect_refused(finished, TrialRerun{1, 3}, "attempt 1 was the last");
  expect_refused(start, TrialRerun{1, 2}, "has not finished");
  expect_refused(start, TrialRerun{7, 2}, "never planned");
  expect_refused(start, TrialCrashed{7, 1, 0, ""}, "never planned");
  expect_refused(finished, sample_fold(1, 2), "trial 2, attempt 1, which has not finished");
  expect_refused(begun({sample_finished(1), sample_fold(1, 1)}), sample_fold(1, 1), "already");
  expect_refused(begun({JobEnded{}}), JobEnded{}, "ends again");
  TrialFinished interrupted = sample_finished(0);
  interrupted.outcome = Outcome::kInterrupted;
  expect_refused(start, interrupted, "interrupted");
  TrialsFolded twice = sample_fold(1, 1);
  twice.members.push_back(twice.members[0]);
  expect_refused(finished, twice, "already");
}

TEST(RunState, ARefusedRecordChangesNothing) {
  RunState state = state_of(begun({sample_finished(0)}));
  EXPECT_FALSE(state.apply(TrialsPlanned{3, {"d", "b"}}).ok());
  EXPECT_FALSE(state.apply(TrialsAsked{{{0, 0}, {5, 5}}}).ok());
  EXPECT_FALSE(state.apply(sample_fold(0, 1)).ok());
  EXPECT_EQ(state.trials.size(), 3U);
  EXPECT_EQ(state.number_of.size(), 3U);
  EXPECT_TRUE(state.trials[2].asked);
  EXPECT_TRUE(state.trials[0].finished[0].segment.empty());
  EXPECT_TRUE(state.segments.empty());
}

TEST(RunState, ReplayNamesTheLine) {
  std::vector<std::string> payloads;
  for (const Record& record : begun({sample_finished(0)})) payloads.push_back(encode(record));
  Result<RunState> state = replay(payloads);
  ASSERT_TRUE(state.ok()) << state.status().message();
  EXPECT_TRUE(state->trials[0].done());
  payloads.push_back(payloads.back());
  state = replay(payloads);
  ASSERT_FALSE(state.ok());
  EXPECT_NE(state.status().message().find("line 5"), std::string::npos);
  payloads[2] = "{}";
  state = replay(payloads);
  ASSERT_FALSE(state.ok());
  EXPECT_NE(state.status().message().find("line 3"), std::string::npos);
}

// A large sweep's journal is replayed in a moment, not in one that grows with its square.
TEST(RunState, AHundredThousandTrials) {
  RunState state;
  ASSERT_TRUE(state.apply(sample_job()).ok());
  TrialsPlanned planned;
  for (int i = 0; i < 100'000; ++i) planned.keys.push_back("key-" + std::to_string(i));
  ASSERT_TRUE(state.apply(planned).ok());
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(state.apply(sample_finished(i)).ok());
  for (int i = 0; i < 100'000; i += 1000) {
    ASSERT_TRUE(state.apply(sample_fold(i, i + 999)).ok());
  }
  EXPECT_EQ(state.segments.size(), 100U);
  EXPECT_FALSE(state.trials.back().finished[0].segment.empty());
}

}  // namespace
}  // namespace aesweep
