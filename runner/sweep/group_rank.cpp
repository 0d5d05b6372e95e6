#include "runner/sweep/group_rank.hpp"

#include <algorithm>
#include <exception>
#include <future>
#include <map>
#include <new>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/model/call_trace.hpp"
#include "runner/comm/last_communication.hpp"
#include "runner/comm/patience.hpp"
#include "runner/sweep/interrupt.hpp"
#include "runner/sweep/trial_course.hpp"
#include "runner/watch/host_threads.hpp"

namespace aesweep {
namespace {

using namespace std::chrono_literals;

// Between two reports of a group to the manager.
constexpr auto kReportInterval = 2s;

// Of a wait in which nothing is heard, beyond limits.stall: the manager's own watchdog, which knows
// more, comes first. And how much of it one look may count: a rank that was stopped and continued
// is not to blame the manager.
constexpr std::chrono::duration<double> kSilenceBeyondStall = 15s;
constexpr std::chrono::duration<double> kLookMax = 1s;

// Jobs that may wait for the disk before training does.
constexpr int kUnwrittenMax = 8;

int group_of(const std::vector<Group>& groups, int rank) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::vector<int>& ranks = groups[i].ranks;
    if (std::find(ranks.begin(), ranks.end(), rank) != ranks.end()) return static_cast<int>(i);
  }
  return -1;
}

// Each metric's last value.
std::vector<std::pair<std::string, double>> last_values(std::span<const MetricInfo> metrics,
                                                        std::span<const HistoryRow> history) {
  std::map<std::int32_t, double> last;
  for (const HistoryRow& row : history) last[row.metric] = row.value;
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [metric, value] : last) {
    AESWEEP_CHECK(static_cast<std::size_t>(metric) < metrics.size(), "a row without a metric");
    values.emplace_back(metrics[static_cast<std::size_t>(metric)].name, value);
  }
  return values;
}

std::string out_of_memory(const SweepPlan& plan, const PlannedTrial& trial, int ranks) {
  const Result<TrialEstimate> estimate =
      plan.services.estimate(trial.spec, plan.catalogue, plan.layout, ranks);
  if (!estimate.ok()) return "out of memory";
  return text("out of memory: the plan says ", estimate->memory_bytes_per_rank, " bytes per rank");
}

// Whether the trial's bits are a function of its key and the fingerprint.
bool is_reproducible(const SweepPlan& plan, const SweepTrial& trial) {
  if (plan.mixed_nodes || !trial.plan->spec.train.reproducible) return false;
  const std::vector<const CatalogueEntry*> used = used_components(trial.plan->spec, plan.catalogue);
  return std::none_of(used.begin(), used.end(), [&plan](const CatalogueEntry* entry) {
    return !entry->library->builtin && plan.impure.contains(entry->library->id);
  });
}

// While it lives a crash handler, and whoever looks after a crash, can name the trial.
class TracedTrial {
 public:
  TracedTrial(CrashSlot* slot, std::int64_t number, int attempt) : slot_(slot) {
    call_trace().trial = number;
    if (slot_ != nullptr) slot_->set_trial(number, attempt);
  }
  TracedTrial(const TracedTrial&) = delete;
  TracedTrial& operator=(const TracedTrial&) = delete;
  ~TracedTrial() {
    call_trace() = {};
    if (slot_ != nullptr) slot_->set_trial(-1, 1);
  }

 private:
  CrashSlot* slot_;
};

}  // namespace

// What every member of a group may ask for.
class GroupRank::Control : public TrialControl {
 public:
  explicit Control(GroupRank& rank) : rank_(rank) {}
  std::uint32_t wanted(const StepReport&) override {
    if (!rank_.is_asked_to_leave()) return kControlGoOn;
    return kControlInterrupt | kControlCheckpoint;
  }

 protected:
  GroupRank& rank_;
};

