// Proves that a trial which is given weights starts from them, learned tensors and running buffers:
// it takes the same steps as a trainer whose weights were set by hand, on any number of ranks and
// after a resume; a trial without epochs evaluates them, with the bits of the trial that trained
// them; and whatever does not fit is refused by name, before anything runs.
#include "core/model/given_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "core/train/estimate.hpp"
#include "core/train/trainer.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/scripted_control.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 7;
constexpr std::int64_t kUnits = 5;

// Running buffers, a quantized layer, a layer without tensors.
TrialSpec base() {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {}};
  LayerSpec norm;
  norm.name = "norm";
  norm.layer = {"batch_norm", {}};
  LayerSpec noise;
  noise.name = "noise";
  noise.layer = {"dropout", {}};
  spec.model.layers = {noise, dense("code", kUnits, "tanh"), norm, dense("output", kCols, "")};
  spec.model.layers[1].quantizer = ComponentSpec{"binary_connect", {}};
  spec.optimizer = {"adam", {{"lr", 0.01}}};
  spec.train.epochs = 3;
  spec.train.batch_rows = 13;
  spec.train.shard_rows = 4;
  spec.train.seed = 1;
  spec.record.samples = 6;
  return spec;
}

const Dataset& dataset() {
  static const SmallData data(50, 20, kCols);
  return data.dataset();
}

constexpr DataExtent kExtent = {50, 20, kCols};

using Tensors = std::vector<NamedTensor>;

// What base() has learned.
const TrialResult& teacher() {
  static const TrialResult result = run_group(base(), probe_catalogue(), dataset(), 1);
  return result;
}

TrialSpec started_from(Tensors tensors, std::vector<LayerSource> layers = {}) {
  TrialSpec spec = base();
  spec.train.seed = 2;
  spec.model.given_weights =
      GivenWeights{std::make_shared<const Tensors>(std::move(tensors)), "sum", std::move(layers)};
  return spec;
}

NamedTensor& named(Tensors& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const NamedTensor& t) { return t.name == name; });
  AESWEEP_CHECK(found != tensors.end(), name);
  return *found;
}

template <class V>
NamedTensor tensor_of(const std::string& name, std::vector<std::int64_t> shape,
                      const std::vector<V>& values) {
  NamedTensor tensor{
      name, std::move(shape), sizeof(V) == sizeof(float) ? Scalar::kF32 : Scalar::kF64, {}};
  const auto bytes = std::as_bytes(std::span(values));
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

void expect_equal_tensors(const Tensors& a, const Tensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_TRUE(a[i].bytes == b[i].bytes) << a[i].name;
  }
}

TEST(GivenWeights, AreThoseThatTheTrialStartsFrom) {
  const TrialSpec spec = started_from(teacher().weights_final);
  const TrialResult one = run_group(spec, probe_catalogue(), dataset(), 1);
  ASSERT_EQ(one.outcome, Outcome::kCompleted) << one.reason;
  expect_equal_tensors(one.weights_initial, teacher().weights_final);
  EXPECT_FALSE(one.weights_final[0].bytes == one.weights_initial[0].bytes);
  for (int ranks = 2; ranks <= 4; ++ranks) {
    expect_same_bits(one, run_group(spec, probe_catalogue(), dataset(), ranks));
  }
}

std::vector<double> all_values(Trainer<double>& trainer) {
  trainer.settle();
  std::vector<double> all;
  for (std::size_t t = 0; t < trainer.network().tensors().size(); ++t) {
    const double* w = trainer.parameters().real(static_cast<int>(t));
    all.insert(all.end(), w, w + trainer.network().tensors()[t].elements);
  }
  for (std::size_t b = 0; b < trainer.network().buffers().size(); ++b) {
    const double* w = trainer.parameters().buffer(static_cast<int>(b));
    all.insert(all.end(), w, w + trainer.network().buffers()[b].elements);
  }
  return all;
}

// Values after some steps.
std::vector<double> trained(Trainer<double>& trainer) {
  std::vector<std::int64_t> order(50);
  std::iota(order.begin(), order.end(), 0);
  SplitSums sums;
  trainer.begin_sums(sums);
  for (std::int64_t step = 0; step < 3; ++step) {
    const StepOutcome outcome =
        trainer.train_batch(*trainer.setup().train().full, order, step * 13, step, 0, sums);
    EXPECT_EQ(outcome.outcome, Outcome::kCompleted) << outcome.reason;
  }
  return all_values(trainer);
}

