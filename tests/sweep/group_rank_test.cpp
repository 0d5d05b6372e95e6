// GroupRank on any number of ranks, with trials without models and a manager of the test's own: a
// sweep that is interrupted again and again, at random moments and in every way, on groups of other
// shapes each time, ends with the results of one that never was; every group closes, and every
// trial begun is finished or left with its checkpoint reported.

#include "runner/sweep/group_rank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "core/base/text.hpp"
#include "runner/sweep/interrupt.hpp"
#include "tests/comm/mpi_main.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/sweep/fake_group.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using Kind = Message::Kind;

// What a run knows of a trial between its jobs: on rank 0.
struct Known {
  std::vector<CheckpointWritten> checkpoints;  // Oldest first.
  std::optional<Message> finished;
};

// A manager that trusts nobody. It gives trials in order, one in advance.
class TestDesk final : public Desk {
 public:
  TestDesk(const SweepPlan& plan, Mailbox& mailbox, std::vector<Known>& known)
      : plan_(plan), mailbox_(mailbox), known_(known), groups_(plan.groups.size()) {
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (!known[i].finished) waiting_.push_back(static_cast<std::int64_t>(i));
    }
  }

  void handle(const Message& message) override {
    all.push_back(message);
    if (message.kind == Kind::kSignal) return interrupt();
    ASSERT_TRUE(message.group >= 0 && message.group < static_cast<int>(groups_.size()));
    GroupState& group = groups_[static_cast<std::size_t>(message.group)];
    EXPECT_FALSE(group.closed) << "a word after the end";
    switch (message.kind) {
      case Kind::kWants:
        if (group.given.empty() || stopped_) give(message.group);
        return;
      case Kind::kStarted:
        EXPECT_EQ(group.given.count(message.trial), 1U);
        group.given.erase(message.trial);
        EXPECT_TRUE(running_.emplace(message.trial, message).second);
        if (!stopped_ && !waiting_.empty()) give(message.group);
        return;
      case Kind::kCheckpointed:
        EXPECT_TRUE(running_.contains(message.trial)) << "of a trial that is none";
        if (message.stored.ok()) checkpointed(message);
        return;
      case Kind::kFinished:
        EXPECT_EQ(running_.erase(message.trial), 1U);
        known_[static_cast<std::size_t>(message.trial)].finished = message;
        return;
      case Kind::kLeft:
        EXPECT_TRUE(interrupted_) << "nobody asked for it";
        left(message);
        return;
      case Kind::kClosed:
        EXPECT_TRUE(stopped_ || group.given.empty());
        group.closed = true;
        return;
      case Kind::kProgress:
      case Kind::kAlive:
      case Kind::kWarning:
        return;
      default:
        ADD_FAILURE() << "an odd message";
    }
  }

  Status tick() override {
    if (on_tick) on_tick(*this);
    return {};
  }
  [[nodiscard]] bool done() const override {
    return std::all_of(groups_.begin(), groups_.end(), [](const auto& one) { return one.closed; });
  }

  void stop() { tell_leaders(Kind::kStop); }
  void interrupt() {
    if (!interrupted_) tell_leaders(Kind::kInterrupt);
    interrupted_ = true;
  }

  [[nodiscard]] bool nothing_is_running() const { return running_.empty(); }
  [[nodiscard]] std::vector<Message> of_kind(Kind kind) const {
    std::vector<Message> some;
    for (const Message& one : all) {
      if (one.kind == kind) some.push_back(one);
    }
    return some;
  }

  std::vector<Message> all;
  std::function<void(TestDesk&)> on_tick;

 private:
  struct GroupState {
    std::set<std::int64_t> given;
    bool closed = false;
  };

  void give(int group) {
    Message order;
    order.kind = Kind::kOrder;
    order.attempt = 3;
    if (!waiting_.empty() && !stopped_) {
      order.trial = waiting_.front();
      waiting_.pop_front();
      groups_[static_cast<std::size_t>(group)].given.insert(order.trial);
      const auto& oldest_first = known_[static_cast<std::size_t>(order.trial)].checkpoints;
      order.checkpoints.assign(oldest_first.rbegin(), oldest_first.rend());
    }
    send(group, order);
  }

  void checkpointed(const Message& message) {
    const CheckpointWritten& one = message.checkpoint;
    const std::string path = plan_.folder.file(one.file.name);
    EXPECT_EQ(fs::file_size(path), one.file.bytes) << "told before it was there";
    EXPECT_EQ(one.number, plan_.trials[static_cast<std::size_t>(message.trial)].number);
    EXPECT_EQ(one.attempt, 3);
    auto& list = known_[static_cast<std::size_t>(message.trial)].checkpoints;
    std::erase_if(list, [&](const CheckpointWritten& old) { return old.step >= one.step; });
    list.push_back(one);
  }

  void left(const Message& message) {
    const auto started = running_.find(message.trial);
    ASSERT_NE(started, running_.end());
    const auto& list = known_[static_cast<std::size_t>(message.trial)].checkpoints;
    ASSERT_FALSE(list.empty()) << "left without a checkpoint";
    EXPECT_GT(list.back().step, started->second.step) << "nothing was gained";
    running_.erase(started);
  }

  void tell_leaders(Kind kind) {
    stopped_ = true;
    Message message;
    message.kind = kind;
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      send(static_cast<int>(group), message);
    }
  }
  void send(int group, const Message& message) {
    mailbox_.post(plan_.groups[static_cast<std::size_t>(group)].ranks.front(), encode(message));
  }

  const SweepPlan& plan_;
  Mailbox& mailbox_;
  std::vector<Known>& known_;
  std::vector<GroupState> groups_;
  std::deque<std::int64_t> waiting_;
  std::map<std::int64_t, Message> running_;  // And with what they were started.
  bool stopped_ = false;
  bool interrupted_ = false;
};