// The leader's: decides on checkpoints and the time limit, tells the manager how far the trial is.
class GroupRank::LeaderControl final : public Control {
 public:
  LeaderControl(GroupRank& rank, const Message& order, const ResumePoint& from)
      : Control(rank),
        order_(order),
        trial_(rank.trial(order.trial)),
        course_(rank.plan_.experiment.checkpoint, rank.plan_.experiment.limits.max_trial_time,
                trial_.plan->spec.train.epochs, from.seconds, Clock::now()),
        reproducible_(from.reproducible && is_reproducible(rank.plan_, trial_)),
        batches_before_(from.state ? from.state->batches : 0),
        next_report_(Clock::now() + kReportInterval) {}

  std::uint32_t wanted(const StepReport& report) override {
    const Clock::time_point now = Clock::now();
    step_ = report.steps;
    if (now >= next_report_) {
      const std::int64_t batches = report.batches - 1 - batches_before_;
      say_progress(report.epochs, report.steps - 1,
                   samples_ + batches * trial_.plan->spec.train.batch_rows);
    }
    std::uint32_t bits = Control::wanted(report);
    if (course_.is_out_of_time(report, now)) bits |= kControlPrune;
    if (course_.checkpoint_due(report, now) && is_free_for_checkpoint()) bits |= kControlCheckpoint;
    return bits;
  }

  // Where a rank asked to leave, another one may still be in writing: they are reported in order.
  void checkpoint(TrialState state) override {
    const Clock::time_point now = Clock::now();
    rank_.pump_until([this] { return rank_.writer_->open_checkpoints() == 0; });
    course_.checkpointed(now);
    TrialWriter::Job job;
    job.report.kind = Message::Kind::kCheckpointed;
    job.report.trial = order_.trial;
    job.report.attempt = order_.attempt;
    CheckpointWritten& written = job.report.checkpoint;
    written.number = trial_.number;
    written.attempt = order_.attempt;
    written.step = state.steps;
    written.epochs = state.epochs;
    written.seconds = course_.seconds(now);
    written.numeric_fingerprint = rank_.plan_.numeric_fingerprint;
    written.reproducible = reproducible_;
    written.file.name = checkpoint_file(trial_.number, order_.attempt, state.steps);
    job.path = rank_.plan_.folder.file(written.file.name);
    job.content = CheckpointRecord{trial_.number, trial_.key, rank_.plan_.numeric_fingerprint,
                                   std::move(state)};
    rank_.writer_->add(std::move(job));
  }

  std::string prune_reason() override { return course_.out_of_time_text(step_); }

  void epoch_done(const EpochReport& report) override {
    samples_ += report.samples;
    batches_before_ = 0;
    metrics_ = last_values(report.metrics, report.rows);
    if (Clock::now() >= next_report_) say_progress(report.epoch, step_, samples_);
  }

  [[nodiscard]] std::int64_t samples() const { return samples_; }
  [[nodiscard]] double seconds() const { return course_.seconds(Clock::now()); }
  [[nodiscard]] bool reproducible() const { return reproducible_; }

 private:
  // One snapshot at a time is in memory, unless a rank asks the trial to be left. Steps and epochs
  // would be missed while one is in writing, so training waits for it; but not for long: the other
  // members are in the step, where nothing tells their watchdogs that it is only a slow disk.
  // Seconds go on by themselves.
  [[nodiscard]] bool is_free_for_checkpoint() {
    const auto is_free = [this] { return rank_.writer_->open_checkpoints() == 0; };
    const RunLimits& limits = rank_.plan_.experiment.limits;
    const bool counts_seconds =
        rank_.plan_.experiment.checkpoint.unit == CheckpointSpec::Every::kSeconds;
    if (!counts_seconds && !disk_is_slow_) {
      const double seconds = limits.stall > 0.0 ? std::min(10.0, limits.stall / 4) : 10.0;
      const auto end = Clock::now() + std::chrono::duration<double>(seconds);
      rank_.pump_until([&] { return is_free() || Clock::now() > end; });
    }
    disk_is_slow_ = !is_free();
    return !disk_is_slow_;
  }

  void say_progress(std::int64_t epochs, std::int64_t steps, std::int64_t samples) {
    next_report_ = Clock::now() + kReportInterval;
    Message message;
    message.kind = Message::Kind::kProgress;
    message.trial = order_.trial;
    message.attempt = order_.attempt;
    message.epoch = epochs;
    message.step = steps;
    message.samples = samples;
    message.metrics = metrics_;
    rank_.tell_manager(std::move(message));
  }