TEST(GivenWeights, TrainLikeWeightsSetByHand) {
  const TrialSpec given = started_from(teacher().weights_final);
  TrialSpec drawn = given;
  drawn.model.given_weights.reset();
  SoloExchange alone;
  const auto trainer_of = [&](const TrialSpec& spec) {
    auto setup = set_up_trial<double>(spec, probe_catalogue(), kExtent, 0, 1);
    EXPECT_TRUE(setup.ok()) << setup.status().message();
    return std::make_unique<Trainer<double>>(spec, dataset(), alone, std::move(setup).value());
  };
  const auto by_hand = trainer_of(drawn);
  EXPECT_NE(all_values(*by_hand), all_values(*trainer_of(given)));
  std::size_t next = 0;
  const auto set = [&](const std::vector<Tensor>& tensors, auto place) {
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      const std::vector<double> values = values_of(teacher().weights_final[next++]);
      std::copy(values.begin(), values.end(), place(static_cast<int>(t)));
    }
  };
  set(by_hand->network().tensors(), [&](int t) { return by_hand->parameters().real(t); });
  set(by_hand->network().buffers(), [&](int b) { return by_hand->parameters().buffer(b); });
  EXPECT_EQ(trained(*by_hand), trained(*trainer_of(given)));
}

TEST(GivenWeights, AResumedTrialEndsLikeAnUndisturbedOne) {
  const TrialSpec spec = started_from(teacher().weights_final);
  const TrialResult undisturbed = run_group(spec, probe_catalogue(), dataset(), 1);
  std::vector<Seen> seen(2);
  const auto leaving = [&](int rank) {
    return std::make_unique<ScriptedControl>(
        seen[static_cast<std::size_t>(rank)], [](const StepReport& report) {
          return report.steps == 6 ? kControlInterrupt : kControlGoOn;
        });
  };
  ASSERT_EQ(run_group(spec, probe_catalogue(), dataset(), 2, leaving, nullptr).outcome,
            Outcome::kInterrupted);
  const auto quiet = [](int) { return std::make_unique<TrialControl>(); };
  expect_same_bits(undisturbed, run_group(spec, probe_catalogue(), dataset(), 3, quiet,
                                          &seen[0].states.front()));
}

TEST(GivenWeights, AreEvaluatedAsTheyAreByATrialWithoutEpochs) {
  TrialSpec spec = started_from(teacher().weights_final);
  spec.train.epochs = 0;
  const TrialResult one = run_group(spec, probe_catalogue(), dataset(), 1);
  ASSERT_EQ(one.outcome, Outcome::kCompleted) << one.reason;
  EXPECT_EQ(one.epochs, 0);
  EXPECT_EQ(one.steps, 0);
  expect_equal_tensors(one.weights_initial, teacher().weights_final);
  expect_equal_tensors(one.weights_final, teacher().weights_final);
  expect_equal_tensors(one.samples, teacher().samples);
  std::vector<HistoryRow> last;
  for (const HistoryRow& row : teacher().history) {
    const std::string& name = teacher().metrics[static_cast<std::size_t>(row.metric)].name;
    if (row.epoch == 3 && name.starts_with("test/")) last.push_back(row);
  }
  ASSERT_EQ(one.history.size(), last.size());
  for (std::size_t i = 0; i < last.size(); ++i) {
    EXPECT_EQ(one.history[i].epoch, 0);
    EXPECT_EQ(one.history[i].step, 0);
    EXPECT_EQ(one.history[i].metric, last[i].metric);
    EXPECT_EQ(one.history[i].value, last[i].value);
  }
  for (int ranks = 2; ranks <= 4; ++ranks) {
    expect_same_bits(one, run_group(spec, probe_catalogue(), dataset(), ranks));
  }
}

TEST(GivenWeights, AreToldToTheWatcherOnceIfThereAreNoEpochs) {
  TrialSpec spec = started_from(teacher().weights_final);
  spec.train.epochs = 0;
  Seen seen;
  ScriptedControl control(seen, [](const StepReport&) { return kControlGoOn; });
  SoloExchange alone;
  const TrialResult result = run_trial(spec, probe_catalogue(), dataset(), alone, control);
  ASSERT_EQ(seen.epochs.size(), 1U);
  EXPECT_EQ(seen.epochs[0].epoch, 0);
  EXPECT_EQ(seen.rows[0].size(), result.history.size());
  EXPECT_TRUE(seen.steps.empty());
}

