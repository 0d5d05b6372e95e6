// Proves that the first five steps of training agree with PyTorch in float64: loss terms, gradients
// and weights. golden_autoencoder.py made the numbers; the initial weights and the data come from
// it.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "core/train/trainer.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/golden_file.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 7, kUnits = 5, kBatch = 6, kSteps = 5;

TrialSpec spec_of(const std::string& name) {
  const auto on_code = RegularizerTarget::kActivations;
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", kUnits, "tanh"), dense("output", 0, "sigmoid")};
  spec.train.batch_rows = kBatch;
  spec.train.shard_rows = 4;
  spec.train.shuffle = false;
  LayerSpec& code = spec.model.layers[0];
  if (name == "tanh_l1_mse_adam") {
    code.regularizers = {
        regularizer("l1", on_code, {{"coefficient", 0.1}, {"reduction", std::string("mean")}})};
    spec.optimizer = {"adam", {{"lr", 0.01}, {"epsilon", 1e-8}}};
  } else if (name == "sigmoid_kl_bce_sgd") {
    code.activation = ComponentSpec{"sigmoid", {}};
    code.regularizers = {regularizer("kl_sparsity", on_code, {{"coefficient", 0.5}, {"rho", 0.1}})};
    spec.model.loss = {"binary_cross_entropy", {}};
    spec.optimizer = {"sgd", {{"lr", 0.2}, {"momentum", 0.9}}};
  } else {
    code.activation = ComponentSpec{"relu", {}};
    code.regularizers = {
        regularizer("l1", on_code, {{"coefficient", 0.01}, {"reduction", std::string("sum")}})};
    spec.optimizer = {"adagrad", {{"lr", 0.05}, {"epsilon", 1e-10}}};
  }
  for (LayerSpec& layer : spec.model.layers) {
    layer.regularizers.push_back(
        regularizer("l2", RegularizerTarget::kWeights,
                    {{"coefficient", 0.02}, {"reduction", std::string("sum")}}));
  }
  return spec;
}

// A value is the end of a chain of at most about (D + K + B) additions per layer and step; Adam and
// AdaGrad divide a gradient by its own size, which hands its relative error on unchanged. Five
// steps of two layers, forward and back: 4 * 5 * (7 + 5 + 6) roundings of the largest term.
constexpr double kRoundings = 4.0 * kSteps * (kCols + kUnits + kBatch);

void expect_close(const std::string& what, const double* ours, const Values& golden) {
  test::expect_close(what, ours, golden, kRoundings);
}

void check_case(const std::string& name, const Golden& golden) {
  SCOPED_TRACE(name);
  const TrialSpec spec = spec_of(name);
  const Values& data = golden.at("data");
  Dataset dataset;
  dataset.train.element = Element::kF64;
  dataset.train.rows = kSteps * kBatch;
  dataset.train.cols = kCols;
  dataset.train.samples = reinterpret_cast<const std::byte*>(data.data());
  dataset.train.variation = 1.0;
  dataset.test = dataset.train;
  SoloExchange exchange;
  auto setup =
      set_up_trial<double>(spec, builtins(), {kSteps * kBatch, kSteps * kBatch, kCols}, 0, 1);
  ASSERT_TRUE(setup.ok()) << setup.status().message();
  Trainer<double> trainer(spec, dataset, exchange, std::move(setup).value());
  const std::vector<Tensor>& tensors = trainer.network().tensors();
  ASSERT_EQ(tensors.size(), 4u);
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const Values& initial = golden.at("initial " + tensors[t].name);
    ASSERT_EQ(initial.size(), tensors[t].elements);
    std::copy(initial.begin(), initial.end(), trainer.parameters().real(static_cast<int>(t)));
  }
  std::vector<std::int64_t> order(kSteps * kBatch);
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t step = 0; step < kSteps; ++step) {
    SplitSums sums;
    trainer.begin_sums(sums);
    const StepOutcome outcome =
        trainer.train_batch(*trainer.setup().train().full, order, step * kBatch, step, 0, sums);
    ASSERT_EQ(outcome.outcome, Outcome::kCompleted) << outcome.reason;
    const std::string at = " " + std::to_string(step);
    for (double& term : sums.terms) term /= static_cast<double>(kBatch);
    ASSERT_EQ(sums.terms.size(), golden.at("terms" + at).size());
    expect_close("terms" + at, sums.terms.data(), golden.at("terms" + at));
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      const std::string of = at + " " + tensors[t].name;
      expect_close("gradient" + of, trainer.gradients().gradient(static_cast<int>(t)),
                   golden.at("gradient" + of));
      expect_close("weights" + of, trainer.parameters().real(static_cast<int>(t)),
                   golden.at("weights" + of));
    }
  }
}

TEST(Golden, FiveStepsAgreeWithPyTorch) {
  const auto cases = read_golden("golden_autoencoder.txt");
  ASSERT_EQ(cases.size(), 3u);
  for (const auto& [name, golden] : cases) check_case(name, golden);
}

}  // namespace
}  // namespace aesweep::test
