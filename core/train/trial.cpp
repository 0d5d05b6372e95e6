#include "core/train/trial.hpp"

#include <algorithm>
#include <string_view>

#include "core/base/text.hpp"
#include "core/data/order.hpp"
#include "core/math/recovery.hpp"
#include "core/train/metrics.hpp"
#include "core/train/samples.hpp"
#include "core/train/setup.hpp"
#include "core/train/trainer.hpp"

namespace aesweep {
namespace {

// The learned tensors, then the running buffers, without which evaluation could not be repeated.
template <class T>
std::vector<NamedTensor> copy_weights(const Network<T>& network, const Parameters<T>& parameters) {
  std::vector<NamedTensor> copies;
  const auto copy = [&](const Tensor& tensor, const T* values) {
    copies.push_back(
        named_tensor(tensor.name, {tensor.rows, tensor.cols}, std::span(values, tensor.elements)));
  };
  for (std::size_t t = 0; t < network.tensors().size(); ++t) {
    copy(network.tensors()[t], parameters.real(static_cast<int>(t)));
  }
  for (std::size_t b = 0; b < network.buffers().size(); ++b) {
    copy(network.buffers()[b], parameters.buffer(static_cast<int>(b)));
  }
  return copies;
}

// The decoder whose rows a true dictionary is compared with: the weights of the layer that reads
// the code, if that is the last one and dense: then each row is one code unit's part of the output.
// -1 if there is none.
template <class T>
int decoder_weights(const Network<T>& network) {
  const auto reader = static_cast<std::size_t>(network.code_layer()) + 1;
  if (reader + 1 != network.layers().size()) return -1;
  const Layer<T>& layer = network.layers()[reader];
  if (layer.layer.component.name() != std::string_view("dense")) return -1;
  const Tensor& first = network.tensors()[static_cast<std::size_t>(layer.learned.first)];
  const bool fits = first.rows == layer.input_cols && first.cols == network.target_cols();
  return fits ? layer.learned.first : -1;
}

template <class T>
class Trial {
 public:
  Trial(const TrialSpec& spec, const Dataset& dataset, Exchange& exchange, TrialControl& observer,
        TrialSetup<T> setup)
      : spec_(spec),
        dataset_(dataset),
        exchange_(exchange),
        observer_(observer),
        trainer_(spec, dataset, exchange, std::move(setup)),
        order_(static_cast<std::size_t>(std::max(dataset.train.rows, dataset.test.rows))) {}

  TrialResult run(const Catalogue& catalogue) {
    declare_metrics(catalogue);
    const bool keeps = exchange_.rank() == 0 && spec_.record.weights;
    if (keeps) result_.weights_initial = copy_weights(trainer_.network(), trainer_.parameters());
    for (std::int64_t epoch = 0; epoch < spec_.train.epochs; ++epoch) {
      if (!train_epoch(epoch)) return std::move(result_);
      const bool last = epoch + 1 == spec_.train.epochs;
      if (((epoch + 1) % spec_.evaluate.every == 0 || last) && !evaluate_test()) {
        return std::move(result_);
      }
      observer_.epoch_done({epoch + 1, spec_.train.epochs, dataset_.train.rows, {}, {}});
    }
    if (keeps) result_.weights_final = copy_weights(trainer_.network(), trainer_.parameters());
    if (exchange_.rank() == 0 && spec_.record.samples > 0) {
      const Status taken =
          take_samples(spec_, dataset_, trainer_.network(), trainer_.parameters(), result_);
      if (!taken.ok()) end({Outcome::kFailed, taken.message(), exchange_.rank()});
    }
    return std::move(result_);
  }

 private:
  void declare_metrics(const Catalogue& catalogue) {
    const double threshold = spec_.evaluate.active_threshold;
    result_.metrics = split_metrics("train", spec_.model, catalogue, threshold);
    test_metrics_ = result_.metrics.size();
    const auto test = split_metrics("test", spec_.model, catalogue, threshold);
    result_.metrics.insert(result_.metrics.end(), test.begin(), test.end());
    const bool has_truth =
        dataset_.dictionary.atoms != nullptr && spec_.model.target == Target::kInput;
    decoder_ = has_truth ? decoder_weights(trainer_.network()) : -1;
    if (decoder_ >= 0) result_.metrics.push_back(recovery_metric());
  }

  // Ends the trial: the outcome stands in the result. Returns false, for the caller to stop.
  bool end(StepOutcome outcome) {
    result_.outcome = outcome.outcome;
    result_.reason = std::move(outcome.reason);
    result_.failed_rank = outcome.failed_rank;
    return false;
  }

