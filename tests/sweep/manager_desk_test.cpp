// ManagerDesk: answers go to the right leader; nothing is said to be finished, and no checkpoint is
// taken away, before the record of it is durable; limits, signals, faults and silence end the job
// as they should, and every job that ends in order says so.

#include "runner/sweep/manager_desk.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "tests/support/temporary_folder.hpp"
#include "tests/sweep/fake_disk.hpp"
#include "tests/sweep/fake_sweep.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Kind = Message::Kind;

struct Sent {
  int rank;
  Kind kind;
  std::int64_t trial;
  bool operator==(const Sent&) const = default;
};

// Ten trials for the groups {0, 1} and {2, 3}; rank 4 has none.
struct Office {
  explicit Office(RunState state = state_of_new_run(10)) : run(std::move(state)) {
    for (const char* name : {"/trials", "/checkpoints"})
      fs::create_directories(folder.path() + name);
    for (std::size_t i = 0; i < experiment.trials.size(); ++i) {
      plan.trials.push_back({static_cast<std::int64_t>(i), text("key", i), &experiment.trials[i]});
    }
    plan.groups = {{{0, 1}}, {{2, 3}}};
    Result<RunLog> opened = RunLog::open(folder.path("run.log"));
    if (opened.ok()) log = std::move(opened).value();
    settings.hosts = {"node1", "node1", "node2", "node2", "node2"};
  }
  ManagerDesk& open() {
    ledger.emplace(plan.folder, run, experiment.checkpoint.keep, disk.files(), services, log);
    desk.emplace(
        plan, *ledger, log,
        [this](int rank, const Message& message) {
          if (message.kind == Kind::kManagerAlive) {
            ++alive;
          } else {
            sent.push_back({rank, message.kind, message.trial});
            last = message;
          }
        },
        settings);
    return *desk;
  }
  [[nodiscard]] bool said(const std::string& words) const {
    std::ifstream in(folder.path("run.log"));
    return std::string{std::istreambuf_iterator<char>(in), {}}.find(words) != std::string::npos;
  }
  void run_to_end(int status) {
    tick_until(*desk, [this] { return desk->done(); });
    EXPECT_EQ(desk->status(), status);
  }

  TemporaryFolder folder;
  FakeLog fake_log;
  Experiment experiment = fake_experiment(10);
  Catalogue catalogue;
  SweepServices services = fake_services(fake_log);
  SweepPlan plan{experiment, catalogue, services, {}, {folder.path()}, {}, {}};
  RunState run;
  RunLog log;
  FakeDisk disk;
  ManagerDesk::Settings settings;
  std::vector<Sent> sent;
  Message last;
  int alive = 0;
  std::optional<RunLedger> ledger;
  std::optional<ManagerDesk> desk;
};

Message event(Kind kind, int group, std::int64_t trial = -1, Status stored = {}) {
  Message message;
  message.kind = kind;
  message.group = group;
  message.trial = trial;
  message.stored = std::move(stored);
  message.summary.host = "node2";
  return message;
}

Message finished(int group, std::int64_t trial, Outcome outcome = Outcome::kCompleted) {
  Message message = event(Kind::kFinished, group, trial);
  message.summary.outcome = outcome;
  message.file = {text("trials/00000", trial, ".1.h5"), 3, "abc"};
  return message;
}

Message checkpoint(int group, std::int64_t trial, std::int64_t step) {
  Message message = event(Kind::kCheckpointed, group, trial);
  message.checkpoint.number = trial;
  message.checkpoint.step = step;
  message.checkpoint.file = {checkpoint_file(trial, 1, step), 3, "abc"};
  return message;
}

TEST(ManagerDesk, AnswersTheLeaderOfTheGroup) {
  Office office;
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 1));
  desk.handle(event(Kind::kWants, 0));
  desk.handle(event(Kind::kStarted, 1, 0));
  EXPECT_EQ(office.sent,
            (std::vector<Sent>{{2, Kind::kOrder, 0}, {0, Kind::kOrder, 1}, {2, Kind::kOrder, 2}}));
  const std::vector<TrialBegun> begun = office.disk.all<TrialBegun>();
  ASSERT_EQ(begun.size(), 1U);
  EXPECT_EQ(begun[0].host, "node2");
  EXPECT_EQ(begun[0].ranks, 2);
}

