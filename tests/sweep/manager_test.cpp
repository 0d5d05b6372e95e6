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
using Orders = Manager::Orders;
using State = Manager::State;

Orders gives(int group, std::int64_t trial) { return {{group, trial}}; }
Orders closes(int group) { return {{group, std::nullopt}}; }
const Orders kNothing;

TEST(Manager, NoTrialsMeansEveryGroupCloses) {
  Manager nobody(0, 0);
  EXPECT_TRUE(nobody.done());
  Manager manager(0, 2);
  EXPECT_FALSE(manager.done());
  for (int group = 0; group < 2; ++group) {
    EXPECT_EQ(manager.wants(group), closes(group));
    manager.closed(group);
  }
  EXPECT_TRUE(manager.done());
}

TEST(Manager, AWorkingGroupHoldsItsNextTrialWhileManyAreLeft) {
  Manager manager(10, 2);
  EXPECT_EQ(manager.wants(0), gives(0, 0));
  EXPECT_EQ(manager.wants(1), gives(1, 1));
  EXPECT_EQ(manager.started(0, 0), gives(0, 2));
  EXPECT_EQ(manager.started(1, 1), gives(1, 3));
  EXPECT_EQ(manager.finished(1, 1, {}), kNothing);
  EXPECT_EQ(manager.started(1, 3), gives(1, 4));
  EXPECT_EQ(manager.count(State::kRunning), 2);
  EXPECT_EQ(manager.count(State::kGiven), 2);
  EXPECT_EQ(manager.count(State::kFinished), 1);
  EXPECT_EQ(manager.count(State::kWaiting), 5);
}

TEST(Manager, TheLastTrialsGoToGroupsWithoutWork) {
  Manager manager(3, 2);
  EXPECT_EQ(manager.wants(0), gives(0, 0));
  EXPECT_EQ(manager.started(0, 0), kNothing);  // Two left for two groups: none in advance.
  EXPECT_EQ(manager.wants(1), gives(1, 1));
  EXPECT_EQ(manager.started(1, 1), kNothing);
  EXPECT_EQ(manager.finished(1, 1, {}), kNothing);
  EXPECT_EQ(manager.wants(1), gives(1, 2));  // Not held back behind group 0's long trial.
  EXPECT_EQ(manager.started(1, 2), kNothing);
  EXPECT_EQ(manager.finished(0, 0, {}), kNothing);
  EXPECT_EQ(manager.wants(0), closes(0));
}

TEST(Manager, AQuestionThatCrossesItsAnswerIsNotAnsweredTwice) {
  Manager manager(10, 1);
  EXPECT_EQ(manager.wants(0), gives(0, 0));
  EXPECT_EQ(manager.started(0, 0), gives(0, 1));  // On its way while the group asks:
  EXPECT_EQ(manager.wants(0), kNothing);
  EXPECT_EQ(manager.started(0, 1), gives(0, 2));
}

TEST(Manager, AfterStopNothingIsGivenAndHeldTrialsAreForgotten) {
  Manager manager(10, 2);
  EXPECT_EQ(manager.wants(0), gives(0, 0));
  EXPECT_EQ(manager.wants(1), gives(1, 1));
  EXPECT_EQ(manager.started(0, 0), gives(0, 2));
  manager.stop();
  EXPECT_EQ(manager.started(1, 1), kNothing);  // Begun before it heard.
  EXPECT_EQ(manager.finished(1, 1, {}), kNothing);
  EXPECT_EQ(manager.wants(1), closes(1));
  manager.closed(1);
  EXPECT_FALSE(manager.done());
  EXPECT_EQ(manager.finished(0, 0, {}), kNothing);
  manager.closed(0);  // Although trial 2 was given to it.
  EXPECT_TRUE(manager.done());
  EXPECT_EQ(manager.count(State::kFinished), 2);
}

TEST(Manager, KeepsWhatBecameOfATrialInAnyOrder) {
  Manager manager(2, 2);
  EXPECT_EQ(manager.wants(0), gives(0, 0));
  EXPECT_EQ(manager.wants(1), gives(1, 1));
  EXPECT_EQ(manager.started(1, 1), kNothing);
  EXPECT_EQ(manager.started(0, 0), kNothing);
  TrialSummary failed;
  failed.outcome = Outcome::kFailed;
  failed.reason = "component code: out of range";
  EXPECT_EQ(manager.finished(1, 1, failed), kNothing);
  EXPECT_EQ(manager.finished(0, 0, {}), kNothing);
  EXPECT_EQ(manager.summary(0).outcome, Outcome::kCompleted);
  EXPECT_EQ(manager.summary(1).outcome, Outcome::kFailed);
  EXPECT_EQ(manager.summary(1).reason, failed.reason);
}