// A run of several jobs in one folder.
class Jobs {
 public:
  Jobs(int trials, std::int64_t epochs)
      : experiment(group_experiment(trials, epochs)), services(group_services()) {
    if (rank() == 0) folder_.emplace();
    path = test_world().broadcast(folder_ ? folder_->path() : "");
    if (rank() == 0) {
      fs::create_directories(RunFolder{path}.checkpoints());
      fs::create_directories(RunFolder{path}.trials());
      known.resize(static_cast<std::size_t>(trials));
    }
    test_world().barrier();
  }
  ~Jobs() { test_world().barrier(); }
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  [[nodiscard]] static int rank() { return test_world().rank(); }

  // One job. Afterwards `messages` tells on rank 0 what was said.
  void job(int ranks_per_trial, std::function<void(TestDesk&)> on_tick = {}) {
    const SweepPlan base = group_plan(experiment, services, path,
                                      make_groups(test_world().ranks(), ranks_per_trial,
                                                  static_cast<int>(experiment.trials.size())));
    const InterruptWatch watch;
    // A mailbox that is being closed elsewhere would take, and drop, what is posted in a new one.
    test_world().barrier();
    Mailbox mailbox(test_world());
    std::optional<TestDesk> desk;
    if (rank() == 0) {
      desk.emplace(base, mailbox, known);
      desk->on_tick = std::move(on_tick);
    }
    GroupRank(test_world(), mailbox, base, desk ? &*desk : nullptr).run();
    if (!desk) return;
    EXPECT_TRUE(desk->done());
    EXPECT_TRUE(desk->nothing_is_running()) << "a trial was begun and forgotten";
    messages = desk->all;
  }

  // On every rank.
  [[nodiscard]] bool is_done() const {
    bool done = true;
    for (const Known& one : known) done = done && one.finished.has_value();
    return test_world().broadcast(done ? "1" : "0") == "1";
  }

  // Every trial has the result of one that was never interrupted.
  void expect_whole(std::int64_t epochs) const {
    for (std::size_t i = 0; i < known.size(); ++i) {
      ASSERT_TRUE(known[i].finished.has_value());
      const Message& message = *known[i].finished;
      EXPECT_TRUE(message.stored.ok()) << message.stored.message();
      EXPECT_EQ(message.summary.outcome, Outcome::kCompleted) << message.summary.reason;
      EXPECT_EQ(message.summary.steps, epochs * kFakeBatches);
      EXPECT_TRUE(message.summary.reproducible);
      EXPECT_EQ(message.attempt, 3);
      EXPECT_EQ(message.summary.last.at(0).second, fake_mix(100 + i, epochs * kFakeBatches));
      EXPECT_EQ(fs::file_size(RunFolder{path}.file(message.file.name)), message.file.bytes);
    }
  }

  [[nodiscard]] std::vector<Message> of_kind(Kind kind) const {
    std::vector<Message> some;
    for (const Message& one : messages) {
      if (one.kind == kind) some.push_back(one);
    }
    return some;
  }

  Experiment experiment;
  SweepServices services;
  std::string path;
  std::vector<Known> known;  // On rank 0, as all that follows.
  std::vector<Message> messages;

 private:
  std::optional<TemporaryFolder> folder_;
};