  const Message& order_;
  const SweepTrial& trial_;
  TrialCourse course_;
  bool reproducible_;
  std::int64_t batches_before_;  // Of the present epoch, trained by an earlier job.
  std::int64_t step_ = 0;
  std::int64_t samples_ = 0;                             // Of finished epochs, by this job.
  std::vector<std::pair<std::string, double>> metrics_;  // Of the last of them.
  bool disk_is_slow_ = false;  // Waited in vain for the checkpoint in writing.
  Clock::time_point next_report_;
};

GroupRank::GroupRank(World& world, Mailbox& mailbox, const SweepPlan& plan, Desk* desk)
    : world_(world),
      mailbox_(mailbox),
      plan_(plan),
      desk_(desk),
      group_(group_of(plan.groups, world.rank())),
      last_said_(Clock::now()) {
  if (group_ >= 0) {
    exchange_ = std::make_unique<MpiExchange>(world, group().ranks, [this] { pump(); });
    if (group().ranks.front() == world.rank()) {
      writer_ = std::make_unique<TrialWriter>(plan.services);
    }
  }
  Result<CrashSlot> slot = CrashSlot::create(plan.folder.crash(), world.rank());
  if (!slot.ok()) world.abort(3, slot.status().message());
  slot_.emplace(std::move(slot).value());
  slot_->arm();
  Watchdog::Options options;
  options.rank = world.rank();
  options.host = world.host();
  options.stall = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(plan.experiment.limits.stall));
  options.communication = add_last_communication;
  watchdog_.emplace(std::move(options));
}

void GroupRank::run() {
  mark_host_threads();
  if (group_ >= 0) {
    if (writer_) {
      lead();
    } else {
      follow();
    }
  }
  pump_until([this] { return desk_ != nullptr ? desk_->done() : over_; });
  if (desk_ == nullptr) return;
  Message over;
  over.kind = Message::Kind::kOver;
  for (int rank = 1; rank < world_.ranks(); ++rank) mailbox_.post(rank, encode(over));
}

void GroupRank::lead() {
  while (const std::optional<Message> order = next_order()) train_as_leader(*order);
  tell_members(Message::Kind::kEnd, {});
  pump_until([this] { return writer_->open() == 0; });
  Message closed;
  closed.kind = Message::Kind::kClosed;
  tell_manager(std::move(closed));
  closed_ = true;
}

void GroupRank::follow() {
  for (;;) {
    pump_until([this] { return !held_.empty() || closing_; });
    if (held_.empty()) return;
    const Message order = std::move(held_.front());
    held_.pop_front();
    Control control(*this);
    static_cast<void>(train(order, control, nullptr));  // The leader has the same result.
  }
}

std::optional<Message> GroupRank::next_order() {
  pump();  // A stop may have come.
  if (held_.empty() && !closing_) {
    Message wants;
    wants.kind = Message::Kind::kWants;
    tell_manager(std::move(wants));
    pump_until([this] { return !held_.empty() || closing_; });
  }
  if (held_.empty()) return std::nullopt;
  std::optional<Message> order = std::move(held_.front());
  held_.pop_front();
  return order;
}

void GroupRank::train_as_leader(const Message& order) {
  const ResumePoint from = read_checkpoints(order);
  if (interrupted_ || !from.fault.ok()) return;  // Given up like those held.
  Message started;
  started.kind = Message::Kind::kStarted;
  started.trial = order.trial;
  started.attempt = order.attempt;
  started.step = from.state ? from.state->steps : 0;
  tell_manager(std::move(started));
  tell_members(Message::Kind::kRun, order);

  LeaderControl control(*this, order, from);
  TrialResult result = train(order, control, from.state ? &*from.state : nullptr);
  const double seconds = control.seconds();
  // The manager hears of all checkpoints before it hears of the trial's end.
  pump_until([this] { return writer_->open_checkpoints() == 0; });
  if (result.outcome == Outcome::kInterrupted) return leave(order.trial);
  pump_until([this] { return writer_->open() < kUnwrittenMax; });
  hand_to_writer(order, std::move(result), seconds, control);
}

