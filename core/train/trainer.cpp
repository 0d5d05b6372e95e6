#include "core/train/trainer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/check.hpp"
#include "core/model/call_trace.hpp"

namespace aesweep {

template <class T>
Trainer<T>::Trainer(const TrialSpec& spec, const Dataset& dataset, Exchange& exchange,
                    TrialSetup<T> setup)
    : spec_(spec),
      dataset_(dataset),
      exchange_(exchange),
      setup_(std::move(setup)),
      parameters_(setup_.network, setup_.partition, exchange.rank()),
      workspace_(setup_.network, setup_.plans),
      passes_(setup_.network, parameters_, workspace_, setup_.plans, spec.evaluate.active_threshold,
              exchange),
      gradients_(setup_.network, setup_.partition, setup_.train_plans(), exchange.rank()),
      updater_(setup_.network, setup_.partition, setup_.optimizers, spec.train, parameters_,
               gradients_, exchange.rank()),
      step_(setup_.network, setup_.partition, setup_.plans, parameters_, passes_, gradients_,
            updater_, exchange) {
  parameters_.take(setup_.given);
}

template <class T>
void Trainer<T>::begin_batches(const Split& split, const SplitPlans& plans,
                               std::span<const std::int64_t> order, std::int64_t batch) {
  end_batches();
  if (split.samples != nullptr) return;
  std::vector<RowRange> ranges;
  for (std::int64_t b = batch; b < plans.batches; ++b) {
    const BatchPlan& plan = plans.batch(b);
    if (plan.mine.count == 0) continue;
    ranges.push_back({b * plans.full->rows + plan.local_first_row(), plan.local_rows()});
  }
  feed_.emplace().begin(split, order, std::move(ranges));
}

template <class T>
Status Trainer<T>::load_rows(const Split& split, std::span<const std::int64_t> order,
                             std::int64_t first, const BatchPlan& plan) {
  call_trace().moved();
  const std::int64_t count = plan.local_rows();
  if (count == 0) return {};
  const auto rows = order.subspan(static_cast<std::size_t>(first + plan.local_first_row()),
                                  static_cast<std::size_t>(count));
  if (split.samples != nullptr) {
    gather(split, rows, workspace_.input.row(0), workspace_.input.stride());
  } else {
    AESWEEP_CHECK(feed_.has_value(), "a streamed split's batches have begun");
    AESWEEP_RETURN_IF_ERROR(feed_->next(workspace_.input.row(0), workspace_.input.stride()));
  }
  if (split.labels == nullptr) return {};
  gather_labels(split, rows, workspace_.labels.data());
  if (setup_.network.target() != Target::kLabels) return {};
  for (std::int64_t i = 0; i < count; ++i) {
    T* row = workspace_.target.row(i);
    std::fill_n(row, setup_.network.target_cols(), T(0));
    row[workspace_.labels[static_cast<std::size_t>(i)]] = T(1);
  }
  return {};
}

template <class T>
StepOutcome Trainer<T>::train_batch(const BatchPlan& plan, std::span<const std::int64_t> order,
                                    std::int64_t first, std::int64_t step, std::int64_t epoch,
                                    SplitSums& sums, std::uint32_t wanted) {
  const Status rows = load_rows(dataset_.train, order, first, plan);
  return step_.train(
      plan,
      batch_context({AESWEEP_TRAIN, step, epoch, setup_.total_steps, spec_.train.seed, step}, plan),
      dataset_.train.labels != nullptr, rows, sums, wanted);
}

template <class T>
StepOutcome Trainer<T>::evaluate_batch(const Split& split, const BatchPlan& plan,
                                       std::span<const std::int64_t> order, std::int64_t first,
                                       std::int64_t step, std::int64_t epoch,
                                       std::int64_t train_step, SplitSums& sums) {
  const Status rows = load_rows(split, order, first, plan);
  return step_.evaluate(
      plan,
      batch_context({AESWEEP_EVAL, step, epoch, setup_.total_steps, spec_.train.seed, train_step},
                    plan),
      split.labels != nullptr, rows, sums);
}

template <class T>
void Trainer<T>::begin_sums(SplitSums& sums) {
  const std::size_t terms =
      1 + activation_penalty_count(setup_.network) + penalty_terms(setup_.network).size();
  sums.clear(terms, passes_.unit_counts().size());
  std::fill(passes_.unit_counts().begin(), passes_.unit_counts().end(), 0u);
  parameters_.clear_flips();
}

// The ranks' counts of active rows are whole numbers, so that any order of adding gives the same.
template <class T>
void Trainer<T>::finish_sums(SplitSums& sums) {
  const auto mine = passes_.unit_counts();
  const std::vector<std::size_t> counts(static_cast<std::size_t>(exchange_.ranks()),
                                        mine.size_bytes());
  std::vector<std::uint32_t> all(mine.size() * counts.size());
  exchange_.share(std::as_bytes(mine), counts, std::as_writable_bytes(std::span(all)));
  for (std::size_t i = 0; i < all.size(); ++i) sums.unit_counts[i % mine.size()] += all[i];
}

// Every rank counts all flips, of the same weights. Replicas may differ by rounding, so rank 0
// speaks for all.
template <class T>
void Trainer<T>::finish_flips(SplitSums& sums) {
  const std::span<const FlipCount> mine = parameters_.flips();
  sums.flips.assign(mine.begin(), mine.end());
  if (mine.empty()) return;
  share_from_leader(std::as_bytes(mine), std::as_writable_bytes(std::span(sums.flips)), exchange_);
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace aesweep
