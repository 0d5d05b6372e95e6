#include "runner/sweep/manager.hpp"

#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"

namespace aesweep {

std::string whole_reason(const TrialSummary& summary) {
  return summary.failed_rank < 0 ? summary.reason
                                 : text("rank ", summary.failed_rank, ": ", summary.reason);
}

Manager::Manager(std::int64_t trials, int groups)
    : groups_(static_cast<std::size_t>(groups)),
      states_(static_cast<std::size_t>(trials), State::kWaiting),
      summaries_(static_cast<std::size_t>(trials)) {
  counts_[static_cast<std::size_t>(State::kWaiting)] = trials;
}

void Manager::finished_before(std::int64_t trial, TrialSummary summary) {
  move(trial, State::kWaiting, State::kFinished);
  summaries_[static_cast<std::size_t>(trial)] = std::move(summary);
}

void Manager::suspect(std::int64_t trial) {
  AESWEEP_CHECK(state(trial) == State::kWaiting, text("trial ", trial, " is not to run"));
  suspects_.push_back(trial);
}

Manager::Orders Manager::wants(int group) {
  GroupState& one = at(group);
  if (stopped_) return {{group, std::nullopt}};
  if (one.given > 0) return {};
  if (suspect_out_) {
    one.waits = true;
    return {};
  }
  if (count(State::kWaiting) == 0) return {{group, std::nullopt}};
  return {give(group)};
}

Manager::Orders Manager::started(int group, std::int64_t trial) {
  GroupState& one = at(group);
  AESWEEP_CHECK(one.given > 0, text("group ", group, " began a trial that it was not given"));
  move(trial, State::kGiven, State::kRunning);
  --one.given;
  const bool few = count(State::kWaiting) <= static_cast<std::int64_t>(groups_.size());
  if (stopped_ || searching() || few) return {};
  return {give(group)};
}

Manager::Orders Manager::finished(int group, std::int64_t trial, TrialSummary summary) {
  static_cast<void>(at(group));
  move(trial, State::kRunning, State::kFinished);
  summaries_[static_cast<std::size_t>(trial)] = std::move(summary);
  if (suspect_out_ != trial) return {};
  suspect_out_.reset();
  Orders orders;
  for (std::size_t i = 0; i < groups_.size() && !stopped_; ++i) {
    if (!std::exchange(groups_[i].waits, false)) continue;
    for (const Order& order : wants(static_cast<int>(i))) orders.push_back(order);
  }
  return orders;
}

void Manager::left(int group, std::int64_t trial) {
  static_cast<void>(at(group));
  AESWEEP_CHECK(stopped_, text("group ", group, " left a trial unasked"));
  move(trial, State::kRunning, State::kWaiting);
}

void Manager::closed(int group) {
  GroupState& one = at(group);
  AESWEEP_CHECK(!one.closed, text("group ", group, " ends twice"));
  AESWEEP_CHECK(stopped_ || one.given == 0, text("group ", group, " ends before its last trial"));
  one.closed = true;
  ++closed_groups_;
}

Manager::State Manager::state(std::int64_t trial) const {
  return states_.at(static_cast<std::size_t>(trial));
}

const TrialSummary& Manager::summary(std::int64_t trial) const {
  AESWEEP_CHECK(state(trial) == State::kFinished, text("trial ", trial, " has not finished"));
  return summaries_[static_cast<std::size_t>(trial)];
}

Manager::GroupState& Manager::at(int group) {
  AESWEEP_CHECK(group >= 0 && static_cast<std::size_t>(group) < groups_.size(),
                text("there is no group ", group));
  return groups_[static_cast<std::size_t>(group)];
}

Manager::Order Manager::give(int group) {
  std::int64_t trial = 0;
  if (!suspects_.empty()) {
    trial = suspects_.front();
    suspects_.pop_front();
    suspect_out_ = trial;
  } else {
    while (state(next_) != State::kWaiting) ++next_;
    trial = next_;
  }
  ++at(group).given;
  move(trial, State::kWaiting, State::kGiven);
  return {group, trial};
}

void Manager::move(std::int64_t trial, State from, State to) {
  AESWEEP_CHECK(trial >= 0 && trial < trials() && state(trial) == from,
                text("trial ", trial, " is not in the state that its group reports"));
  states_[static_cast<std::size_t>(trial)] = to;
  --counts_[static_cast<std::size_t>(from)];
  ++counts_[static_cast<std::size_t>(to)];
}

}  // namespace aesweep
