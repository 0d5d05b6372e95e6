// ManagerDesk: the manager's ears and mouth on rank 0. Turns messages into events of a Manager,
// sends its orders, writes the log and the progress line.
//
// Needs no core of its own: rank 0 calls handle() and tick() between the shards of its own trial.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "core/base/status.hpp"
#include "runner/sweep/manager.hpp"
#include "runner/sweep/message.hpp"
#include "runner/sweep/plan.hpp"
#include "runner/sweep/progress.hpp"
#include "runner/sweep/run_log.hpp"

namespace aesweep {

class ManagerDesk {
 public:
  using Send = std::function<void(int world_rank, const Message&)>;

  // How long trials may go on after a fault that makes their results useless. Long enough for short
  // trials to end in order, short enough that nobody waits for hours to see the message.
  static constexpr std::chrono::milliseconds kPatienceAfterFault{10'000};

  // `plan` and `log` outlive this.
  ManagerDesk(const SweepPlan& plan, RunLog& log, Send send,
              std::chrono::milliseconds patience_after_fault = kPatienceAfterFault);

  void handle(const Message& message);

  // Called often: refreshes the progress line. Gives the fault once groups have not ended for as
  // long as they may after one; the job can then only be aborted.
  [[nodiscard]] Status tick();

  // What an interrupted sweep ends with; notes it in the run's log file, not on stderr.
  [[nodiscard]] std::string interrupted();

  [[nodiscard]] bool done() const { return manager_.done(); }
  [[nodiscard]] const Manager& manager() const { return manager_; }
  // The first trial's file that could not be written.
  [[nodiscard]] const Status& fault() const { return fault_; }
  [[nodiscard]] double seconds() const;  // Since construction.

 private:
  using Clock = std::chrono::steady_clock;

  void order(int group, const std::optional<Manager::Order>& order);
  void finished(const Message& message);
  void fail(Status fault);
  [[nodiscard]] std::string trial_name(std::int64_t trial) const;

  const SweepPlan& plan_;
  RunLog& log_;
  Send send_;
  std::chrono::milliseconds patience_after_fault_;
  Manager manager_;
  Progress progress_;
  Status fault_;
  Clock::time_point start_;
  Clock::time_point next_refresh_;
  Clock::time_point give_up_;  // Meaningful once there is a fault.
};

}  // namespace aesweep
