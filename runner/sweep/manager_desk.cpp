#include "runner/sweep/manager_desk.hpp"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "runner/sweep/job_record.hpp"

namespace aesweep {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

// A line rewritten faster than this cannot be read; a log line every few seconds is enough.
constexpr auto kRefreshTerminal = 100ms;
constexpr auto kRefreshLog = 10s;
constexpr auto kRefreshLive = 5s;
constexpr auto kAliveInterval = 3s;

// Silence: how often it is looked for, and how much of the time between two ticks counts. More is
// that of a rank 0 that was stopped itself.
constexpr auto kLookInterval = 1s;
constexpr auto kListenedMax = 10s;

// A failure rate says nothing before so many trials have finished.
constexpr std::int64_t kFinishedForRate = 5;

// What limits.max_time leaves for writing checkpoints, in seconds.
double time_for_checkpoints(double max_time) { return std::min(0.05 * max_time, 30.0); }

std::vector<std::int64_t> epochs_of(const SweepPlan& plan) {
  std::vector<std::int64_t> epochs;
  for (const SweepTrial& trial : plan.trials) epochs.push_back(trial.plan->spec.train.epochs);
  return epochs;
}

std::string seconds_text(double seconds) {
  return text(std::fixed, std::setprecision(seconds < 10.0 ? 2 : 0), seconds, " s");
}

nanoseconds in_time(double seconds) {
  return duration_cast<nanoseconds>(std::chrono::duration<double>(seconds));
}

// "SIGUSR1"
std::string signal_text(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? text("signal ", number) : text("SIG", name);
}

}  // namespace

TrialSummary summary_of(const TrialFinished& finished) {
  TrialSummary summary;
  summary.outcome = finished.outcome;
  summary.reason = finished.reason;
  summary.failed_rank = finished.failed_rank;
  summary.epochs = finished.epochs;
  summary.steps = finished.steps;
  summary.seconds = finished.seconds;
  summary.reproducible = finished.reproducible;
  summary.ranks = finished.ranks;
  summary.host = finished.host;
  summary.last = finished.last;
  return summary;
}

TrialFinished finished_record(std::int64_t number, int attempt, const TrialSummary& summary,
                              FileRecord file) {
  TrialFinished finished;
  finished.number = number;
  finished.attempt = attempt;
  finished.outcome = summary.outcome;
  finished.reason = summary.reason;
  finished.failed_rank = summary.failed_rank;
  finished.epochs = summary.epochs;
  finished.steps = summary.steps;
  finished.seconds = summary.seconds;
  finished.ranks = summary.ranks;
  finished.host = summary.host;
  finished.reproducible = summary.reproducible;
  finished.last = summary.last;
  finished.file = std::move(file);
  return finished;
}

ManagerDesk::ManagerDesk(const SweepPlan& plan, RunLedger& ledger, RunLog& log, Send send,
                         Settings settings)
    : plan_(plan),
      ledger_(ledger),
      log_(log),
      send_(std::move(send)),
      settings_(std::move(settings)),
      manager_(static_cast<std::int64_t>(plan.trials.size()), static_cast<int>(plan.groups.size())),
      progress_(epochs_of(plan)),
      next_refresh_(settings_.start),
      next_alive_(settings_.start),
      next_live_(Clock::now() + settings_.live_delay),
      next_look_(settings_.start),
      give_up_(settings_.start),
      last_tick_(Clock::now()),
      heard_(plan.groups.size(), nanoseconds(0)) {
  for (std::int64_t trial = 0; trial < manager_.trials(); ++trial) {
    const TrialRecordState& record = record_of(trial);
    if (!record.done()) {
      if (!record.checkpoints.empty()) progress_.already(trial, record.checkpoints.back().epochs);
      continue;
    }
    manager_.finished_before(trial, summary_of(record.finished.back().finished));
    progress_.already(trial, plan_.trials[static_cast<std::size_t>(trial)].plan->spec.train.epochs);
  }
  for (const std::int64_t trial : settings_.suspects) manager_.suspect(trial);
}

void ManagerDesk::handle(const Message& message) {
  const auto group = static_cast<std::size_t>(message.group);
  if (group < heard_.size()) heard_[group] = listened_;
  switch (message.kind) {
    case Message::Kind::kWants:
      return send_orders(manager_.wants(message.group));
    case Message::Kind::kStarted:
      return started(message);
    case Message::Kind::kProgress: {
      progress_.advanced(message.trial, message.epoch, message.samples);
      Running& running = running_[message.trial];
      running.epoch = message.epoch;
      running.step = message.step;
      running.last = message.metrics;
      return;
    }
    case Message::Kind::kCheckpointed:
      return checkpointed(message);
    case Message::Kind::kFinished:
      return finished(message);
    case Message::Kind::kLeft:
      running_.erase(message.trial);
      return manager_.left(message.group, message.trial);
    case Message::Kind::kClosed:
      return manager_.closed(message.group);
    case Message::Kind::kWarning:
      return log_.warn(message.text);
    case Message::Kind::kSignal:
      return interrupt(signal_text(message.number));
    case Message::Kind::kAlive:
      return;
    default:
      AESWEEP_CHECK(false, "the manager got a message for someone else");
  }
}