TEST(ManagerDesk, TellsEveryRankThatItIsAlive) {
  Office office;
  ManagerDesk& desk = office.open();
  EXPECT_TRUE(desk.tick().ok());
  EXPECT_EQ(office.alive, 5);
}

TEST(ManagerDesk, ATrialIsFinishedOnceItsRecordIsDurable) {
  Office office;
  office.disk.hold();
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 0));
  desk.handle(event(Kind::kStarted, 0, 0));
  desk.handle(finished(0, 0));
  EXPECT_EQ(office.disk.all<TrialFinished>().size(), 1U);
  tick_for_a_while(desk);
  EXPECT_EQ(desk.manager().count(Manager::State::kFinished), 0);
  EXPECT_FALSE(office.said("trial 0"));
  office.disk.release();
  tick_until(desk, [&] { return desk.manager().count(Manager::State::kFinished) == 1; });
  EXPECT_TRUE(office.said("trial 0 (seed=0) completed"));
}

TEST(ManagerDesk, OldCheckpointsGoOnceANewerOneIsDurableAndAllWithTheTrial) {
  Office office;
  office.experiment.checkpoint.keep = 2;
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 0));
  desk.handle(event(Kind::kStarted, 0, 0));
  const auto there = [&](std::int64_t step) {
    return fs::exists(office.folder.path(checkpoint_file(0, 1, step)));
  };
  const auto write = [&](std::int64_t step) {
    std::ofstream(office.folder.path(checkpoint_file(0, 1, step))) << "abc";
    desk.handle(checkpoint(0, 0, step));
  };
  write(10);
  write(20);
  tick_for_a_while(desk);
  office.disk.hold();
  write(30);
  tick_for_a_while(desk);
  EXPECT_TRUE(there(10));
  office.disk.release();
  tick_until(desk, [&] { return !there(10); });
  EXPECT_TRUE(there(20) && there(30));

  office.disk.hold();
  desk.handle(finished(0, 0));
  tick_for_a_while(desk);
  EXPECT_TRUE(there(20) && there(30));
  office.disk.release();
  tick_until(desk, [&] { return !there(20) && !there(30); });
}

TEST(ManagerDesk, OrdersNameTheCheckpointsNewestFirst) {
  Office office;
  for (const std::int64_t step : {7, 14}) {
    ASSERT_TRUE(office.run.apply(checkpoint(0, 3, step).checkpoint).ok());
  }
  office.settings.suspects = {3};
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 1));
  ASSERT_EQ(office.sent, (std::vector<Sent>{{2, Kind::kOrder, 3}}));
  ASSERT_EQ(office.last.checkpoints.size(), 2U);
  EXPECT_EQ(office.last.checkpoints[0].step, 14);
  // It may die before it can say that it begins.
  EXPECT_EQ(office.disk.all<TrialBegun>().size(), 1U);
}

TEST(ManagerDesk, AFaultStopsAllGroupsAndIsReportedOnceTheyTakeTooLong) {
  Office office;
  office.settings.patience_after_fault = 20ms;
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 0));
  desk.handle(event(Kind::kWants, 1));
  desk.handle(event(Kind::kStarted, 0, 0));
  desk.handle(event(Kind::kStarted, 1, 1));
  office.sent.clear();
  desk.handle(event(Kind::kFinished, 1, 1, Status::world("1.h5: no space left")));
  EXPECT_EQ(office.sent, (std::vector<Sent>{{0, Kind::kStop, -1}, {2, Kind::kStop, -1}}));
  EXPECT_EQ(desk.fault().message(), "trial 1 (seed=1) on node2: 1.h5: no space left");

  office.sent.clear();
  desk.handle(event(Kind::kWants, 1));
  EXPECT_EQ(office.sent, (std::vector<Sent>{{2, Kind::kOrder, -1}}));
  desk.handle(event(Kind::kClosed, 1));
  std::this_thread::sleep_for(30ms);
  EXPECT_EQ(desk.tick().message(), desk.fault().message());  // Group 0 still trains.

  desk.handle(event(Kind::kFinished, 0, 0, Status::world("0.h5: no space left")));
  desk.handle(event(Kind::kClosed, 0));
  office.run_to_end(3);
  EXPECT_EQ(desk.fault().message(), "trial 1 (seed=1) on node2: 1.h5: no space left");
  EXPECT_EQ(office.disk.all<TrialFinished>().size(), 0U);  // They are to run again.
  EXPECT_EQ(office.disk.all<JobEnded>().at(0).status, 3);
  EXPECT_EQ(office.fake_log.results_record, nullptr);
}