// On a thread, for a large one takes long and others are served meanwhile. Neither a thread nor
// memory need be there.
ResumePoint GroupRank::read_checkpoints(const Message& order) {
  if (order.checkpoints.empty()) return {};
  ResumePoint point;
  try {
    std::future<ResumePoint> reading = std::async(std::launch::async, [&] {
      return find_resume_point(plan_, trial(order.trial), order.checkpoints);
    });
    pump_until([&] { return reading.wait_for(0s) == std::future_status::ready; });
    point = reading.get();
  } catch (const std::exception& error) {
    world_.abort(3, text("trial ", trial(order.trial).number, ": cannot read its checkpoints: ",
                         error.what(), "; the job ends and can be resumed"));
  }
  for (const std::string& line : point.warnings) {
    Message warning;
    warning.kind = Message::Kind::kWarning;
    warning.trial = order.trial;
    warning.text = line;
    tell_manager(std::move(warning));
  }
  if (!point.fault.ok()) {  // Ends the job.
    Message fault;
    fault.kind = Message::Kind::kCheckpointed;
    fault.trial = order.trial;
    fault.stored = point.fault;
    tell_manager(std::move(fault));
  }
  return point;
}

// Alone a rank goes on with its next trial. In a larger group the other members may wait for this
// one in the middle of a step, so the job cannot go on.
TrialResult GroupRank::train(const Message& order, TrialControl& control, const TrialState* from) {
  const SweepTrial& one = trial(order.trial);
  TrialResult failed;
  failed.outcome = Outcome::kFailed;
  const TracedTrial traced(slot_ ? &*slot_ : nullptr, one.number, order.attempt);
  try {
    return plan_.services.run_trial(one.plan->spec, plan_.catalogue, plan_.data, *exchange_,
                                    control, from);
  } catch (const std::bad_alloc&) {
    failed.reason = out_of_memory(plan_, *one.plan, exchange_->ranks());
  } catch (const std::exception& error) {
    failed.reason = error.what();
  }
  if (exchange_->ranks() == 1) return failed;
  world_.abort(3, text("trial ", one.number, " (", one.plan->label, "): ", failed.reason));
}

void GroupRank::hand_to_writer(const Message& order, TrialResult result, double seconds,
                               const LeaderControl& control) {
  const SweepTrial& one = trial(order.trial);
  TrialWriter::FinishedTrial finished;
  finished.record.number = one.number;
  finished.record.attempt = order.attempt;
  finished.record.key = one.key;
  finished.record.seed = one.plan->spec.train.seed;
  finished.record.label = one.plan->label;
  finished.record.config = one.plan->resolved;
  finished.record.parameters = one.plan->parameters;

  TrialWriter::Job job;
  job.report.kind = Message::Kind::kFinished;
  job.report.trial = order.trial;
  job.report.attempt = order.attempt;
  job.report.samples = control.samples();
  job.report.file.name = trial_file(one.number, order.attempt);
  job.path = plan_.folder.file(job.report.file.name);
  TrialSummary& summary = job.report.summary;
  summary.outcome = result.outcome;
  summary.reason = result.reason;
  if (result.failed_rank >= 0) {
    summary.failed_rank = group().ranks.at(static_cast<std::size_t>(result.failed_rank));
  }
  summary.epochs = result.epochs;
  summary.steps = result.steps;
  summary.seconds = seconds;
  // Where a clock ended it, another run may end it elsewhere.
  summary.reproducible = control.reproducible() && result.outcome != Outcome::kPruned;
  summary.ranks = exchange_->ranks();
  summary.host = world_.host();
  summary.last = last_values(result.metrics, result.history);
  finished.result = std::move(result);
  job.content = std::move(finished);
  writer_->add(std::move(job));
}

// It may be another member that was asked to stop. The manager learns that from it, and tells this
// group; until then it would take the group's end for a mistake.
void GroupRank::leave(std::int64_t trial) {
  pump_until([this] { return interrupted_; });
  Message left;
  left.kind = Message::Kind::kLeft;
  left.trial = trial;
  tell_manager(std::move(left));
}