void ManagerDesk::send_orders(const Manager::Orders& orders) {
  for (const auto& [group, trial] : orders) {
    Message message;
    message.kind = Message::Kind::kOrder;
    message.group = group;
    message.trial = trial.value_or(-1);
    if (trial) {
      const TrialRecordState& record = record_of(*trial);
      message.attempt = record.attempt;
      message.checkpoints.assign(record.checkpoints.rbegin(), record.checkpoints.rend());
      // Should it die before it can say that it begins, it must have been named.
      if (manager_.searching()) begin_record(group, *trial, 0);
    }
    send_(plan_.groups[static_cast<std::size_t>(group)].ranks.front(), message);
  }
}

void ManagerDesk::send_to_leaders(Message::Kind kind) {
  Message message;
  message.kind = kind;
  for (const Group& group : plan_.groups) send_(group.ranks.front(), message);
}

void ManagerDesk::begin_record(int group, std::int64_t trial, std::int64_t step) {
  TrialBegun begun;
  begun.number = number_of(trial);
  begun.attempt = record_of(trial).attempt;
  begun.step = step;
  begun.ranks = static_cast<int>(plan_.groups[static_cast<std::size_t>(group)].ranks.size());
  begun.host = host_of(group);
  ledger_.append(begun);
}

void ManagerDesk::started(const Message& message) {
  ledger_.forget_checkpoints_after(number_of(message.trial), message.step);
  const std::vector<CheckpointWritten>& checkpoints = record_of(message.trial).checkpoints;
  begin_record(message.group, message.trial, message.step);
  Running& running = running_[message.trial];
  running.group = message.group;
  running.start = Clock::now();
  running.step = message.step;
  running.epoch = checkpoints.empty() ? 0 : checkpoints.back().epochs;
  progress_.already(message.trial, running.epoch);
  if (message.step > 0) {
    log_.info(text(trial_name(message.trial), " goes on at step ", message.step, ", epoch ",
                   running.epoch));
  }
  send_orders(manager_.started(message.group, message.trial));
}

void ManagerDesk::checkpointed(const Message& message) {
  if (message.stored.ok()) return ledger_.append(message.checkpoint);
  fail(message.stored.in(trial_name(message.trial)));
}

void ManagerDesk::finished(const Message& message) {
  TrialSummary summary = message.summary;
  if (!message.stored.ok()) {
    summary.outcome = Outcome::kFailed;
    summary.reason = message.stored.message();
    running_.erase(message.trial);
    send_orders(manager_.finished(message.group, message.trial, summary));
    return fail(message.stored.in(text(trial_name(message.trial), " on ", summary.host)));
  }
  const TrialFinished record = finished_record(
      number_of(message.trial), record_of(message.trial).attempt, summary, message.file);
  ledger_.append(record,
                 [this, group = message.group, trial = message.trial, samples = message.samples,
                  summary = std::move(summary)] { committed(group, trial, summary, samples); });
}