// The values of the network's tensors in the order of weights_initial, as another scalar has them.
TEST(GivenWeights, AreConvertedBetweenScalars) {
  Tensors wide = teacher().weights_final;
  TrialSpec spec = started_from(wide);
  spec.train.epochs = 0;
  spec.model.scalar = Scalar::kF32;
  const TrialResult narrow = run_group(spec, probe_catalogue(), dataset(), 1);
  ASSERT_EQ(narrow.outcome, Outcome::kCompleted) << narrow.reason;
  for (std::size_t i = 0; i < wide.size(); ++i) {
    const std::vector<double> values = values_of(wide[i]);
    const std::vector<float> rounded(values.begin(), values.end());
    EXPECT_TRUE(narrow.weights_initial[i].bytes == tensor_of("", {}, rounded).bytes);
    wide[i] = tensor_of(wide[i].name, wide[i].shape, rounded);
  }
  spec = started_from(wide);
  spec.train.epochs = 0;
  const TrialResult again = run_group(spec, probe_catalogue(), dataset(), 1);
  for (std::size_t i = 0; i < wide.size(); ++i) {
    std::vector<float> rounded(wide[i].bytes.size() / sizeof(float));
    std::memcpy(rounded.data(), wide[i].bytes.data(), wide[i].bytes.size());
    EXPECT_EQ(values_of(again.weights_initial[i]),
              std::vector<double>(rounded.begin(), rounded.end()));
  }
}

// Names as other programs write them, biases with one dimension, no buffers, other layers' tensors.
TEST(GivenWeights, MayBeNamedAndShapedOtherwise) {
  Tensors tensors;
  for (NamedTensor tensor : teacher().weights_final) {
    if (tensor.name.starts_with("norm/running")) continue;
    if (tensor.shape[0] == 1) tensor.shape = {tensor.shape[1]};
    std::replace(tensor.name.begin(), tensor.name.end(), '/', tensor.name[0] == 'c' ? '.' : '_');
    tensors.push_back(std::move(tensor));
  }
  tensors.push_back(tensor_of<float>("decoder/weights", {2, 2}, {1, 2, 3, 4}));
  TrialSpec spec = started_from(tensors);
  spec.train.epochs = 0;
  const TrialResult result = run_group(spec, probe_catalogue(), dataset(), 2);
  ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  for (const NamedTensor& tensor : result.weights_initial) {
    Tensors due = tensor.name.starts_with("norm/running") ? teacher().weights_initial
                                                          : teacher().weights_final;
    EXPECT_TRUE(tensor.bytes == named(due, tensor.name).bytes) << tensor.name;
  }
}

TEST(GivenWeights, OfSomeLayersLeaveTheOthersAsDrawn) {
  Tensors tensors;
  for (NamedTensor tensor : teacher().weights_final) {
    tensor.name = "enc." + tensor.name;
    tensors.push_back(std::move(tensor));
  }
  TrialSpec spec = started_from(tensors, {{"norm", "enc/norm"}, {"code", "enc.code"}});
  spec.train.epochs = 0;
  const TrialResult result = run_group(spec, probe_catalogue(), dataset(), 1);
  ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  spec.model.given_weights.reset();
  Tensors drawn = run_group(spec, probe_catalogue(), dataset(), 1).weights_initial;
  Tensors learned = teacher().weights_final;
  for (const NamedTensor& tensor : result.weights_initial) {
    const bool is_drawn = tensor.name.starts_with("output/");
    EXPECT_TRUE(tensor.bytes == named(is_drawn ? drawn : learned, tensor.name).bytes)
        << tensor.name;
  }
}

// One message for running, planning and any rank.
void expect_refused(const TrialSpec& spec, const std::string& message) {
  DatasetLayout layout{};
  layout.train.rows = 50;
  layout.test.rows = 20;
  layout.train.cols = layout.test.cols = kCols;
  const auto estimate = estimate_trial(spec, probe_catalogue(), layout, 2);
  ASSERT_FALSE(estimate.ok()) << message;
  EXPECT_EQ(estimate.status().fault(), Fault::kInput);
  EXPECT_EQ(estimate.status().message(), "model.init_from: " + message);
  const TrialResult result = run_group(spec, probe_catalogue(), dataset(), 2);
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_EQ(result.reason, "model.init_from: " + message);
}