TEST(ManagerDesk, AJournalThatCannotBeSyncedIsAFault) {
  Office office;
  office.disk.fail_syncs(Status::world("journal: the disk reports an error"));
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 0));
  desk.handle(event(Kind::kStarted, 0, 0));
  desk.handle(finished(0, 0));
  tick_until(desk, [&] { return !desk.fault().ok(); });
  EXPECT_FALSE(office.said("completed"));
  desk.handle(event(Kind::kClosed, 0));
  desk.handle(event(Kind::kClosed, 1));
  office.run_to_end(3);
}

TEST(ManagerDesk, ALostLeaseEndsTheJobAtOnceAndNothingMoreIsWritten) {
  Office office;
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 0));
  EXPECT_TRUE(desk.tick().ok());
  office.disk.lose_lease(Status::world("pid 7 on node3 has the lease"));
  desk.handle(event(Kind::kStarted, 0, 0));
  EXPECT_EQ(desk.tick().message(), "pid 7 on node3 has the lease");
  EXPECT_TRUE(office.disk.lines.empty());
}

TEST(ManagerDesk, ASignalLeavesRunningTrialsToBeResumed) {
  Office office;
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 0));
  desk.handle(event(Kind::kWants, 1));
  desk.handle(event(Kind::kStarted, 0, 0));
  desk.handle(event(Kind::kStarted, 1, 1));
  desk.handle(finished(1, 1));
  office.sent.clear();
  Message signal = event(Kind::kSignal, 1);
  signal.number = SIGUSR1;
  desk.handle(signal);
  desk.handle(signal);  // Of another rank.
  EXPECT_EQ(office.sent, (std::vector<Sent>{{0, Kind::kInterrupt, -1}, {2, Kind::kInterrupt, -1}}));
  desk.handle(checkpoint(0, 0, 12));
  desk.handle(event(Kind::kLeft, 0, 0));
  desk.handle(event(Kind::kClosed, 0));
  desk.handle(event(Kind::kClosed, 1));
  office.run_to_end(75);
  EXPECT_EQ(desk.why(), "interrupted (SIGUSR1): 1 of 10 trials finished; go on with --resume");
  EXPECT_EQ(office.disk.all<CheckpointWritten>().size(), 1U);
  EXPECT_EQ(office.disk.all<JobEnded>().at(0).status, 75);
  EXPECT_EQ(office.fake_log.results_record, nullptr);
}

TEST(ManagerDesk, MaxTimeIsLikeASignalAndLeavesTimeForCheckpoints) {
  Office office;
  office.experiment.limits.max_time = 100.0;
  office.settings.start = ManagerDesk::Clock::now() - 94s;
  ManagerDesk& desk = office.open();
  EXPECT_TRUE(desk.tick().ok());
  EXPECT_FALSE(desk.manager().stopped());
  office.desk.reset();
  office.settings.start = ManagerDesk::Clock::now() - 96s;
  EXPECT_TRUE(office.open().tick().ok());
  EXPECT_EQ(office.sent.back(), (Sent{2, Kind::kInterrupt, -1}));
  EXPECT_TRUE(office.said("limits.max_time"));
}

TEST(ManagerDesk, TooManyFailuresBeginNoOtherTrialAndStillGiveResults) {
  Office office;
  office.experiment.limits.max_failure_rate = 0.5;
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 0));
  for (std::int64_t trial = 0; trial < 5; ++trial) {
    EXPECT_FALSE(desk.manager().stopped()) << trial;
    desk.handle(event(Kind::kStarted, 0, trial));
    desk.handle(finished(0, trial, trial < 2 ? Outcome::kCompleted : Outcome::kFailed));
    tick_until(desk, [&] { return desk.manager().count(Manager::State::kFinished) == trial + 1; });
  }
  EXPECT_TRUE(desk.manager().stopped());
  EXPECT_EQ(office.sent.back(), (Sent{2, Kind::kStop, -1}));
  desk.handle(event(Kind::kClosed, 0));
  desk.handle(event(Kind::kClosed, 1));
  office.run_to_end(1);
  EXPECT_EQ(desk.why(),
            "limits.max_failure_rate: 3 of the 5 trials of this job failed, more than 0.5; "
            "5 trials were not begun: --resume runs them");
  EXPECT_EQ(office.fake_log.results_of.size(), 5U);
}

