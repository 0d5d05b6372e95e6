// ManagerDesk: the manager's ears and mouth on rank 0. Turns messages into events of a Manager and
// records of the journal, sends orders, watches over limits and over groups that fall silent,
// writes the log and the progress line, and brings the job to its end: results.h5 and the last
// record.
//
// A trial counts as finished, and is said to be, once its record is durable.
//
// Needs no core of its own: rank 0 calls handle() and tick() between the shards of its own trial,
// and when all its groups have ended until done().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/sweep/desk.hpp"
#include "runner/sweep/manager.hpp"
#include "runner/sweep/message.hpp"
#include "runner/sweep/plan.hpp"
#include "runner/sweep/progress.hpp"
#include "runner/sweep/run_ledger.hpp"
#include "runner/sweep/run_log.hpp"

namespace aesweep {

// The exit status of a job that was left to be resumed.
inline constexpr int kResumable = 75;

// A record of a finished attempt as what rank 0 keeps of it, and back.
[[nodiscard]] TrialSummary summary_of(const TrialFinished& finished);
[[nodiscard]] TrialFinished finished_record(std::int64_t number, int attempt,
                                            const TrialSummary& summary, FileRecord file);

class ManagerDesk final : public Desk {
 public:
  using Send = std::function<void(int world_rank, const Message&)>;
  using Clock = std::chrono::steady_clock;

  struct Settings {
    std::vector<std::string> hosts;          // Of each rank of the world.
    std::vector<std::int64_t> suspects{};    // Places of trials that run first, one at a time.
    Clock::time_point start = Clock::now();  // Of the job, for limits.max_time.
    // How long trials may go on after a fault that makes their results useless. Long enough for
    // short trials to end in order, short enough that nobody waits for hours to see the message.
    std::chrono::milliseconds patience_after_fault{10'000};
    // Until live.json is first written: then groups have begun.
    std::chrono::milliseconds live_delay{1'000};
    // Beyond limits.stall: a watchdog on the spot, which knows more, should speak first.
    std::chrono::milliseconds silence_margin{30'000};
  };

  // `plan`, `ledger` and `log` outlive this. Trials that the ledger knows to be done are finished.
  ManagerDesk(const SweepPlan& plan, RunLedger& ledger, RunLog& log, Send send, Settings settings);

  void handle(const Message& message) override;

  // Called often. Gives a fault once the job can only be aborted: groups have not ended for as long
  // as they may after one, a group has fallen silent, or the lease is lost.
  [[nodiscard]] Status tick() override;

  // All groups have closed, and everything is written that is to be.
  [[nodiscard]] bool done() const override { return phase_ == Phase::kEnded; }
  // Of the job, once it is done; as run_sweep returns it.
  [[nodiscard]] int status() const { return exit_status_; }
  // What it ends with; empty if nothing is left to do.
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] const Manager& manager() const { return manager_; }
  // The first fault of the world.
  [[nodiscard]] const Status& fault() const { return fault_; }
  [[nodiscard]] double seconds() const;  // Of the job.

 private:
  enum class Phase { kTraining, kFolding, kResults, kEnding, kEnded };

  struct Running {
    int group = 0;
    Clock::time_point start;
    std::int64_t epoch = 0;
    std::int64_t step = 0;
    std::vector<std::pair<std::string, double>> last{};
  };

  void send_orders(const Manager::Orders& orders);
  void send_to_leaders(Message::Kind kind);
  void started(const Message& message);
  void checkpointed(const Message& message);
  void finished(const Message& message);
  void committed(int group, std::int64_t trial, const TrialSummary& summary, std::int64_t samples);
  void count_failures(const TrialSummary& summary);
  void interrupt(const std::string& by);
  void fail(Status fault);
  void begin_record(int group, std::int64_t trial, std::int64_t step);

  [[nodiscard]] Status silent_group(Clock::time_point now);
  void heed_max_time(Clock::time_point now);
  void send_alive(Clock::time_point now);
  void show_progress(Clock::time_point now);
  void show_live(Clock::time_point now);
  void go_on_ending();
  void end_job(int status, std::string why);
  [[nodiscard]] int finished_status() const;

  [[nodiscard]] std::int64_t number_of(std::int64_t trial) const;
  [[nodiscard]] const TrialRecordState& record_of(std::int64_t trial) const;
  [[nodiscard]] std::string trial_name(std::int64_t trial) const;
  [[nodiscard]] std::string finished_text() const;
  [[nodiscard]] std::string stopped_text() const;
  [[nodiscard]] const std::string& host_of(int group) const;  // Of its leader.

  const SweepPlan& plan_;
  RunLedger& ledger_;
  RunLog& log_;
  Send send_;
  Settings settings_;
  Manager manager_;
  Progress progress_;
  std::map<std::int64_t, Running> running_;  // By place.
  std::int64_t finished_now_ = 0;            // By this job;
  std::int64_t failed_now_ = 0;              // of these, failed.

  Phase phase_ = Phase::kTraining;
  int exit_status_ = 0;
  std::string why_;
  Status fault_;
  std::string interrupted_by_;  // Empty: by nothing.
  std::string stopped_for_;     // Why no other trial was begun; empty: for nothing.

  Clock::time_point next_refresh_;
  Clock::time_point next_alive_;
  Clock::time_point next_live_;
  Clock::time_point next_look_;
  Clock::time_point give_up_;  // Meaningful once there is a fault.
  // Time in which this rank listened, so that one that was itself stopped accuses nobody.
  Clock::time_point last_tick_;
  std::chrono::nanoseconds listened_{0};
  std::vector<std::chrono::nanoseconds> heard_;  // Of each group, last.
};

}  // namespace aesweep