TEST(GivenWeights, OfAnotherShapeAreRefused) {
  Tensors tensors = teacher().weights_final;
  named(tensors, "code/weights").shape = {5, 7};
  expect_refused(started_from(tensors),
                 "code/weights: is 5 x 7 in the given weights, but 7 x 5 in the model; it looks "
                 "transposed (here rows are inputs, columns units): transpose it where it is "
                 "written");
  named(tensors, "code/weights") = tensor_of("code/weights", {7, 4}, std::vector<float>(28));
  expect_refused(started_from(tensors),
                 "code/weights: is 7 x 4 in the given weights, but 7 x 5 in the model");
  tensors = teacher().weights_final;
  named(tensors, "norm/running_mean").shape = {};
  expect_refused(started_from(tensors),
                 "norm/running_mean: is 1 value in the given weights, but 1 x 5 in the model");
  tensors = teacher().weights_final;
  named(tensors, "code/bias").bytes.pop_back();
  expect_refused(started_from(tensors), "code/bias: has 39 bytes, not those of 5 f64 values");
}

TEST(GivenWeights, ThatAreNotThereOrOfNoUseAreRefused) {
  Tensors tensors = teacher().weights_final;
  named(tensors, "code/weights").name = "code.weight";
  expect_refused(started_from(tensors),
                 "code/weights: code_weights is not among the given weights (did you mean "
                 "code_weight?); these are code_weight, code_bias, norm_gain, norm_bias, "
                 "output_weights, output_bias, norm_running_mean, norm_running_variance");
  tensors = teacher().weights_final;
  named(tensors, "norm/running_variance").name = "norm/running_var";
  expect_refused(started_from(tensors),
                 "norm_running_var: is given, but layer norm has no such tensor; leave it out, or "
                 "say which layers to take (model.init_from.layers)");
  tensors = teacher().weights_final;
  tensors.push_back(tensors.front());
  tensors.back().name = "code.weights";
  expect_refused(started_from(tensors),
                 "the given weights have both code/weights and code.weights, which cannot be told "
                 "apart ('.' and '/' become '_')");
}

TEST(GivenWeights, OfLayersThatDoNotFitAreRefused) {
  Tensors tensors = teacher().weights_final;
  expect_refused(started_from(tensors, {{"cod", "code"}}),
                 "layers: the model has no layer cod (did you mean code?)");
  expect_refused(started_from(tensors, {{"code", "code"}, {"code", "output"}}),
                 "layers: code is there twice");
  expect_refused(started_from(tensors, {{"noise", "code"}}),
                 "layers: layer noise has no tensors that could be given; leave it out");
  std::erase_if(tensors, [](const NamedTensor& t) { return t.name == "norm/running_mean"; });
  expect_refused(
      started_from(tensors, {{"norm", "norm"}}),
      "norm/running_mean: norm_running_mean is not among the given weights (did you mean "
      "norm_running_variance?); these are "
      "code_weights, code_bias, norm_gain, norm_bias, output_weights, output_bias, "
      "norm_running_variance");
  EXPECT_TRUE(set_up_trial<double>(started_from(tensors), probe_catalogue(), kExtent, 0, 1).ok());
}

TEST(GivenWeights, ThatAreNoNumbersAreRefused) {
  Tensors tensors = teacher().weights_final;
  std::vector<double> bias(5, 0.5);
  bias[3] = std::numeric_limits<double>::quiet_NaN();
  named(tensors, "code/bias") = tensor_of("code/bias", {5}, bias);
  expect_refused(started_from(tensors), "code/bias: value 3 is nan, no finite f64");
  bias[3] = 1e39;
  named(tensors, "code/bias") = tensor_of("code/bias", {5}, bias);
  EXPECT_TRUE(set_up_trial<double>(started_from(tensors), probe_catalogue(), kExtent, 0, 1).ok());
  TrialSpec spec = started_from(tensors);
  spec.model.scalar = Scalar::kF32;
  expect_refused(spec, "code/bias: value 3 is 1e+39, no finite f32");
}

}  // namespace
}  // namespace aesweep::test
