// GroupRank: one rank's part in a sweep: it trains what its group is given until nothing is left.
//
// The group's leader asks the manager for trials, tells the other members, hands finished ones to
// the writer threads and reports them once they are on the disk. Everything it says and hears goes
// through pump(), which is called whenever this rank waits or is between two shards; on rank 0 the
// manager's desk is served there too.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "runner/comm/mailbox.hpp"
#include "runner/comm/mpi_exchange.hpp"
#include "runner/comm/world.hpp"
#include "runner/sweep/manager_desk.hpp"
#include "runner/sweep/message.hpp"
#include "runner/sweep/plan.hpp"
#include "runner/sweep/trial_writer.hpp"

namespace aesweep {

class GroupRank {
 public:
  // Every rank makes one, also those without a group. All arguments outlive this; `desk` is null
  // except on rank 0.
  GroupRank(World& world, Mailbox& mailbox, const SweepPlan& plan, ManagerDesk* desk);

  // Returns when this rank has nothing more to do; on rank 0 when every group has ended.
  void run();

 private:
  class Observer;

  void lead();
  void follow();
  [[nodiscard]] std::optional<std::int64_t> next_trial();
  void train_as_leader(std::int64_t trial);
  [[nodiscard]] TrialResult train(std::int64_t trial, TrialControl& observer);
  void hand_to_writer(std::int64_t trial, TrialResult result, double seconds, std::int64_t samples);
  void tell_members(Message::Kind kind, std::int64_t trial);
  void tell_manager(Message message);

  // On rank 0.
  void end_if_interrupted();
  // Takes all mail and reports written files. True if there was any of either.
  bool pump();
  void receive(const Message& message);
  void report(TrialWriter::Written written);
  // Pumps until ready() holds, and lets the core rest meanwhile.
  template <class Ready>
  void pump_until(Ready&& ready);

  World& world_;
  Mailbox& mailbox_;
  const SweepPlan& plan_;
  ManagerDesk* desk_;
  int group_ = -1;  // -1: none.
  std::unique_ptr<MpiExchange> exchange_;
  std::unique_ptr<TrialWriter> writer_;  // On leaders.
  std::deque<std::int64_t> held_;        // Leader: trials given and not begun. Member: to run.
  bool closing_ = false;                 // No trial will be begun beyond those held.
};

}  // namespace aesweep
