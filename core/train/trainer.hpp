// Trainer<T>: the working parts of one trial on one rank, wired together: parameters, workspace,
// passes, gradients, updater, step. It trains and evaluates single batches; core/train/trial runs
// whole trials with it, benchmarks and tests run parts of one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/data/dataset.hpp"
#include "core/data/row_feed.hpp"
#include "core/train/metrics.hpp"
#include "core/train/setup.hpp"
#include "core/train/step.hpp"

namespace aesweep {

template <class T>
class Trainer {
 public:
  // Spec, dataset and exchange must outlive it. Not movable: its parts point to each other.
  Trainer(const TrialSpec& spec, const Dataset& dataset, Exchange& exchange, TrialSetup<T> setup);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Before the batches of a split from number `batch` on, each of which will be trained or
  // evaluated once and in order: what a streamed split must be told. `order` must stay as it is
  // until end_batches or the next begin_batches. A split in memory needs none of this.
  void begin_batches(const Split& split, const SplitPlans& plans,
                     std::span<const std::int64_t> order, std::int64_t batch);
  void end_batches() { feed_.reset(); }

  // One step on the batch of `plan` whose samples are order[first, first + plan.rows) of the
  // training split, or of the split that is evaluated. `step` counts finished training steps, or
  // batches of the split in evaluation, which is told the finished training steps apart. `wanted`:
  // see Step::train.
  [[nodiscard]] StepOutcome train_batch(const BatchPlan& plan, std::span<const std::int64_t> order,
                                        std::int64_t first, std::int64_t step, std::int64_t epoch,
                                        SplitSums& sums, std::uint32_t wanted = 0);
  [[nodiscard]] StepOutcome evaluate_batch(const Split& split, const BatchPlan& plan,
                                           std::span<const std::int64_t> order, std::int64_t first,
                                           std::int64_t step, std::int64_t epoch,
                                           std::int64_t train_step, SplitSums& sums);

  // Empties sums, unit counts and flip counts for a new epoch; completes sums after its last batch,
  // or a copy of them at any time, with what all ranks counted.
  void begin_sums(SplitSums& sums);
  void finish_sums(SplitSums& sums);
  // Adds the flips of an epoch's training steps.
  void finish_flips(SplitSums& sums);

  // Waits until this rank's weights are complete.
  void settle() { step_.settle(); }
  // See Step.
  [[nodiscard]] bool fault_pending() { return step_.fault_pending(); }

  [[nodiscard]] const TrialSetup<T>& setup() const { return setup_; }
  [[nodiscard]] const Network<T>& network() const { return setup_.network; }
  [[nodiscard]] Parameters<T>& parameters() { return parameters_; }
  [[nodiscard]] Gradients<T>& gradients() { return gradients_; }
  [[nodiscard]] Updater<T>& updater() { return updater_; }
  [[nodiscard]] Exchange& exchange() { return exchange_; }

 private:
  [[nodiscard]] Status load_rows(const Split& split, std::span<const std::int64_t> order,
                                 std::int64_t first, const BatchPlan& plan);

  const TrialSpec& spec_;
  const Dataset& dataset_;
  Exchange& exchange_;
  TrialSetup<T> setup_;
  Parameters<T> parameters_;
  Workspace<T> workspace_;
  Passes<T> passes_;
  Gradients<T> gradients_;
  Updater<T> updater_;
  Step<T> step_;
  std::optional<RowFeed> feed_;  // Of the present split, if that is streamed.
};

}  // namespace aesweep