TEST(ManagerDesk, TheFirstNewsCountsWhatEarlierJobsDid) {
  Office office;
  Message written = checkpoint(0, 3, 7);
  written.checkpoint.epochs = 1;
  ASSERT_TRUE(office.run.apply(written.checkpoint).ok());
  for (PlannedTrial& trial : office.experiment.trials) trial.spec.train.epochs = 4;
  office.settings.live_delay = 0ms;
  ManagerDesk& desk = office.open();
  const std::string path = office.folder.path("live.json");
  tick_until(desk, [&] { return fs::exists(path); });
  std::ifstream in(path);
  const Result<LiveState> live = decode_live({std::istreambuf_iterator<char>(in), {}});
  ASSERT_TRUE(live.ok()) << live.status().message();
  EXPECT_EQ(live->epochs_done, 1);
  EXPECT_EQ(live->epochs_total, 40);
}

TEST(ManagerDesk, NothingIsShownBeforeGroupsCanHaveBegun) {
  Office office;
  office.settings.live_delay = std::chrono::hours(1);
  ManagerDesk& desk = office.open();
  tick_for_a_while(desk);
  EXPECT_FALSE(fs::exists(office.folder.path("live.json")));
}

TEST(ManagerDesk, WritesResultsAndTheLastRecordWhenAllHaveClosed) {
  RunState before = state_of_new_run(10);
  for (std::int64_t trial = 0; trial < 9; ++trial) {
    ASSERT_TRUE(before.apply(finished_record(trial, 1, {}, {text("trials/", trial), 1, ""})).ok());
  }
  Office office(std::move(before));
  ManagerDesk& desk = office.open();
  EXPECT_EQ(desk.manager().count(Manager::State::kFinished), 9);
  desk.handle(event(Kind::kWants, 0));
  EXPECT_EQ(office.sent.back(), (Sent{0, Kind::kOrder, 9}));
  desk.handle(event(Kind::kStarted, 0, 9));
  desk.handle(event(Kind::kWants, 1));
  desk.handle(event(Kind::kClosed, 1));
  desk.handle(finished(0, 9));
  desk.handle(event(Kind::kClosed, 0));
  office.run_to_end(0);
  EXPECT_EQ(office.fake_log.results_of.size(), 10U);
  EXPECT_EQ(office.disk.all<ResultsWritten>().size(), 1U);
  EXPECT_EQ(office.disk.all<JobEnded>().at(0).status, 0);
}

TEST(ManagerDesk, AGroupThatFallsSilentIsNamed) {
  Office office;
  office.experiment.limits.stall = 0.02;
  office.settings.silence_margin = 20ms;
  ManagerDesk& desk = office.open();
  desk.handle(event(Kind::kWants, 0));
  desk.handle(event(Kind::kWants, 1));
  desk.handle(event(Kind::kStarted, 1, 1));
  Status status;
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  while (status.ok() && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(5ms);
    desk.handle(event(Kind::kAlive, 0));
    status = desk.tick();
  }
  EXPECT_EQ(status.message().find("nothing was heard of rank 2 on node2 (it leads 2 ranks) for"),
            0U)
      << status.message();
  EXPECT_NE(status.message().find("in trial 1 (seed=1)"), std::string::npos);

  office.desk.reset();
  office.experiment.limits.stall = 0.0;  // Nobody watches.
  ManagerDesk& patient = office.open();
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(patient.tick().ok());
}

TEST(ManagerDesk, ATimeInWhichItDidNotListenAccusesNobody) {
  Office office;
  office.experiment.limits.stall = 1.0;
  office.settings.silence_margin = 200ms;
  ManagerDesk& desk = office.open();
  EXPECT_TRUE(desk.tick().ok());
  std::this_thread::sleep_for(1300ms);  // Stopped, and continued: its mail is not read yet.
  EXPECT_TRUE(desk.tick().ok());
  std::this_thread::sleep_for(1010ms);
  EXPECT_FALSE(desk.tick().ok()) << "there was no mail in more time than it may take";
}

}  // namespace
}  // namespace aesweep