TEST(GroupRank, AllTrialsRunOnGroupsOfAnySize) {
  for (const int ranks_per_trial : {0, 1, 2, 3}) {
    for (const int trials : {1, 2, 7}) {
      Jobs run(trials, 2);
      run.job(ranks_per_trial);
      run.expect_whole(2);
      EXPECT_TRUE(run.of_kind(Kind::kCheckpointed).empty());
    }
  }
}

// At a random step of a random rank that rank gets a signal, or at a random message the desk
// interrupts or stops, or nothing happens.
void disturb(Jobs& run, std::mt19937& random) {
  const auto pick = [&random](int count) {
    return static_cast<int>(random() % static_cast<unsigned>(count));
  };
  const int way = pick(4);
  const int victim = pick(test_world().ranks());
  const int moment = pick(40);
  const int ranks_per_trial = pick(4);
  SCOPED_TRACE(text("way ", way, ", victim ", victim, ", moment ", moment));
  auto steps = std::make_shared<int>(0);
  run.services = group_services([=](const TrialSpec&, std::int64_t) {
    if (way == 0 && Jobs::rank() == victim && (*steps)++ == moment) ::raise(SIGUSR1);
  });
  run.job(ranks_per_trial, [=, acted = false](TestDesk& desk) mutable {
    if (acted || static_cast<int>(desk.all.size()) < moment) return;
    acted = true;
    if (way == 1) desk.interrupt();
    if (way == 2) desk.stop();
  });
}

TEST(GroupRank, InterruptedAtRandomMomentsItEndsAsIfItNeverWas) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(text("seed ", seed));
    std::mt19937 random(seed);
    Jobs run(5, 3);
    if (seed % 3 != 0) {
      run.experiment.checkpoint = {CheckpointSpec::Every::kSteps, static_cast<double>(seed), 2};
    }
    int jobs = 0;
    for (; !run.is_done(); ++jobs) {
      ASSERT_LT(jobs, 1000);
      disturb(run, random);
      if (testing::Test::HasFailure()) return;
    }
    run.expect_whole(3);
  }
}

// Before any order was given.
TEST(GroupRank, AnInterruptBeforeTheFirstTrialClosesEveryGroup) {
  Jobs run(5, 3);
  run.job(0, [](TestDesk& desk) {
    if (desk.all.empty()) desk.interrupt();
  });
  for (const Known& one : run.known)
    EXPECT_TRUE(!one.finished || !one.finished->stored.ok() || true);
  run.job(0);
  run.expect_whole(3);
}

TEST(GroupRank, ASignalBeforeTheFirstTrialClosesEveryGroup) {
  Jobs run(5, 3);
  for (int victim = 0; victim < test_world().ranks(); ++victim) {
    const SweepPlan plan =
        group_plan(run.experiment, run.services, run.path, make_groups(test_world().ranks(), 2, 5));
    const InterruptWatch watch;
    if (Jobs::rank() == victim) ::raise(SIGTERM);
    test_world().barrier();
    Mailbox mailbox(test_world());
    std::optional<TestDesk> desk;
    if (Jobs::rank() == 0) desk.emplace(plan, mailbox, run.known);
    GroupRank(test_world(), mailbox, plan, desk ? &*desk : nullptr).run();
    if (!desk) continue;
    EXPECT_TRUE(desk->nothing_is_running());
    ASSERT_EQ(desk->of_kind(Kind::kSignal).size(), 1U) << "told once";
    EXPECT_EQ(desk->of_kind(Kind::kSignal)[0].number, SIGTERM);
  }
}

// One group, which holds its second trial while it trains the first.
TEST(GroupRank, WhatIsHeldIsGivenUp) {
  for (const bool interrupt : {false, true}) {
    Jobs run(3, 3);
    TestDesk* desk = nullptr;
    run.services = group_services([&desk, interrupt](const TrialSpec&, std::int64_t step) {
      if (desk == nullptr || step != 7) return;
      if (interrupt) desk->interrupt();
      if (!interrupt) desk->stop();
    });
    run.job(test_world().ranks(), [&desk](TestDesk& one) { desk = &one; });
    if (Jobs::rank() != 0) continue;
    EXPECT_EQ(run.of_kind(Kind::kStarted).size(), 1U);
    EXPECT_EQ(run.of_kind(Kind::kFinished).size(), interrupt ? 0U : 1U);
    EXPECT_EQ(run.of_kind(Kind::kLeft).size(), interrupt ? 1U : 0U);
  }
}