const Group& GroupRank::group() const { return plan_.groups[static_cast<std::size_t>(group_)]; }

const SweepTrial& GroupRank::trial(std::int64_t place) const {
  return plan_.trials[static_cast<std::size_t>(place)];
}

bool GroupRank::is_asked_to_leave() const { return interrupted_ || noted_interrupt() != 0; }

void GroupRank::tell_members(Message::Kind kind, const Message& order) {
  Message message;
  message.kind = kind;
  message.group = group_;
  message.trial = order.trial;
  message.attempt = order.attempt;
  for (const int rank : group().ranks) {
    if (rank != world_.rank()) mailbox_.post(rank, encode(message));
  }
}

void GroupRank::tell_manager(Message message) {
  message.group = group_;
  mailbox_.post(0, encode(message));
  last_said_ = Clock::now();
}

bool GroupRank::pump() {
  note_signal();
  bool any = false;
  while (const std::optional<Mail> mail = mailbox_.try_take()) {
    any = true;
    const Message message = decode(mail->bytes);
    if (for_manager(message.kind)) {
      AESWEEP_CHECK(desk_ != nullptr, "a message for the manager came to another rank");
      desk_->handle(message);
    } else {
      receive(message);
    }
  }
  if (writer_) {
    while (std::optional<Message> report = writer_->try_take()) {
      any = true;
      tell_manager(std::move(*report));
    }
    say_alive();
  }
  if (desk_ != nullptr) {
    const Status overdue = desk_->tick();
    if (!overdue.ok()) world_.abort(3, overdue.message());
  }
  return any;
}

void GroupRank::receive(const Message& message) {
  unheard_ = {};
  switch (message.kind) {
    case Message::Kind::kOrder:
      if (message.trial < 0) {
        closing_ = true;
      } else if (!interrupted_) {
        held_.push_back(message);
      }
      return;
    case Message::Kind::kStop:
      return give_up_what_is_held();
    case Message::Kind::kInterrupt:
      interrupted_ = true;
      return give_up_what_is_held();
    case Message::Kind::kRun:
      held_.push_back(message);
      return;
    case Message::Kind::kEnd:
      closing_ = true;
      return;
    case Message::Kind::kManagerAlive:
      return;
    case Message::Kind::kOver:
      over_ = true;
      return;
    default:
      AESWEEP_CHECK(false, "a group got a message for the manager");
  }
}

void GroupRank::give_up_what_is_held() {
  held_.clear();
  closing_ = true;
}

// Members of a group leave it to their leader what is begun: they must follow it.
void GroupRank::note_signal() {
  const int signal = noted_interrupt();
  if (signal == 0 || told_signal_) return;
  told_signal_ = true;
  Message message;
  message.kind = Message::Kind::kSignal;
  message.number = signal;
  tell_manager(std::move(message));
  if (!writer_) return;
  interrupted_ = true;
  give_up_what_is_held();
}

void GroupRank::say_alive() {
  if (closed_ || Clock::now() - last_said_ < kReportInterval) return;
  Message message;
  message.kind = Message::Kind::kAlive;
  tell_manager(std::move(message));
}

template <class Ready>
void GroupRank::pump_until(Ready&& ready) {
  Patience patience(Patience::Kind::kSaving);
  last_look_ = Clock::now();
  for (;;) {
    if (pump()) patience.reset();
    if (ready()) return;
    watchdog_->tick();
    check_manager();
    patience.pause();
  }
}

void GroupRank::check_manager() {
  const Clock::time_point now = Clock::now();
  unheard_ += std::min<std::chrono::duration<double>>(now - last_look_, kLookMax);
  last_look_ = now;
  const double stall = plan_.experiment.limits.stall;
  if (desk_ != nullptr || stall <= 0.0) return;
  if (unheard_.count() < stall + kSilenceBeyondStall.count()) return;
  world_.abort(3, text("heard nothing of the manager on rank 0 for ",
                       static_cast<std::int64_t>(unheard_.count()), " s; the job ends"));
}

}  // namespace aesweep
