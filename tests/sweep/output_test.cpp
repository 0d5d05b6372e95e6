// What a sweep shows: the progress line's arithmetic, the table's columns and its best trial, and
// the log's lines, each against texts written by hand.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <string>

#include "runner/sweep/progress.hpp"
#include "runner/sweep/run_log.hpp"
#include "runner/sweep/summary_table.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/sweep/fake_sweep.hpp"

namespace aesweep {
namespace {

TEST(Progress, CountsEpochsSamplesAndTimeLeft) {
  Progress progress({10, 10, 20});
  EXPECT_EQ(progress.line(0, 1, 0.0), "0 of 3 trials, 1 running | 0 % | 0 of 40 epochs");
  progress.advanced(0, 5, 500);
  progress.advanced(1, 1, 100);
  progress.advanced(0, 9, 900);
  EXPECT_EQ(progress.line(0, 2, 10.0),
            "0 of 3 trials, 2 running | 25 % | 10 of 40 epochs | 100 samples/s | 0:30 left");
  progress.ended(0, 1000);
  progress.ended(1, 100);  // Diverged after one epoch: its other epochs will not come.
  EXPECT_EQ(progress.line(2, 1, 11.0),
            "2 of 3 trials, 1 running | 50 % | 20 of 40 epochs | 100 samples/s | 0:11 left");
  progress.ended(2, 2000);
  EXPECT_EQ(progress.line(3, 0, 31.0),
            "3 of 3 trials, 0 running | 100 % | 40 of 40 epochs | 100 samples/s");
  EXPECT_EQ(Progress({}).line(0, 0, 1.0), "0 of 0 trials, 0 running");
}

TEST(Progress, EpochsOfEarlierJobsTellNothingOfTheSpeed) {
  Progress progress({10, 10});
  EXPECT_LT(progress.seconds_left(1.0), 0.0);
  progress.already(0, 10);
  progress.already(1, 4);
  EXPECT_EQ(progress.line(1, 1, 5.0), "1 of 2 trials, 1 running | 70 % | 14 of 20 epochs");
  progress.advanced(1, 6, 200);
  EXPECT_EQ(progress.line(1, 1, 10.0),
            "1 of 2 trials, 1 running | 80 % | 16 of 20 epochs | 20 samples/s | 0:20 left");
  EXPECT_EQ(progress.seconds_left(10.0), 20.0);
  EXPECT_EQ(progress.samples_per_second(10.0), 20.0);
}

TEST(Progress, ClockTexts) {
  EXPECT_EQ(clock_text(0.4), "0:00");
  EXPECT_EQ(clock_text(59.6), "1:00");
  EXPECT_EQ(clock_text(754.0), "12:34");
  EXPECT_EQ(clock_text(10'800.0), "3:00:00");
}

// Three trials that have ended with the given values of test/mse.
struct Ended {
  explicit Ended(std::vector<double> values)
      : experiment(fake_experiment(static_cast<int>(values.size()))),
        manager(static_cast<std::int64_t>(values.size()), 1) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto trial = static_cast<std::int64_t>(i);
      plan.trials.push_back({trial, "key", &experiment.trials[i]});
      summaries.emplace_back().last = {
          {"train/loss", 7.0}, {"test/mse", values[i]}, {"test/l0", 1234.5678}};
    }
  }
  void finish() {
    for (std::int64_t trial = 0; trial < manager.trials(); ++trial) {
      static_cast<void>(manager.wants(0));
      static_cast<void>(manager.started(0, trial));
      static_cast<void>(manager.finished(0, trial, summaries[static_cast<std::size_t>(trial)]));
    }
  }

  Experiment experiment;
  Catalogue catalogue;
  SweepServices services;
  SweepPlan plan{experiment, catalogue, services, {}, {"run"}, {}, {}};
  Manager manager;
  std::vector<TrialSummary> summaries;
};

TEST(SummaryTable, ShowsParametersMainMetricsAndTheBest) {
  Ended sweep({0.5, 0.25, 0.125});
  sweep.experiment.trials[0].parameters = {{"model.layers.code.units", std::int64_t{16}},
                                           {"model.layers.out.units", std::int64_t{7}},
                                           {"optimizer.lr", 0.001}};
  sweep.summaries[2].outcome = Outcome::kDiverged;
  sweep.summaries[2].reason = "NaN in step 3";
  sweep.finish();
  EXPECT_EQ(summary_table(sweep.plan, sweep.manager),
            "trial  code.units  out.units     lr  seed  test/mse  test/l0  status     best\n"
            "-----  ----------  ---------  -----  ----  --------  -------  ---------  ----\n"
            "    0          16          7  0.001     -       0.5     1235  completed\n"
            "    1           -          -      -     1      0.25     1235  completed  *\n"
            "    2           -          -      -     2     0.125     1235  diverged\n"
            "trial 2 diverged: NaN in step 3\n");
}

TEST(SummaryTable, NamesNoParameterAsOneOfItsOwnColumns) {
  Ended sweep({0.5, 0.25});
  for (PlannedTrial& trial : sweep.experiment.trials) {
    trial.parameters = {{"model.init_from.trial", std::int64_t{7}}, {"best", std::int64_t{1}}};
  }
  sweep.finish();
  const std::string table = summary_table(sweep.plan, sweep.manager);
  EXPECT_EQ(table.substr(0, table.find('\n')),
            "trial  init_from.trial  best  test/mse  test/l0  status     best");
}

TEST(SummaryTable, BestFollowsTheGoalAndNeedsAFiniteValue) {
  Ended sweep({0.5, NAN, 0.75, 0.75});
  sweep.finish();
  EXPECT_EQ(best_trial(sweep.plan, sweep.manager), 0);
  sweep.experiment.goal = Goal::kMaximize;
  EXPECT_EQ(best_trial(sweep.plan, sweep.manager), 2);  // The first of equals.
  sweep.experiment.metric = "test/unknown";
  EXPECT_EQ(best_trial(sweep.plan, sweep.manager), std::nullopt);
}

TEST(SummaryTable, ALongOneKeepsTheBestAndSaysWhatItLeavesOut) {
  Ended sweep({5.0, 4.0, 3.0, 2.0, 1.0, 2.0});
  sweep.finish();
  const std::string table = summary_table(sweep.plan, sweep.manager, 3);
  EXPECT_NE(table.find("    1     1"), std::string::npos) << table;
  EXPECT_EQ(table.find("    2     2"), std::string::npos) << table;
  EXPECT_NE(table.find("    4     4"), std::string::npos) << table;
  EXPECT_NE(table.find("... and 3 more, all in results.h5: /trials\n"), std::string::npos) << table;
}

TEST(RunLog, WritesLinesWithTheirLevel) {
  const TemporaryFolder folder;
  const std::string path = folder.path("run.log");
  testing::internal::CaptureStderr();
  {
    Result<RunLog> log = RunLog::open(path);
    ASSERT_TRUE(log.ok());
    log->info("trial 0 {} completed");
    log->warn("one rank is idle");
    log->error("no space left");
  }
  const std::string shown = testing::internal::GetCapturedStderr();
  std::ifstream in(path);
  const std::string written{std::istreambuf_iterator<char>(in), {}};
  for (const char* line :
       {" info trial 0 {} completed\n", " warning one rank is idle\n", " error no space left\n"}) {
    EXPECT_NE(written.find(line), std::string::npos) << written;
    EXPECT_NE(shown.find(line), std::string::npos) << shown;
  }
}

TEST(RunLog, AMissingFolderIsAFaultAndAFullDiskIsSaidOnce) {
  EXPECT_EQ(RunLog::open("/dev/null/run.log").status().fault(), Fault::kWorld);
  testing::internal::CaptureStderr();
  {
    Result<RunLog> log = RunLog::open("/dev/full");  // Linux's always full device.
    ASSERT_TRUE(log.ok());
    log->info("one");
    log->info("two");
  }
  const std::string shown = testing::internal::GetCapturedStderr();
  const std::size_t said = shown.find("aesweep: /dev/full: ");
  ASSERT_NE(said, std::string::npos) << shown;
  EXPECT_EQ(shown.find("aesweep: /dev/full: ", said + 1), std::string::npos) << shown;
  EXPECT_NE(shown.find(" info two\n"), std::string::npos) << shown;
}

}  // namespace
}  // namespace aesweep