TEST(GroupRank, CheckpointsComeByStepsAndEpochsInOrder) {
  using Every = CheckpointSpec::Every;
  const auto steps_of = [](const CheckpointSpec& spec) {
    Jobs run(1, 3);
    run.experiment.checkpoint = spec;
    run.job(0);
    run.expect_whole(3);
    std::vector<std::int64_t> steps;
    for (const Message& one : run.of_kind(Kind::kCheckpointed)) {
      EXPECT_TRUE(one.stored.ok());
      EXPECT_TRUE(one.checkpoint.reproducible);
      EXPECT_EQ(one.checkpoint.numeric_fingerprint, "0123456789abcdef");
      EXPECT_EQ(one.checkpoint.epochs, (one.checkpoint.step - 1) / kFakeBatches);
      steps.push_back(one.checkpoint.step);
    }
    return steps;
  };
  const std::vector<std::int64_t> by_steps = steps_of({Every::kSteps, 4.0, 2});
  const std::vector<std::int64_t> by_epochs = steps_of({Every::kEpochs, 1.0, 2});
  const std::vector<std::int64_t> by_seconds = steps_of({Every::kSeconds, 1e-9, 2});
  if (Jobs::rank() != 0) return;
  EXPECT_EQ(by_steps, (std::vector<std::int64_t>{4, 8, 12}));
  EXPECT_EQ(by_epochs, (std::vector<std::int64_t>{5, 10}));
  EXPECT_FALSE(by_seconds.empty());
  EXPECT_TRUE(std::is_sorted(by_seconds.begin(), by_seconds.end()));
}