TEST(ManagerDeathTest, ReportsThatCannotBeAreBugs) {
  Manager manager(2, 1);
  EXPECT_DEATH(static_cast<void>(manager.started(0, 0)), "was not given");
  EXPECT_DEATH(static_cast<void>(manager.finished(0, 0, {})), "not in the state");
  EXPECT_DEATH(static_cast<void>(manager.wants(7)), "no group 7");
  EXPECT_DEATH(static_cast<void>(manager.summary(0)), "has not finished");
}

// Groups as the other side sees them: messages of each group arrive in order, but with any delay.
class Simulation {
 public:
  Simulation(std::int64_t trials, int groups, unsigned seed, std::int64_t before = 0,
             std::vector<std::int64_t> suspects = {})
      : manager_(trials, groups),
        groups_(static_cast<std::size_t>(groups)),
        suspects_(suspects.begin(), suspects.end()),
        random_(seed) {
    for (std::int64_t trial = 0; trial < before; ++trial) manager_.finished_before(trial, {});
    for (const std::int64_t trial : suspects) manager_.suspect(trial);
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
  [[nodiscard]] bool suspects_were_alone() const { return alone_; }
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
    Orders orders;
    if (event.kind == Event::kWants) orders = manager_.wants(g);
    if (event.kind == Event::kStarted) orders = manager_.started(g, event.trial);
    if (event.kind == Event::kFinished) orders = manager_.finished(g, event.trial, {});
    if (event.kind == Event::kClosed) manager_.closed(g);
    for (const Order& order : orders) {
      groups_[static_cast<std::size_t>(order.group)].to_group.push_back(order);
    }
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
      // Others may have ended without the manager's knowledge, but none may run beside a suspect.
      int running = 0;
      bool suspect = false;
      for (const Side& one : groups_) {
        if (!one.running) continue;
        ++running;
        suspect = suspect || suspects_.contains(*one.running);
      }
      if (suspect && running > 1) alone_ = false;
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
  std::set<std::int64_t> suspects_;
  std::multiset<std::int64_t> ran_;
  bool alone_ = true;
  std::mt19937 random_;
};

TEST(Manager, SuspectsRunAloneWhileOtherGroupsWait) {
  Manager manager(6, 3);
  manager.finished_before(0, {});
  manager.suspect(2);
  manager.suspect(4);
  EXPECT_TRUE(manager.searching());
  EXPECT_EQ(manager.wants(1), gives(1, 2));
  EXPECT_EQ(manager.wants(0), kNothing);
  EXPECT_EQ(manager.started(1, 2), kNothing);
  EXPECT_EQ(manager.wants(1), kNothing);  // Trained, not yet on the disk.
  EXPECT_EQ(manager.finished(1, 2, {}), gives(0, 4));
  EXPECT_EQ(manager.wants(2), kNothing);
  EXPECT_EQ(manager.started(0, 4), kNothing);
  EXPECT_EQ(manager.finished(0, 4, {}), (Orders{{1, 1}, {2, 3}}));
  EXPECT_FALSE(manager.searching());
  EXPECT_EQ(manager.wants(0), gives(0, 5));
}

TEST(Manager, GroupsThatWaitForASuspectCloseWithAStop) {
  Manager manager(3, 2);
  manager.suspect(1);
  EXPECT_EQ(manager.wants(0), gives(0, 1));
  EXPECT_EQ(manager.wants(1), kNothing);
  EXPECT_EQ(manager.started(0, 1), kNothing);
  manager.stop();
  manager.closed(1);
  EXPECT_EQ(manager.finished(0, 1, {}), kNothing);
  manager.closed(0);
  EXPECT_TRUE(manager.done());
}

TEST(Manager, ATrialThatWasLeftIsNotFinished) {
  Manager manager(2, 1);
  EXPECT_EQ(manager.wants(0), gives(0, 0));
  EXPECT_EQ(manager.started(0, 0), kNothing);
  EXPECT_DEATH(manager.left(0, 0), "unasked");
  manager.stop();
  manager.left(0, 0);
  manager.closed(0);
  EXPECT_TRUE(manager.done());
  EXPECT_EQ(manager.count(State::kWaiting), 2);
}

TEST(Manager, WhatEarlierJobsFinishedAndSuspectsRunAsTheyShouldUnderAnyDelay) {
  for (const int groups : {1, 2, 3, 7}) {
    for (const std::int64_t trials : {1, 7, 37}) {
      for (unsigned seed = 0; seed < 20; ++seed) {
        const std::int64_t before = static_cast<std::int64_t>(seed) % trials;
        std::vector<std::int64_t> suspects;
        for (std::int64_t trial = before; trial < trials; trial += 3) suspects.push_back(trial);
        Simulation simulation(trials, groups, seed, before, suspects);
        simulation.run();
        ASSERT_EQ(static_cast<std::int64_t>(simulation.ran().size()), trials - before);
        for (std::int64_t trial = before; trial < trials; ++trial) {
          ASSERT_EQ(simulation.ran().count(trial), 1U);
        }
        EXPECT_TRUE(simulation.suspects_were_alone());
      }
    }
  }
}

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
