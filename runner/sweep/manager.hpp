// Manager: which group trains which trial next, and what has become of each. Pure bookkeeping: no
// MPI, no clock, no output, so that every order of events can be tested.
//
// Trials are places 0, 1, ... in the sweep's list. Each that has not finished in an earlier job is
// given to one group, in order. While many are left, a group is given its next trial as soon as it
// starts one, so that it never waits; the last ones are given only to groups that have nothing to
// do, so that none waits behind a long trial. Suspects of a crash go first, one at a time and with
// nothing beside them: groups that ask meanwhile get their answers later.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/train/result.hpp"

namespace aesweep {

// What rank 0 keeps of a finished trial.
struct TrialSummary {
  Outcome outcome = Outcome::kCompleted;
  std::string reason;
  int failed_rank = -1;  // The rank of the world on which it failed; -1: no single one.
  std::int64_t epochs = 0;
  std::int64_t steps = 0;
  double seconds = 0.0;      // Of the attempt, earlier jobs included.
  bool reproducible = true;  // Another run of the same would give the same bits.
  int ranks = 1;
  std::string host;
  std::vector<std::pair<std::string, double>> last;  // Metric and its value in the last epoch.
};

// The reason with the rank, which results do not hold: "rank 1: ...".
[[nodiscard]] std::string whole_reason(const TrialSummary& summary);

class Manager {
 public:
  enum class State { kWaiting, kGiven, kRunning, kFinished };

  Manager(std::int64_t trials, int groups);

  // Both come before the first question of a group.
  void finished_before(std::int64_t trial, TrialSummary summary);
  void suspect(std::int64_t trial);

  // What a group is told. No trial: it is done, and closes.
  struct Order {
    int group = 0;
    std::optional<std::int64_t> trial;
    bool operator==(const Order&) const = default;
  };
  using Orders = std::vector<Order>;

  // A group has nothing to run. Not answered if a trial is already on its way to it.
  [[nodiscard]] Orders wants(int group);
  // A group has begun a trial; the answer, if any, is its next one.
  [[nodiscard]] Orders started(int group, std::int64_t trial);
  // The group may have closed meanwhile: files become durable later. Answers those who waited.
  [[nodiscard]] Orders finished(int group, std::int64_t trial, TrialSummary summary);
  // A group has left a trial, to be resumed by another job. After stop().
  void left(int group, std::int64_t trial);
  // A group has ended: it runs and will ask for nothing more.
  void closed(int group);

  // From now on no trial is given out. All groups should be told not to begin what they hold.
  void stop() { stopped_ = true; }
  [[nodiscard]] bool stopped() const { return stopped_; }
  // Suspects run, or are yet to.
  [[nodiscard]] bool searching() const { return suspect_out_ || !suspects_.empty(); }

  // All groups have closed.
  [[nodiscard]] bool done() const { return closed_groups_ == static_cast<int>(groups_.size()); }
  [[nodiscard]] bool closed_group(int group) const {
    return groups_.at(static_cast<std::size_t>(group)).closed;
  }

  [[nodiscard]] std::int64_t trials() const { return static_cast<std::int64_t>(states_.size()); }
  [[nodiscard]] std::int64_t count(State state) const {
    return counts_[static_cast<std::size_t>(state)];
  }
  [[nodiscard]] State state(std::int64_t trial) const;
  // Of a finished trial.
  [[nodiscard]] const TrialSummary& summary(std::int64_t trial) const;

 private:
  struct GroupState {
    std::int64_t given = 0;  // Trials given and not begun.
    bool waits = false;      // For a suspect to finish.
    bool closed = false;
  };

  [[nodiscard]] GroupState& at(int group);
  [[nodiscard]] Order give(int group);
  void move(std::int64_t trial, State from, State to);

  std::vector<GroupState> groups_;
  std::vector<State> states_;
  std::vector<TrialSummary> summaries_;
  std::deque<std::int64_t> suspects_;        // Not given yet.
  std::optional<std::int64_t> suspect_out_;  // Given, and not finished.
  std::int64_t counts_[4] = {0, 0, 0, 0};
  std::int64_t next_ = 0;  // None before it is waiting, suspects aside.
  int closed_groups_ = 0;
  bool stopped_ = false;
};

}  // namespace aesweep
