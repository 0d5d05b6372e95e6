// Manager: whatever the order of events, each trial runs once, groups that work hold their next
// one, and the end is known. A simulated clock plays groups of different speed against it.

#include "runner/sweep/manager.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>
#include <vector>

namespace aesweep {
namespace {

using Order = Manager::Order;
using State = Manager::State;

TEST(Manager, NoTrialsMeansEveryGroupCloses) {
  Manager nobody(0, 0);
  EXPECT_TRUE(nobody.done());
  Manager manager(0, 2);
  EXPECT_FALSE(manager.done());
  for (int group = 0; group < 2; ++group) {
    EXPECT_EQ(manager.wants(group), Order{});
    manager.closed(group);
  }
  EXPECT_TRUE(manager.done());
}

TEST(Manager, AWorkingGroupHoldsItsNextTrialWhileManyAreLeft) {
  Manager manager(10, 2);
  EXPECT_EQ(manager.wants(0), Order{0});
  EXPECT_EQ(manager.wants(1), Order{1});
  EXPECT_EQ(manager.started(0, 0), Order{2});
  EXPECT_EQ(manager.started(1, 1), Order{3});
  manager.finished(1, 1, {});
  EXPECT_EQ(manager.started(1, 3), Order{4});
  EXPECT_EQ(manager.count(State::kRunning), 2);
  EXPECT_EQ(manager.count(State::kGiven), 2);
  EXPECT_EQ(manager.count(State::kFinished), 1);
  EXPECT_EQ(manager.count(State::kWaiting), 5);
}

TEST(Manager, TheLastTrialsGoToGroupsWithoutWork) {
  Manager manager(3, 2);
  EXPECT_EQ(manager.wants(0), Order{0});
  EXPECT_EQ(manager.started(0, 0), std::nullopt);  // Two left for two groups: none in advance.
  EXPECT_EQ(manager.wants(1), Order{1});
  EXPECT_EQ(manager.started(1, 1), std::nullopt);
  manager.finished(1, 1, {});
  EXPECT_EQ(manager.wants(1), Order{2});  // Not held back behind group 0's long trial.
  EXPECT_EQ(manager.started(1, 2), std::nullopt);
  manager.finished(0, 0, {});
  EXPECT_EQ(manager.wants(0), Order{});
}

TEST(Manager, AQuestionThatCrossesItsAnswerIsNotAnsweredTwice) {
  Manager manager(10, 1);
  EXPECT_EQ(manager.wants(0), Order{0});
  EXPECT_EQ(manager.started(0, 0), Order{1});  // On its way while the group asks:
  EXPECT_EQ(manager.wants(0), std::nullopt);
  EXPECT_EQ(manager.started(0, 1), Order{2});
}

TEST(Manager, AfterStopNothingIsGivenAndHeldTrialsAreForgotten) {
  Manager manager(10, 2);
  EXPECT_EQ(manager.wants(0), Order{0});
  EXPECT_EQ(manager.wants(1), Order{1});
  EXPECT_EQ(manager.started(0, 0), Order{2});
  manager.stop();
  EXPECT_EQ(manager.started(1, 1), std::nullopt);  // Begun before it heard.
  manager.finished(1, 1, {});
  EXPECT_EQ(manager.wants(1), Order{});
  manager.closed(1);
  EXPECT_FALSE(manager.done());
  manager.finished(0, 0, {});
  manager.closed(0);  // Although trial 2 was given to it.
  EXPECT_TRUE(manager.done());
  EXPECT_EQ(manager.count(State::kFinished), 2);
}

TEST(Manager, KeepsWhatBecameOfATrialInAnyOrder) {
  Manager manager(2, 2);
  EXPECT_EQ(manager.wants(0), Order{0});
  EXPECT_EQ(manager.wants(1), Order{1});
  EXPECT_EQ(manager.started(1, 1), std::nullopt);
  EXPECT_EQ(manager.started(0, 0), std::nullopt);
  TrialSummary failed;
  failed.outcome = Outcome::kFailed;
  failed.reason = "component code: out of range";
  manager.finished(1, 1, failed);
  manager.finished(0, 0, {});
  EXPECT_EQ(manager.summary(0).outcome, Outcome::kCompleted);
  EXPECT_EQ(manager.summary(1).outcome, Outcome::kFailed);
  EXPECT_EQ(manager.summary(1).reason, failed.reason);
}

TEST(ManagerDeathTest, ReportsThatCannotBeAreBugs) {
  Manager manager(2, 1);
  EXPECT_DEATH(static_cast<void>(manager.started(0, 0)), "was not given");
  EXPECT_DEATH(manager.finished(0, 0, {}), "not in the state");
  EXPECT_DEATH(static_cast<void>(manager.wants(7)), "no group 7");
  EXPECT_DEATH(static_cast<void>(manager.summary(0)), "has not finished");
}

// Groups as the other side sees them: messages of each group arrive in order, but with any delay.
class Simulation {
 public:
  Simulation(std::int64_t trials, int groups, unsigned seed)
      : manager_(trials, groups), groups_(static_cast<std::size_t>(groups)), random_(seed) {
    for (Side& group : groups_) group.to_manager.push_back({Event::kWants, -1});
  }

