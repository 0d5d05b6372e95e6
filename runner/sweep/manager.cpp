#include "runner/sweep/manager.hpp"

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

std::optional<Manager::Order> Manager::wants(int group) {
  GroupState& one = at(group);
  if (one.given > 0 && !stopped_) return std::nullopt;
  if (stopped_ || next_ == trials()) return Order{};
  return Order{give(one)};
}

std::optional<Manager::Order> Manager::started(int group, std::int64_t trial) {
  GroupState& one = at(group);
  AESWEEP_CHECK(one.given > 0, text("group ", group, " began a trial that it was not given"));
  move(trial, State::kGiven, State::kRunning);
  --one.given;
  const std::int64_t left = trials() - next_;
  if (stopped_ || left <= static_cast<std::int64_t>(groups_.size())) return std::nullopt;
  return Order{give(one)};
}

void Manager::finished(int group, std::int64_t trial, TrialSummary summary) {
  AESWEEP_CHECK(!at(group).closed, text("group ", group, " reports after its end"));
  move(trial, State::kRunning, State::kFinished);
  summaries_[static_cast<std::size_t>(trial)] = std::move(summary);
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

std::int64_t Manager::give(GroupState& group) {
  ++group.given;
  move(next_, State::kWaiting, State::kGiven);
  return next_++;
}

void Manager::move(std::int64_t trial, State from, State to) {
  AESWEEP_CHECK(trial >= 0 && trial < trials() && state(trial) == from,
                text("trial ", trial, " is not in the state that its group reports"));
  states_[static_cast<std::size_t>(trial)] = to;
  --counts_[static_cast<std::size_t>(from)];
  ++counts_[static_cast<std::size_t>(to)];
}

}  // namespace aesweep