// Never more than one snapshot is on its way to the disk.
TEST(GroupRank, ASlowDiskGetsOneCheckpointAtATime) {
  using Every = CheckpointSpec::Every;
  for (const Every unit : {Every::kSeconds, Every::kSteps}) {
    Jobs run(1, 4);
    auto writing = std::make_shared<std::atomic<int>>(0);
    run.services.write_checkpoint = [writing, write = run.services.write_checkpoint](
                                        const std::string& file, const CheckpointRecord& record) {
      EXPECT_EQ((*writing)++, 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      --*writing;
      return write(file, record);
    };
    run.experiment.checkpoint = {unit, unit == Every::kSteps ? 1.0 : 1e-9, 2};
    run.job(0);
    run.expect_whole(4);
    if (Jobs::rank() != 0) continue;
    const std::size_t count = run.of_kind(Kind::kCheckpointed).size();
    EXPECT_GE(count, 1U);
    if (unit == Every::kSteps) {
      EXPECT_EQ(count, 4U * kFakeBatches - 1) << "none is missed";
    }
  }
}

// The other members would wait in the middle of a step, where their watchdogs see no progress.
TEST(GroupRank, TrainingDoesNotWaitLongForADiskThatIsSlow) {
  using Every = CheckpointSpec::Every;
  for (const Every unit : {Every::kSteps, Every::kEpochs, Every::kSeconds}) {
    Jobs run(1, 4);
    auto steps = std::make_shared<std::atomic<std::int64_t>>(0);
    run.services = group_services([steps](const TrialSpec&, std::int64_t step) { *steps = step; });
    run.services.write_checkpoint = [steps, write = run.services.write_checkpoint](
                                        const std::string& file, const CheckpointRecord& record) {
      const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (*steps < 4 * kFakeBatches - 1 && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      EXPECT_EQ(*steps, 4 * kFakeBatches - 1) << "training waits";
      return write(file, record);
    };
    run.experiment.checkpoint = {unit, unit == Every::kSeconds ? 1e-9 : 1.0, 2};
    run.experiment.limits.stall = 1.0;
    run.job(0);
    run.expect_whole(4);
    if (Jobs::rank() == 0) {
      EXPECT_EQ(run.of_kind(Kind::kCheckpointed).size(), 1U);
    }
  }
}

TEST(GroupRank, ACheckpointThatCannotBeWrittenIsReportedAndTrainingGoesOn) {
  Jobs run(2, 2);
  run.experiment.checkpoint = {CheckpointSpec::Every::kSteps, 3.0, 2};
  run.services.write_checkpoint = [](const std::string& file,
                                     const CheckpointRecord&) -> Result<FileFacts> {
    return Status::world(file + ": no space left");
  };
  run.job(0);
  run.expect_whole(2);
  if (Jobs::rank() != 0) return;
  const std::vector<Message> told = run.of_kind(Kind::kCheckpointed);
  ASSERT_EQ(told.size(), 6U);
  for (const Message& one : told) {
    EXPECT_NE(one.stored.message().find("no space left"), std::string::npos);
  }
}

TEST(GroupRank, ATrialThatHasHadItsTimeIsPruned) {
  Jobs run(3, 2);
  run.experiment.limits.max_trial_time = 1e-9;
  run.job(0);
  for (const Known& one : run.known) {
    const TrialSummary& summary = one.finished->summary;
    EXPECT_EQ(summary.outcome, Outcome::kPruned);
    EXPECT_EQ(summary.reason, "limits.max_trial_time: 1e-09 s reached at step 1");
    EXPECT_EQ(summary.steps, 1);
    EXPECT_FALSE(summary.reproducible);
    EXPECT_EQ(summary.last.at(0).second,
              fake_mix(100 + static_cast<std::uint64_t>(&one - run.known.data()), 1));
  }
}

// Trains until every trial has checkpoints, then interrupts.
void leave_with_checkpoints(Jobs& run) {
  run.experiment.checkpoint = {CheckpointSpec::Every::kSteps, 2.0, 2};
  auto steps = std::make_shared<int>(0);
  run.services = group_services([=](const TrialSpec&, std::int64_t step) {
    if (step == 6 && Jobs::rank() == 0 && (*steps)++ == 0) ::raise(SIGUSR1);
  });
  run.job(test_world().ranks());
  run.services = group_services();
}

TEST(GroupRank, TimeAndMarksOfEarlierJobsCount) {
  Jobs run(1, 3);
  leave_with_checkpoints(run);
  if (Jobs::rank() == 0) {
    ASSERT_EQ(run.known[0].checkpoints.back().step, 7);
    run.known[0].checkpoints.back().seconds = 5000.0;
    run.known[0].checkpoints.back().reproducible = false;
  }
  run.job(1);
  if (Jobs::rank() == 0) {
    EXPECT_EQ(run.of_kind(Kind::kStarted).at(0).step, 7);
    EXPECT_EQ(run.of_kind(Kind::kStarted).at(0).attempt, 3);
    const TrialSummary& summary = run.known[0].finished->summary;
    EXPECT_EQ(summary.outcome, Outcome::kCompleted);
    EXPECT_GE(summary.seconds, 5000.0);
    EXPECT_LT(summary.seconds, 5100.0);
    EXPECT_FALSE(summary.reproducible);
    EXPECT_EQ(run.known[0].finished->samples, 8 * 10) << "of this job";
    EXPECT_FALSE(run.of_kind(Kind::kCheckpointed).at(0).checkpoint.reproducible);
    EXPECT_GE(run.of_kind(Kind::kCheckpointed).at(0).checkpoint.seconds, 5000.0);
    run.known[0].finished.reset();
    run.known[0].checkpoints.resize(1);
    run.known[0].checkpoints[0].seconds = 5000.0;
    for (const auto& entry : fs::directory_iterator(RunFolder{run.path}.trials())) {
      fs::remove(entry);
    }
  }
  run.experiment.limits.max_trial_time = 4000.0;
  run.job(0);
  if (Jobs::rank() != 0) return;
  EXPECT_EQ(run.known[0].finished->summary.outcome, Outcome::kPruned);
  EXPECT_EQ(run.known[0].finished->summary.steps, run.known[0].checkpoints[0].step + 1);
}

TEST(GroupRank, ADamagedCheckpointIsPassedOverAndWrittenAgain) {
  Jobs run(1, 3);
  leave_with_checkpoints(run);
  std::int64_t step_before = 0;
  if (Jobs::rank() == 0) {
    const std::size_t count = run.known[0].checkpoints.size();
    ASSERT_GE(count, 2U);
    step_before = run.known[0].checkpoints[count - 2].step;
    std::fstream(RunFolder{run.path}.file(run.known[0].checkpoints.back().file.name),
                 std::ios::in | std::ios::out)
        << "9";
  }
  run.experiment.checkpoint = {CheckpointSpec::Every::kSteps, 1.0, 2};
  run.job(0);
  run.expect_whole(3);
  if (Jobs::rank() != 0) return;
  EXPECT_EQ(run.of_kind(Kind::kStarted).at(0).step, step_before);
  ASSERT_EQ(run.of_kind(Kind::kWarning).size(), 1U);
  EXPECT_NE(run.of_kind(Kind::kWarning)[0].text.find("is damaged"), std::string::npos);
  for (const Message& one : run.of_kind(Kind::kCheckpointed)) {
    EXPECT_TRUE(one.stored.ok()) << one.stored.message();
  }
}

TEST(GroupRank, WhatCannotBeRepeatedIsMarked) {
  Jobs run(2, 1);
  run.experiment.trials[1].spec.train.reproducible = false;
  run.job(0);
  if (Jobs::rank() != 0) return;
  EXPECT_TRUE(run.known[0].finished->summary.reproducible);
  EXPECT_FALSE(run.known[1].finished->summary.reproducible);
}

}  // namespace
}  // namespace aesweep