  void run() {
    while (!manager_.done()) {
      const auto g = static_cast<int>(random_() % groups_.size());
      if (random_() % 2 == 0) {
        serve(g);
      } else {
        act(groups_[static_cast<std::size_t>(g)]);
      }
    }
  }
  [[nodiscard]] const std::multiset<std::int64_t>& ran() const { return ran_; }
  [[nodiscard]] const Manager& manager() const { return manager_; }

 private:
  struct Event {
    enum Kind { kWants, kStarted, kFinished, kClosed } kind;
    std::int64_t trial;
  };
  struct Side {
    std::deque<Event> to_manager;
    std::deque<Order> to_group;
    std::deque<std::int64_t> held;
    std::optional<std::int64_t> running;
    bool asked = true;
    bool closing = false;
    bool closed = false;
  };

  void serve(int g) {
    Side& side = groups_[static_cast<std::size_t>(g)];
    if (side.to_manager.empty()) return;
    const Event event = side.to_manager.front();
    side.to_manager.pop_front();
    std::optional<Order> order;
    if (event.kind == Event::kWants) order = manager_.wants(g);
    if (event.kind == Event::kStarted) order = manager_.started(g, event.trial);
    if (event.kind == Event::kFinished) manager_.finished(g, event.trial, {});
    if (event.kind == Event::kClosed) manager_.closed(g);
    if (order) side.to_group.push_back(*order);
  }

  void act(Side& side) {
    while (!side.to_group.empty()) {
      const Order order = side.to_group.front();
      side.to_group.pop_front();
      side.asked = false;
      if (order.trial) side.held.push_back(*order.trial);
      if (!order.trial) side.closing = true;
    }
    EXPECT_LE(side.held.size(), 1U);  // One in advance, never more.
    if (side.running) {
      if (random_() % 4 != 0) return;  // Still training.
      side.to_manager.push_back({Event::kFinished, *side.running});
      side.running.reset();
    }
    if (!side.held.empty()) {
      side.running = side.held.front();
      side.held.pop_front();
      ran_.insert(*side.running);
      side.to_manager.push_back({Event::kStarted, *side.running});
    } else if (side.closing && !side.closed) {
      side.closed = true;
      side.to_manager.push_back({Event::kClosed, -1});
    } else if (!side.asked && !side.closing) {
      side.asked = true;
      side.to_manager.push_back({Event::kWants, -1});
    }
  }

  Manager manager_;
  std::vector<Side> groups_;
  std::multiset<std::int64_t> ran_;
  std::mt19937 random_;
};

TEST(Manager, EveryTrialRunsOnceUnderAnyDelay) {
  for (const int groups : {1, 2, 3, 7}) {
    for (const std::int64_t trials :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{7}, std::int64_t{37}, std::int64_t{200}}) {
      for (unsigned seed = 0; seed < 20; ++seed) {
        Simulation simulation(trials, groups, seed);
        simulation.run();
        ASSERT_EQ(static_cast<std::int64_t>(simulation.ran().size()), trials);
        for (std::int64_t trial = 0; trial < trials; ++trial) {
          ASSERT_EQ(simulation.ran().count(trial), 1U);
        }
        EXPECT_EQ(simulation.manager().count(State::kFinished), trials);
      }
    }
  }
}

}  // namespace
}  // namespace aesweep