  void record(std::size_t first_metric, const std::vector<double>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      result_.history.push_back(
          {result_.epochs, result_.steps, static_cast<std::int32_t>(first_metric + i), values[i]});
    }
  }

  [[nodiscard]] std::vector<double> measured(const Split& split) const {
    return measure(sums_, spec_.model.target, dataset_.cols(), split.variation);
  }

  bool train_epoch(std::int64_t epoch) {
    const auto order = std::span(order_).first(static_cast<std::size_t>(dataset_.train.rows));
    epoch_order(spec_.train.seed, static_cast<std::uint64_t>(epoch), spec_.train.shuffle, order);
    trainer_.begin_sums(sums_);
    const SplitPlans split = trainer_.setup().train();
    std::int64_t first = 0;
    for (std::int64_t b = 0; b < split.batches; ++b) {
      const BatchPlan& plan = split.batch(b);
      StepOutcome outcome =
          trainer_.train_batch(plan, order, first, result_.steps, result_.epochs, sums_);
      if (outcome.outcome != Outcome::kCompleted) return stop(std::move(outcome));
      first += plan.rows;
      ++result_.steps;
    }
    trainer_.settle();
    trainer_.finish_sums(sums_);
    trainer_.finish_flips(sums_);
    ++result_.epochs;
    record(0, measured(dataset_.train));
    return true;
  }

  bool evaluate_test() {
    const auto order = std::span(order_).first(static_cast<std::size_t>(dataset_.test.rows));
    epoch_order(0, 0, false, order);
    trainer_.begin_sums(sums_);
    const SplitPlans split = trainer_.setup().test();
    std::int64_t first = 0;
    for (std::int64_t b = 0; b < split.batches; ++b) {
      const BatchPlan& plan = split.batch(b);
      StepOutcome outcome =
          trainer_.evaluate_batch(plan, order, first, b, result_.epochs, result_.steps, sums_);
      if (outcome.outcome != Outcome::kCompleted) return stop(std::move(outcome));
      first += plan.rows;
    }
    trainer_.finish_sums(sums_);
    record(test_metrics_, measured(dataset_.test));
    if (decoder_ >= 0) record(result_.metrics.size() - 1, {recovery()});
    return true;
  }

  // Ends the trial in the middle of an epoch: what the ranks still have in flight is taken in.
  bool stop(StepOutcome outcome) {
    trainer_.settle();
    return end(std::move(outcome));
  }

  [[nodiscard]] double recovery() {
    const Tensor& tensor = trainer_.network().tensors()[static_cast<std::size_t>(decoder_)];
    const T* weights = trainer_.parameters().effective(decoder_);
    const std::vector<double> learned(weights, weights + tensor.elements);
    const auto atoms = static_cast<std::size_t>(dataset_.dictionary.count * dataset_.cols());
    return dictionary_recovery(learned, tensor.rows, {dataset_.dictionary.atoms, atoms},
                               dataset_.dictionary.count, dataset_.cols());
  }

  const TrialSpec& spec_;
  const Dataset& dataset_;
  Exchange& exchange_;
  TrialControl& observer_;
  Trainer<T> trainer_;
  std::vector<std::int64_t> order_;  // Sample numbers in the order of the present epoch.
  SplitSums sums_;
  std::size_t test_metrics_ = 0;  // Index of the first test metric.
  int decoder_ = -1;
  TrialResult result_;
};

TrialResult failed(const Status& status) {
  TrialResult result;
  result.outcome = Outcome::kFailed;
  result.reason = status.message();
  return result;
}

template <class T>
TrialResult run(const TrialSpec& spec, const Catalogue& catalogue, const Dataset& dataset,
                Exchange& exchange, TrialControl& control, const TrialState*) {
  const Status target = check_target(spec.model, dataset);
  if (!target.ok()) return failed(target);
  Result<TrialSetup<T>> setup =
      set_up_trial<T>(spec, catalogue, {dataset.train.rows, dataset.test.rows, dataset.cols()},
                      exchange.rank(), exchange.ranks());
  if (!setup.ok()) return failed(setup.status());
  return Trial<T>(spec, dataset, exchange, control, std::move(setup).value()).run(catalogue);
}

}  // namespace

TrialResult run_trial(const TrialSpec& spec, const Catalogue& catalogue, const Dataset& dataset,
                      Exchange& exchange, TrialControl& control, const TrialState* from) {
  return spec.model.scalar == Scalar::kF32
             ? run<float>(spec, catalogue, dataset, exchange, control, from)
             : run<double>(spec, catalogue, dataset, exchange, control, from);
}

}  // namespace aesweep
