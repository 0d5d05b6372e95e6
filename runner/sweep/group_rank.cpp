#include "runner/sweep/group_rank.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <new>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/model/call_trace.hpp"
#include "runner/comm/patience.hpp"
#include "runner/sweep/interrupt.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// Between two reports of one group to the manager.
constexpr auto kProgressInterval = 100ms;

// Finished trials that may wait for the disk before training does.
constexpr int kUnwrittenMax = 8;

int group_of(const std::vector<Group>& groups, int rank) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::vector<int>& ranks = groups[i].ranks;
    if (std::find(ranks.begin(), ranks.end(), rank) != ranks.end()) return static_cast<int>(i);
  }
  return -1;
}

// Each metric's last value.
std::vector<std::pair<std::string, double>> last_values(const TrialResult& result) {
  std::map<std::int32_t, double> last;
  for (const HistoryRow& row : result.history) last[row.metric] = row.value;
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [metric, value] : last) {
    values.emplace_back(result.metrics.at(static_cast<std::size_t>(metric)).name, value);
  }
  return values;
}

std::string out_of_memory(const SweepPlan& plan, const PlannedTrial& trial, int ranks) {
  const Result<TrialEstimate> estimate =
      plan.services.estimate(trial.spec, plan.catalogue, plan.layout, ranks);
  if (!estimate.ok()) return "out of memory";
  return text("out of memory: the plan says ", estimate->memory_bytes_per_rank, " bytes per rank");
}

// While it lives a crash handler names the trial.
class TracedTrial {
 public:
  explicit TracedTrial(std::int64_t number) { call_trace().trial = number; }
  TracedTrial(const TracedTrial&) = delete;
  TracedTrial& operator=(const TracedTrial&) = delete;
  ~TracedTrial() { call_trace() = {}; }
};

}  // namespace

// Tells the manager how far the trial is, not too often.
class GroupRank::Observer final : public TrialControl {
 public:
  Observer(GroupRank& rank, std::int64_t trial) : rank_(rank), trial_(trial) {}
  void epoch_done(const EpochReport& report) override {
    samples_ += report.samples;
    if (Clock::now() < next_) return;
    next_ = Clock::now() + kProgressInterval;
    Message message;
    message.kind = Message::Kind::kProgress;
    message.trial = trial_;
    message.epoch = report.epoch;
    message.samples = samples_;
    rank_.tell_manager(std::move(message));
  }
  [[nodiscard]] std::int64_t samples() const { return samples_; }

 private:
  GroupRank& rank_;
  std::int64_t trial_;
  std::int64_t samples_ = 0;
  Clock::time_point next_ = Clock::now() + kProgressInterval;
};

GroupRank::GroupRank(World& world, Mailbox& mailbox, const SweepPlan& plan, ManagerDesk* desk)
    : world_(world),
      mailbox_(mailbox),
      plan_(plan),
      desk_(desk),
      group_(group_of(plan.groups, world.rank())) {
  if (group_ < 0) return;
  const Group& group = plan.groups[static_cast<std::size_t>(group_)];
  // Only a leader has anything to do between shards.
  const bool leads = group.ranks.front() == world.rank();
  std::function<void()> poll;
  if (leads) poll = [this] { pump(); };
  exchange_ = std::make_unique<MpiExchange>(world, group.ranks, std::move(poll));
  if (leads) writer_ = std::make_unique<TrialWriter>(plan.services.write_trial);
}

void GroupRank::run() {
  if (group_ >= 0) {
    if (writer_) {
      lead();
    } else {
      follow();
    }
  }
  if (desk_ != nullptr) pump_until([this] { return desk_->done(); });
  if (desk_ != nullptr) end_if_interrupted();
}

void GroupRank::lead() {
  while (const std::optional<std::int64_t> trial = next_trial()) train_as_leader(*trial);
  tell_members(Message::Kind::kEnd, -1);
  pump_until([this] { return writer_->open() == 0; });
  Message closed;
  closed.kind = Message::Kind::kClosed;
  tell_manager(closed);
}

void GroupRank::follow() {
  for (;;) {
    pump_until([this] { return !held_.empty() || closing_; });
    if (held_.empty()) return;
    const std::int64_t trial = held_.front();
    held_.pop_front();
    TrialControl nobody;
    static_cast<void>(train(trial, nobody));  // The leader has the same result.
  }
}

std::optional<std::int64_t> GroupRank::next_trial() {
  pump();  // A stop may have come.
  if (held_.empty() && !closing_) {
    Message wants;
    wants.kind = Message::Kind::kWants;
    tell_manager(wants);
    pump_until([this] { return !held_.empty() || closing_; });
  }
  if (held_.empty()) return std::nullopt;
  const std::int64_t trial = held_.front();
  held_.pop_front();
  return trial;
}

