// Step<T>: one training step or one evaluation batch of a group, and the agreement that ends it.
//
// A training step: forward, loss, backward with the gradients' exchange behind it, then one small
// exchange of status, wishes, losses, norms and penalty values, and only then the update. If any
// rank had a fault, or the loss or a gradient is not finite, nobody updates and every rank learns
// the same reason. Allocates nothing when all goes well.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/train/gradients.hpp"
#include "core/train/metrics.hpp"
#include "core/train/parameters.hpp"
#include "core/train/passes.hpp"
#include "core/train/result.hpp"
#include "core/train/updater.hpp"

namespace aesweep {

struct StepOutcome {
  Outcome outcome = Outcome::kCompleted;
  std::string reason;
  int failed_rank = -1;      // In the group, of the first fault; -1: none, or on all alike.
  std::uint32_t wanted = 0;  // Of a completed training step: the bits that any rank wanted.
};

template <class T>
class Step {
 public:
  // All must outlive it.
  Step(const Network<T>& network, const Partition& partition, std::span<const BatchPlan> plans,
       Parameters<T>& parameters, Passes<T>& passes, Gradients<T>& gradients, Updater<T>& updater,
       Exchange& exchange);

  // The batch's rows must be in the workspace, unless `rows` says why this rank does not have them.
  // Adds the batch to `sums`. `wanted`: bits that this rank asks of the group; what they mean is
  // the caller's business.
  [[nodiscard]] StepOutcome train(const BatchPlan& plan, const aesweep_context& context,
                                  bool has_labels, const Status& rows, SplitSums& sums,
                                  std::uint32_t wanted);
  [[nodiscard]] StepOutcome evaluate(const BatchPlan& plan, const aesweep_context& context,
                                     bool has_labels, const Status& rows, SplitSums& sums);

  // Waits until every rank's weights are complete and nothing is in flight.
  void settle();

  // Whether on any rank the last step's update, which comes after its agreement, had a fault: then
  // the next batch ends the trial. Every rank of the group calls it and gets the same.
  [[nodiscard]] bool fault_pending();

 private:
  void prepare_arrived();
  void prepare(int tensor);
  void note(std::uint64_t order, const std::string& where, const Status& status);
  void finish_gradients();
  void update();
  [[nodiscard]] const StepFault& first_fault() const;
  void set_counts(const BatchPlan& plan, bool training);
  [[nodiscard]] StepOutcome agree(const BatchPlan& plan, bool training);
  [[nodiscard]] StepOutcome shared_fault(std::uint64_t order);
  [[nodiscard]] StepOutcome check_finite(bool training);
  [[nodiscard]] std::string shared_cause();
  [[nodiscard]] std::string shared_gradient(int tensor);
  void accumulate(const BatchPlan& plan, SplitSums& sums) const;

  const Network<T>* network_;
  std::vector<PenaltyTerm> penalty_terms_;
  Parameters<T>* parameters_;
  Passes<T>* passes_;
  Gradients<T>* gradients_;
  Updater<T>* updater_;
  Exchange* exchange_;
  bool replicated_;                  // Every rank owns and updates everything.
  std::vector<int> backward_order_;  // Tensors, as their gradients become complete.
  std::size_t next_tensor_ = 0;      // In backward_order_: the first not yet prepared.
  std::function<void()> between_;
  aesweep_context context_{};
  std::uint64_t wanted_ = 0;  // In the present batch: by this rank, then by any.
  StepFault update_fault_;    // Of the work per weight; apart from the passes' own.

  Buffer<std::byte> mine_;
  Buffer<std::byte> all_;
  std::vector<std::size_t> counts_;  // Bytes that each rank shares.
  Buffer<double> part_sums_;
  Buffer<double> block_values_;
  std::vector<double> sums_;             // Of the batch: BatchSums.
  std::vector<double> tensor_norms_sq_;  // Of the reduced gradient.
  std::vector<double> penalties_;        // Weight penalties.
};

}  // namespace aesweep
