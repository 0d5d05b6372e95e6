#include "core/train/trial.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "core/base/text.hpp"
#include "core/data/order.hpp"
#include "core/math/recovery.hpp"
#include "core/model/call_trace.hpp"
#include "core/train/code_evaluation.hpp"
#include "core/train/metrics.hpp"
#include "core/train/samples.hpp"
#include "core/train/setup.hpp"
#include "core/train/snapshot.hpp"
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
  Trial(const TrialSpec& spec, const Dataset& dataset, Exchange& exchange, TrialControl& control,
        TrialSetup<T> setup)
      : spec_(spec),
        dataset_(dataset),
        exchange_(exchange),
        control_(control),
        order_(static_cast<std::size_t>(
            std::max({dataset.train.rows, dataset.test.rows, dataset.validation.rows}))),
        trainer_(spec, dataset, exchange, std::move(setup)) {}

  // `from`: what to go on from, equal on all ranks; none: begins at the beginning.
  TrialResult run(const Catalogue& catalogue, std::optional<TrialState> from) {
    declare_metrics(catalogue);
    const bool keeps = exchange_.rank() == 0 && spec_.record.weights;
    if (keeps) {
      result_.weights_initial = copy_weights(trainer_.network(), trainer_.parameters());
      keep_scales();
    }
    if (from && !go_on_from(*from)) return std::move(result_);
    std::int64_t done = from ? from->batches : 0;
    from.reset();  // It is large.
    // Without an epoch the weights are evaluated as they are.
    if (spec_.train.epochs == 0 && !finish_epoch()) return std::move(result_);
    for (; result_.epochs < spec_.train.epochs; done = 0) {
      epoch_rows_.clear();
      if (!train_epoch(done) || !finish_epoch()) return std::move(result_);
    }
    if (keeps) result_.weights_final = copy_weights(trainer_.network(), trainer_.parameters());
    if (exchange_.rank() == 0 && spec_.record.samples > 0) {
      trainer_.end_batches();  // One split is read at a time.
      const Status taken =
          take_samples(spec_, dataset_, trainer_.network(), trainer_.parameters(), result_);
      if (!taken.ok()) end({Outcome::kFailed, taken.message(), exchange_.rank()});
    }
    return std::move(result_);
  }

 private:
  void declare_metrics(const Catalogue& catalogue) {
    const double threshold = spec_.evaluate.active_threshold;
    const auto declare = [&](const char* split) {
      const std::size_t first = result_.metrics.size();
      const auto metrics = split_metrics(split, spec_.model, catalogue, threshold);
      result_.metrics.insert(result_.metrics.end(), metrics.begin(), metrics.end());
      return first;
    };
    declare("train");
    if (dataset_.validation.rows > 0) validation_metrics_ = declare("validation");
    test_metrics_ = declare("test");
    const bool has_truth =
        dataset_.dictionary.atoms != nullptr && spec_.model.target == Target::kInput;
    decoder_ = has_truth ? decoder_weights(trainer_.network()) : -1;
    recovery_metric_ = result_.metrics.size();
    if (decoder_ >= 0) result_.metrics.push_back(recovery_metric());
    first_code_metric_ = result_.metrics.size();
    if (!spec_.evaluate.codes) return;
    const bool has_labels = dataset_.train.labels != nullptr && dataset_.test.labels != nullptr;
    const auto codes = code_metrics(*spec_.evaluate.codes, spec_.model.target, has_labels);
    result_.metrics.insert(result_.metrics.end(), codes.begin(), codes.end());
  }

  // How the data became the network's input.
  void keep_scales() {
    const Split& split = dataset_.train;
    if (split.col_scale == nullptr) {
      result_.input_scale = {split.scale};
      result_.input_shift = {split.shift};
      return;
    }
    result_.input_scale.assign(split.col_scale, split.col_scale + split.cols);
    result_.input_shift.assign(split.col_shift, split.col_shift + split.cols);
  }

  // Ends the trial: the outcome stands in the result. Returns false, for the caller to stop.
  bool end(StepOutcome outcome) {
    result_.outcome = outcome.outcome;
    result_.reason = std::move(outcome.reason);
    result_.failed_rank = outcome.failed_rank;
    return false;
  }

  bool go_on_from(const TrialState& state) {
    const Status fits = check_state(trainer_.setup(), spec_, result_.metrics.size(), state);
    if (!fits.ok()) {
      return end({Outcome::kFailed,
                  text("the saved state is not one of this trial: ", fits.message(),
                       "; go on from one that the same configuration left, or start anew")});
    }
    put_state(trainer_, state);
    result_.epochs = state.epochs;
    result_.steps = state.steps;
    result_.history = state.history;
    sums_ = state.sums;
    sums_.flips.clear();
    return true;
  }

  // Whether what is done every so many epochs is done after the last one that was trained.
  [[nodiscard]] bool is_due(std::int64_t every) const {
    return result_.epochs % every == 0 || result_.epochs == spec_.train.epochs;
  }

  void record(std::size_t first_metric, const std::vector<double>& values) {
    const bool keeps = is_due(spec_.record.every);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const HistoryRow row = {result_.epochs, result_.steps,
                              static_cast<std::int32_t>(first_metric + i), values[i]};
      epoch_rows_.push_back(row);
      if (keeps) result_.history.push_back(row);
    }
  }

  [[nodiscard]] std::vector<double> measured(const Split& split) const {
    return measure(sums_, spec_.model.target, dataset_.cols(), split.variation);
  }

  // The present epoch, of which `done` batches are trained already.
  bool train_epoch(std::int64_t done) {
    const auto order = begin_split(dataset_.train);
    epoch_order(spec_.train.seed, static_cast<std::uint64_t>(result_.epochs), spec_.train.shuffle,
                dataset_.train.block_rows, dataset_.train.pool_rows, order);
    if (done == 0) trainer_.begin_sums(sums_);
    const SplitPlans split = trainer_.setup().train();
    trainer_.begin_batches(dataset_.train, split, order, done);
    std::int64_t first = sums_.rows;
    for (std::int64_t b = done; b < split.batches; ++b) {
      const BatchPlan& plan = split.batch(b);
      const std::uint32_t wanted =
          control_.wanted({result_.epochs, result_.steps + 1, b + 1, b + 1 == split.batches});
      StepOutcome outcome =
          trainer_.train_batch(plan, order, first, result_.steps, result_.epochs, sums_, wanted);
      if (outcome.outcome != Outcome::kCompleted) return stop(std::move(outcome));
      first += plan.rows;
      samples_ += plan.rows;
      ++result_.steps;
      if (outcome.wanted != kControlGoOn && !obey(outcome.wanted, b + 1)) return false;
    }
    trainer_.settle();
    trainer_.finish_sums(sums_);
    trainer_.finish_flips(sums_);
    ++result_.epochs;
    record(0, measured(dataset_.train));
    return true;
  }

  // What follows the training of an epoch.
  bool finish_epoch() {
    if (is_due(spec_.evaluate.every) && !evaluate()) return false;
    if (result_.epochs == spec_.train.epochs && !evaluate_as_hashes()) return false;
    control_.epoch_done(
        {result_.epochs, spec_.train.epochs, samples_, result_.metrics, epoch_rows_});
    samples_ = 0;
    return true;
  }

  // What the group wants at the end of a training step, the epoch's `batches`-th. False: the trial
  // ends here. Nothing is done where the next batch will end it by a fault of the last update,
  // which is then the outcome as if nothing had been wanted.
  bool obey(std::uint32_t wanted, std::int64_t batches) {
    if (trainer_.fault_pending()) return true;
    if ((wanted & kControlPrune) != 0) {
      return stop({Outcome::kPruned, share_text(control_.prune_reason(), exchange_).text});
    }
    trainer_.settle();
    TrialState state = take_state(trainer_, sums_);
    if (exchange_.rank() == 0) {
      state.epochs = result_.epochs;
      state.steps = result_.steps;
      state.batches = batches;
      state.history = result_.history;
      control_.checkpoint(std::move(state));
    }
    if ((wanted & kControlInterrupt) == 0) return true;
    return end({Outcome::kInterrupted, text("interrupted after step ", result_.steps)});
  }

  // Room for the order of a split's samples.
  std::span<std::int64_t> begin_split(const Split& split) {
    trainer_.end_batches();  // It reads by the last split's order.
    call_trace().epoch = static_cast<std::uint64_t>(result_.epochs);
    call_trace().moved();
    return std::span(order_).first(static_cast<std::size_t>(split.rows));
  }

  bool evaluate() {
    if (dataset_.validation.rows > 0 &&
        !evaluate(dataset_.validation, trainer_.setup().validation(), validation_metrics_)) {
      return false;
    }
    if (!evaluate(dataset_.test, trainer_.setup().test(), test_metrics_)) return false;
    if (decoder_ >= 0) record(recovery_metric_, {recovery()});
    return true;
  }

  // Codes as bits, if that is wanted: once, after the last epoch.
  bool evaluate_as_hashes() {
    if (!spec_.evaluate.codes) return true;
    trainer_.end_batches();  // Their memory is free for it.
    CodeScores scores = evaluate_codes(spec_, dataset_, trainer_.network(), trainer_.parameters(),
                                       exchange_, result_.steps);
    if (scores.outcome.outcome != Outcome::kCompleted) return stop(std::move(scores.outcome));
    record(first_code_metric_, scores.values);
    return true;
  }

  bool evaluate(const Split& split, const SplitPlans& plans, std::size_t first_metric) {
    const auto order = begin_split(split);
    epoch_order(0, 0, false, order);
    trainer_.begin_sums(sums_);
    trainer_.begin_batches(split, plans, order, 0);
    std::int64_t first = 0;
    for (std::int64_t b = 0; b < plans.batches; ++b) {
      const BatchPlan& plan = plans.batch(b);
      StepOutcome outcome = trainer_.evaluate_batch(split, plan, order, first, b, result_.epochs,
                                                    result_.steps, sums_);
      if (outcome.outcome != Outcome::kCompleted) return stop(std::move(outcome));
      first += plan.rows;
    }
    trainer_.finish_sums(sums_);
    record(first_metric, measured(split));
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
                               dataset_.dictionary.count, dataset_.cols(), [this] {
                                 call_trace().moved();
                                 exchange_.progress();
                               });
  }

  const TrialSpec& spec_;
  const Dataset& dataset_;
  Exchange& exchange_;
  TrialControl& control_;
  std::vector<std::int64_t> order_;     // Sample numbers in the order of the present epoch.
  Trainer<T> trainer_;                  // After the order, by which its feed may be reading.
  SplitSums sums_;                      // Of the present split, so far.
  std::int64_t samples_ = 0;            // Trained on since the last report.
  std::vector<HistoryRow> epoch_rows_;  // Those of the present epoch, kept or not.
  std::size_t validation_metrics_ = 0;  // Index of the first of these metrics; likewise:
  std::size_t test_metrics_ = 0;
  std::size_t recovery_metric_ = 0;
  std::size_t first_code_metric_ = 0;
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
                Exchange& exchange, TrialControl& control, const TrialState* from) {
  const Status target = check_target(spec.model, dataset);
  if (!target.ok()) return failed(target);
  Result<TrialSetup<T>> setup =
      set_up_trial<T>(spec, catalogue, extent_of(dataset), exchange.rank(), exchange.ranks());
  if (!setup.ok()) return failed(setup.status());
  std::optional<TrialState> state(std::in_place);
  if (!share_state(from, exchange, *state)) state.reset();
  return Trial<T>(spec, dataset, exchange, control, std::move(setup).value())
      .run(catalogue, std::move(state));
}

}  // namespace

TrialResult run_trial(const TrialSpec& spec, const Catalogue& catalogue, const Dataset& dataset,
                      Exchange& exchange, TrialControl& control, const TrialState* from) {
  return spec.model.scalar == Scalar::kF32
             ? run<float>(spec, catalogue, dataset, exchange, control, from)
             : run<double>(spec, catalogue, dataset, exchange, control, from);
}

}  // namespace aesweep