void GroupRank::train_as_leader(std::int64_t trial) {
  Message started;
  started.kind = Message::Kind::kStarted;
  started.trial = trial;
  tell_manager(started);
  tell_members(Message::Kind::kRun, trial);

  const Clock::time_point start = Clock::now();
  Observer observer(*this, trial);
  TrialResult result = train(trial, observer);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();

  pump_until([this] { return writer_->open() < kUnwrittenMax; });
  hand_to_writer(trial, std::move(result), seconds, observer.samples());
}

// Alone a rank goes on with its next trial. In a larger group the other members may wait for this
// one in the middle of a step, so the job cannot go on.
TrialResult GroupRank::train(std::int64_t trial, TrialControl& observer) {
  const SweepTrial& one = plan_.trials[static_cast<std::size_t>(trial)];
  TrialResult failed;
  failed.outcome = Outcome::kFailed;
  const TracedTrial traced(one.number);
  try {
    return plan_.services.run_trial(one.plan->spec, plan_.catalogue, plan_.data, *exchange_,
                                    observer);
  } catch (const std::bad_alloc&) {
    failed.reason = out_of_memory(plan_, *one.plan, exchange_->ranks());
  } catch (const std::exception& error) {
    failed.reason = error.what();
  }
  if (exchange_->ranks() == 1) return failed;
  world_.abort(3, text("trial ", one.number, " (", one.plan->label, "): ", failed.reason));
}

void GroupRank::hand_to_writer(std::int64_t trial, TrialResult result, double seconds,
                               std::int64_t samples) {
  const SweepTrial& one = plan_.trials[static_cast<std::size_t>(trial)];
  TrialWriter::Job job;
  job.trial = trial;
  job.path = plan_.folder.trials() + "/" + trial_file_name(one.number, kAttempt);
  job.record.number = one.number;
  job.record.attempt = kAttempt;
  job.record.key = one.key;
  job.record.seed = one.plan->spec.train.seed;
  job.record.label = one.plan->label;
  job.record.config = one.plan->resolved;
  job.record.parameters = one.plan->parameters;
  job.summary.outcome = result.outcome;
  job.summary.reason = result.reason;
  if (result.failed_rank >= 0) {
    const Group& group = plan_.groups[static_cast<std::size_t>(group_)];
    job.summary.failed_rank = group.ranks.at(static_cast<std::size_t>(result.failed_rank));
  }
  job.summary.epochs = result.epochs;
  job.summary.seconds = seconds;
  job.summary.ranks = exchange_->ranks();
  job.summary.host = world_.host();
  job.summary.last = last_values(result);
  job.samples = samples;
  job.result = std::move(result);
  writer_->add(std::move(job));
}

void GroupRank::tell_members(Message::Kind kind, std::int64_t trial) {
  Message message;
  message.kind = kind;
  message.group = group_;
  message.trial = trial;
  for (const int rank : plan_.groups[static_cast<std::size_t>(group_)].ranks) {
    if (rank != world_.rank()) mailbox_.post(rank, encode(message));
  }
}

void GroupRank::tell_manager(Message message) {
  message.group = group_;
  mailbox_.post(0, encode(message));
}

// A launcher that was interrupted gives its ranks a second, and some of them are gone already: so
// nothing is agreed any more. Shells know 128 + the signal's number.
void GroupRank::end_if_interrupted() {
  if (const int signal = noted_interrupt(); signal != 0) {
    world_.abort(128 + signal, desk_->interrupted());
  }
}

bool GroupRank::pump() {
  if (desk_ != nullptr) end_if_interrupted();
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
    while (std::optional<TrialWriter::Written> written = writer_->try_take()) {
      any = true;
      report(std::move(*written));
    }
  }
  if (desk_ != nullptr) {
    const Status overdue = desk_->tick();
    if (!overdue.ok()) world_.abort(3, overdue.message());
  }
  return any;
}

void GroupRank::receive(const Message& message) {
  switch (message.kind) {
    case Message::Kind::kOrder:
      if (message.trial >= 0) {
        held_.push_back(message.trial);
      } else {
        closing_ = true;
      }
      return;
    case Message::Kind::kStop:
      held_.clear();
      closing_ = true;
      return;
    case Message::Kind::kRun:
      held_.push_back(message.trial);
      return;
    case Message::Kind::kEnd:
      closing_ = true;
      return;
    default:
      AESWEEP_CHECK(false, "a group got a message for the manager");
  }
}

void GroupRank::report(TrialWriter::Written written) {
  Message message;
  message.kind = Message::Kind::kFinished;
  message.trial = written.trial;
  message.samples = written.samples;
  message.summary = std::move(written.summary);
  message.stored = std::move(written.status);
  tell_manager(std::move(message));
}

template <class Ready>
void GroupRank::pump_until(Ready&& ready) {
  Patience patience(Patience::Kind::kSaving);
  for (;;) {
    if (pump()) patience.reset();
    if (ready()) return;
    patience.pause();
  }
}

}  // namespace aesweep
