#include "runner/sweep/manager_desk.hpp"

#include <cmath>
#include <iomanip>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

using namespace std::chrono_literals;

// A line rewritten faster than this cannot be read; a log line every few seconds is enough.
constexpr auto kRefreshTerminal = 100ms;
constexpr auto kRefreshLog = 10s;

std::vector<std::int64_t> epochs_of(const SweepPlan& plan) {
  std::vector<std::int64_t> epochs;
  for (const SweepTrial& trial : plan.trials) epochs.push_back(trial.plan->spec.train.epochs);
  return epochs;
}

std::string seconds_text(double seconds) {
  return text(std::fixed, std::setprecision(seconds < 10.0 ? 2 : 0), seconds, " s");
}

}  // namespace

ManagerDesk::ManagerDesk(const SweepPlan& plan, RunLog& log, Send send,
                         std::chrono::milliseconds patience_after_fault)
    : plan_(plan),
      log_(log),
      send_(std::move(send)),
      patience_after_fault_(patience_after_fault),
      manager_(static_cast<std::int64_t>(plan.trials.size()), static_cast<int>(plan.groups.size())),
      progress_(epochs_of(plan)),
      start_(Clock::now()),
      next_refresh_(start_),
      give_up_(start_) {}

void ManagerDesk::handle(const Message& message) {
  switch (message.kind) {
    case Message::Kind::kWants:
      return order(message.group, manager_.wants(message.group));
    case Message::Kind::kStarted:
      return order(message.group, manager_.started(message.group, message.trial));
    case Message::Kind::kProgress:
      return progress_.advanced(message.trial, message.epoch, message.samples);
    case Message::Kind::kFinished:
      return finished(message);
    case Message::Kind::kClosed:
      return manager_.closed(message.group);
    default:
      AESWEEP_CHECK(false, "the manager got a message for someone else");
  }
}

Status ManagerDesk::tick() {
  const Clock::time_point now = Clock::now();
  if (!fault_.ok() && now > give_up_ && !done()) return fault_;
  if (now < next_refresh_) return {};
  next_refresh_ = now + (log_.on_terminal() ? Clock::duration(kRefreshTerminal) : kRefreshLog);
  const std::string line = progress_.line(manager_.count(Manager::State::kFinished),
                                          manager_.count(Manager::State::kRunning), seconds());
  if (log_.on_terminal()) {
    log_.progress(line);
  } else if (now - start_ > kRefreshLog / 2) {  // Nothing to say at the very start.
    log_.info(line);
  }
  return {};
}

std::string ManagerDesk::interrupted() {
  log_.clear_progress();
  std::string line =
      text("interrupted; ", manager_.count(Manager::State::kFinished), " of ", manager_.trials(),
           " trials are finished in ", plan_.folder.trials(), ", there is no results.h5");
  log_.file_only(line);
  return line;
}

double ManagerDesk::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void ManagerDesk::order(int group, const std::optional<Manager::Order>& order) {
  if (!order) return;
  Message message;
  message.kind = Message::Kind::kOrder;
  message.group = group;
  message.trial = order->trial.value_or(-1);
  send_(plan_.groups[static_cast<std::size_t>(group)].ranks.front(), message);
}

void ManagerDesk::finished(const Message& message) {
  TrialSummary summary = message.summary;
  if (!message.stored.ok()) {
    summary.outcome = Outcome::kFailed;
    summary.reason = message.stored.message();
  }
  manager_.finished(message.group, message.trial, summary);
  progress_.ended(message.trial, message.samples);
  if (!message.stored.ok()) {
    return fail(message.stored.in(text(trial_name(message.trial), " on ", summary.host)));
  }
  std::string line = text(trial_name(message.trial), ' ', outcome_name(summary.outcome), " in ",
                          seconds_text(summary.seconds));
  for (const auto& [metric, value] : summary.last) {
    if (metric == plan_.experiment.metric) line += text(", ", metric, ' ', value);
  }
  line += text(" (", manager_.count(Manager::State::kFinished), " of ", manager_.trials(), ")");
  if (summary.outcome == Outcome::kCompleted) {
    log_.info(line);
  } else {
    log_.warn(line + ": " + whole_reason(summary));
  }
}

// Each group may finish the trial it runs; none begins another.
void ManagerDesk::fail(Status fault) {
  log_.error(fault.message());
  if (!fault_.ok()) return;
  fault_ = std::move(fault);
  give_up_ = Clock::now() + patience_after_fault_;
  manager_.stop();
  Message stop;
  stop.kind = Message::Kind::kStop;
  for (const Group& group : plan_.groups) send_(group.ranks.front(), stop);
}

std::string ManagerDesk::trial_name(std::int64_t trial) const {
  const SweepTrial& one = plan_.trials[static_cast<std::size_t>(trial)];
  const std::string& label = one.plan->label;
  return text("trial ", one.number, label.empty() ? "" : " (" + label + ")");
}

}  // namespace aesweep
