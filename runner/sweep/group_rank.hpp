// GroupRank: one rank's part in a sweep: it trains what its group is given until nothing is left.
//
// The group's leader asks the manager for trials, tells the other members, hands checkpoints and
// finished trials to the writer threads and reports them once they are on the disk. Everything it
// says and hears goes through pump(), which is called whenever this rank waits or is between two
// shards; on rank 0 the manager's desk is served there too.
//
// A rank that is asked to stop, by a signal or by the manager, asks its group to leave the trial
// after the present step. The leader reports the trial as left once its checkpoint is on the disk.
//
// A rank that stands still in a trial is ended by its watchdog. One that only waits is not; but
// where it hears nothing of the manager for limits.stall and some seconds, it ends the job itself.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "runner/comm/mailbox.hpp"
#include "runner/comm/mpi_exchange.hpp"
#include "runner/comm/world.hpp"
#include "runner/sweep/desk.hpp"
#include "runner/sweep/message.hpp"
#include "runner/sweep/plan.hpp"
#include "runner/sweep/resume_point.hpp"
#include "runner/sweep/trial_writer.hpp"
#include "runner/watch/crash_slot.hpp"
#include "runner/watch/watchdog.hpp"

namespace aesweep {

class GroupRank {
 public:
  // Every rank makes one, also those without a group. All arguments outlive this; `desk` is null
  // except on rank 0.
  GroupRank(World& world, Mailbox& mailbox, const SweepPlan& plan, Desk* desk);

  // Returns when the desk is done: all groups have closed and rank 0 has nothing more to write.
  void run();

 private:
  using Clock = std::chrono::steady_clock;
  class Control;
  class LeaderControl;

  void lead();
  void follow();
  [[nodiscard]] std::optional<Message> next_order();
  void train_as_leader(const Message& order);
  [[nodiscard]] ResumePoint read_checkpoints(const Message& order);
  [[nodiscard]] TrialResult train(const Message& order, TrialControl& control,
                                  const TrialState* from);
  void hand_to_writer(const Message& order, TrialResult result, double seconds,
                      const LeaderControl& control);
  void leave(std::int64_t trial);

  [[nodiscard]] const Group& group() const;
  [[nodiscard]] const SweepTrial& trial(std::int64_t place) const;
  [[nodiscard]] bool is_asked_to_leave() const;
  void tell_members(Message::Kind kind, const Message& order);
  void tell_manager(Message message);
  void give_up_what_is_held();

  // Takes all mail and reports written files. True if there was any of either.
  bool pump();
  void receive(const Message& message);
  void note_signal();
  void say_alive();
  // Pumps until ready() holds, and lets the core rest meanwhile.
  template <class Ready>
  void pump_until(Ready&& ready);
  // In such a wait, once per look: ends the job where the manager has long been silent.
  void check_manager();

  World& world_;
  Mailbox& mailbox_;
  const SweepPlan& plan_;
  Desk* desk_;
  int group_ = -1;  // -1: none.
  std::unique_ptr<MpiExchange> exchange_;
  std::unique_ptr<TrialWriter> writer_;  // On leaders.
  std::optional<CrashSlot> slot_;
  std::deque<Message> held_;  // Leader: orders not begun. Member: trials to run.
  bool closing_ = false;      // No trial will be begun beyond those held.
  bool interrupted_ = false;  // Asked to leave the present trial, and to begin none.
  bool told_signal_ = false;
  bool closed_ = false;  // The leader has told the manager so.
  bool over_ = false;
  Clock::time_point last_said_{};               // To the manager.
  Clock::time_point last_look_{};               // In a wait.
  std::chrono::duration<double> unheard_{0.0};  // Time waited without a word of the manager.
  std::optional<Watchdog> watchdog_;            // Last: ends first.
};

}  // namespace aesweep