// The trial is on the disk, and so is the word of it.
void ManagerDesk::committed(int group, std::int64_t trial, const TrialSummary& summary,
                            std::int64_t samples) {
  running_.erase(trial);
  progress_.ended(trial, samples);
  const Manager::Orders orders = manager_.finished(group, trial, summary);
  std::string line = text(trial_name(trial), ' ', outcome_name(summary.outcome), " in ",
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
  count_failures(summary);
  if (!manager_.stopped()) send_orders(orders);
}

void ManagerDesk::count_failures(const TrialSummary& summary) {
  ++finished_now_;
  if (summary.outcome == Outcome::kFailed) ++failed_now_;
  const double limit = plan_.experiment.limits.max_failure_rate;
  const double rate = static_cast<double>(failed_now_) / static_cast<double>(finished_now_);
  if (limit <= 0.0 || finished_now_ < kFinishedForRate || rate <= limit) return;
  if (manager_.stopped()) return;
  stopped_for_ = text("limits.max_failure_rate: ", failed_now_, " of the ", finished_now_,
                      " trials of this job failed, more than ", limit);
  log_.error(stopped_for_ + "; no other is begun");
  ledger_.stop_refreshing();
  manager_.stop();
  send_to_leaders(Message::Kind::kStop);
}

void ManagerDesk::interrupt(const std::string& by) {
  if (!interrupted_by_.empty() || phase_ != Phase::kTraining) return;
  interrupted_by_ = by;
  log_.warn(text(by, ": running trials are left with a checkpoint"));
  ledger_.stop_refreshing();
  manager_.stop();
  send_to_leaders(Message::Kind::kInterrupt);
}

// Each group may finish the trial it runs; none begins another.
void ManagerDesk::fail(Status fault) {
  log_.error(fault.message());
  if (!fault_.ok()) return;
  fault_ = std::move(fault);
  give_up_ = Clock::now() + settings_.patience_after_fault;
  ledger_.stop_refreshing();
  manager_.stop();
  send_to_leaders(Message::Kind::kStop);
}

Status ManagerDesk::tick() {
  const Status ledger = ledger_.tick();
  if (ledger_.lost()) return ledger;
  if (!ledger.ok() && fault_.ok()) fail(ledger);
  const Clock::time_point now = Clock::now();
  if (!fault_.ok() && now > give_up_ && !manager_.done()) return fault_;
  AESWEEP_RETURN_IF_ERROR(silent_group(now));
  heed_max_time(now);
  send_alive(now);
  show_progress(now);
  show_live(now);
  if (manager_.done()) go_on_ending();
  return {};
}

Status ManagerDesk::silent_group(Clock::time_point now) {
  // What came since the last tick may not be read yet, so that time counts from the next one on.
  const nanoseconds listened = listened_;
  listened_ += std::min<nanoseconds>(now - std::exchange(last_tick_, now), kListenedMax);
  if (plan_.experiment.limits.stall <= 0.0 || now < next_look_) return {};
  next_look_ = now + kLookInterval;
  const nanoseconds limit = in_time(plan_.experiment.limits.stall) + settings_.silence_margin;
  for (std::size_t i = 0; i < heard_.size(); ++i) {
    if (listened - heard_[i] <= limit || manager_.closed_group(static_cast<int>(i))) continue;
    std::string doing = "without a trial";
    for (const auto& [trial, running] : running_) {
      if (running.group != static_cast<int>(i)) continue;
      doing = text("in ", trial_name(trial));
      if (running.step > 0) doing += text(", epoch ", running.epoch, ", step ", running.step);
    }
    const std::vector<int>& ranks = plan_.groups[i].ranks;
    return Status::world(
        text("nothing was heard of rank ", ranks.front(), " on ", host_of(static_cast<int>(i)),
             ranks.size() == 1 ? "" : text(" (it leads ", ranks.size(), " ranks)"), " for ",
             std::chrono::duration_cast<std::chrono::seconds>(listened - heard_[i]).count(), " s, ",
             doing,
             ": its node, its process or the network to it is gone; the job ends; go on with "
             "--resume"));
  }
  return {};
}

void ManagerDesk::heed_max_time(Clock::time_point now) {
  const double limit = plan_.experiment.limits.max_time;
  if (limit <= 0.0 || !interrupted_by_.empty() || manager_.done()) return;
  if (now - settings_.start < in_time(limit - time_for_checkpoints(limit))) return;
  interrupt("limits.max_time");
}

void ManagerDesk::send_alive(Clock::time_point now) {
  if (now < next_alive_) return;
  next_alive_ = now + kAliveInterval;
  Message alive;
  alive.kind = Message::Kind::kManagerAlive;
  for (std::size_t rank = 0; rank < settings_.hosts.size(); ++rank) {
    send_(static_cast<int>(rank), alive);
  }
}

void ManagerDesk::show_progress(Clock::time_point now) {
  if (now < next_refresh_ || manager_.done()) return;
  next_refresh_ = now + (log_.on_terminal() ? Clock::duration(kRefreshTerminal) : kRefreshLog);
  const std::string line = progress_.line(manager_.count(Manager::State::kFinished),
                                          manager_.count(Manager::State::kRunning), seconds());
  if (log_.on_terminal()) {
    log_.progress(line);
  } else if (now - settings_.start > kRefreshLog / 2) {  // Nothing to say at the very start.
    log_.info(line);
  }
}

void ManagerDesk::show_live(Clock::time_point now) {
  if (now < next_live_ || phase_ != Phase::kTraining) return;
  next_live_ = now + kRefreshLive;
  LiveState live;
  live.utc = utc_now();
  live.seconds = seconds();
  live.samples_per_second = progress_.samples_per_second(live.seconds);
  live.seconds_left = progress_.seconds_left(live.seconds);
  live.epochs_done = progress_.epochs_done();
  live.epochs_total = progress_.epochs_planned();
  for (const auto& [place, running] : running_) {
    const SweepTrial& trial = plan_.trials[static_cast<std::size_t>(place)];
    const Group& group = plan_.groups[static_cast<std::size_t>(running.group)];
    LiveTrial& one = live.trials.emplace_back();
    one.number = trial.number;
    one.attempt = record_of(place).attempt;
    one.label = trial.plan->label;
    one.ranks = static_cast<int>(group.ranks.size());
    one.host = host_of(running.group);
    one.epoch = running.epoch;
    one.epochs = trial.plan->spec.train.epochs;
    one.step = running.step;
    one.seconds = std::chrono::duration<double>(now - running.start).count();
    one.last = running.last;
  }
  std::sort(live.trials.begin(), live.trials.end(),
            [](const LiveTrial& a, const LiveTrial& b) { return a.number < b.number; });
  ledger_.write_live(live);
}

// All groups have closed. One step after the other, each once what came before it is settled.
void ManagerDesk::go_on_ending() {
  if (!ledger_.settled()) return;
  const std::int64_t left = manager_.trials() - manager_.count(Manager::State::kFinished);
  switch (phase_) {
    case Phase::kTraining:
      ledger_.stop_refreshing();
      ledger_.remove_live();
      if (!fault_.ok()) return end_job(static_cast<int>(fault_.fault()), fault_.message());
      if (!interrupted_by_.empty() && left > 0) {
        return end_job(kResumable, text("interrupted (", interrupted_by_, ")"));
      }
      ledger_.fold_leftovers();
      phase_ = Phase::kFolding;
      return;
    case Phase::kFolding:
      phase_ = Phase::kResults;
      ledger_.write_results([this](const Status& written) {
        if (written.ok()) return end_job(finished_status(), stopped_text());
        fail(written);
        end_job(static_cast<int>(written.fault()), written.message());
      });
      return;
    case Phase::kResults:  // Only a fault keeps its answer away.
      return end_job(static_cast<int>(Fault::kWorld), fault_.message());
    case Phase::kEnding:
      phase_ = Phase::kEnded;
      if (!fault_.ok()) exit_status_ = static_cast<int>(fault_.fault());
      return;
    case Phase::kEnded:
      return;
  }
}

void ManagerDesk::end_job(int status, std::string why) {
  phase_ = Phase::kEnding;
  exit_status_ = status;
  why_ = std::move(why);
  if (status == kResumable) why_ += ": " + finished_text() + "; go on with --resume";
  // Settled, and so kEnding over, only when it is durable.
  ledger_.append(JobEnded{utc_now(), status, seconds(), why_}, [] {});
}

int ManagerDesk::finished_status() const {
  if (!stopped_for_.empty()) return 1;
  for (std::int64_t trial = 0; trial < manager_.trials(); ++trial) {
    if (manager_.summary(trial).outcome == Outcome::kFailed) return 1;
  }
  return 0;
}

double ManagerDesk::seconds() const {
  return std::chrono::duration<double>(Clock::now() - settings_.start).count();
}

std::int64_t ManagerDesk::number_of(std::int64_t trial) const {
  return plan_.trials[static_cast<std::size_t>(trial)].number;
}

const TrialRecordState& ManagerDesk::record_of(std::int64_t trial) const {
  return ledger_.state().trials[static_cast<std::size_t>(number_of(trial))];
}

const std::string& ManagerDesk::host_of(int group) const {
  const int leader = plan_.groups[static_cast<std::size_t>(group)].ranks.front();
  return settings_.hosts.at(static_cast<std::size_t>(leader));
}

std::string ManagerDesk::trial_name(std::int64_t trial) const {
  const SweepTrial& one = plan_.trials[static_cast<std::size_t>(trial)];
  const std::string& label = one.plan->label;
  return text("trial ", one.number, label.empty() ? "" : " (" + label + ")");
}

// Empty if nothing kept trials from being begun.
std::string ManagerDesk::stopped_text() const {
  const std::int64_t left = manager_.trials() - manager_.count(Manager::State::kFinished);
  if (stopped_for_.empty() || left == 0) return stopped_for_;
  return text(stopped_for_, "; ", left, left == 1 ? " trial was" : " trials were",
              " not begun: --resume runs ", left == 1 ? "it" : "them");
}

std::string ManagerDesk::finished_text() const {
  return text(manager_.count(Manager::State::kFinished), " of ", manager_.trials(),
              manager_.trials() == 1 ? " trial finished" : " trials finished");
}

}  // namespace aesweep
