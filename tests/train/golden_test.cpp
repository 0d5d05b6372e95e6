// Proves that the first five steps of training agree with PyTorch in float64: loss terms, gradients
// and weights. golden_autoencoder.py made the numbers; the initial weights and the data come from
// it.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/train/golden_file.hpp"
#include "tests/train/golden_steps.hpp"
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

void check_case(const std::string& name, const Golden& golden) {
  SCOPED_TRACE(name);
  expect_golden_steps(spec_of(name), {kCols, kBatch, kSteps}, golden, kRoundings);
}

TEST(Golden, FiveStepsAgreeWithPyTorch) {
  const auto cases = read_golden("golden_autoencoder.txt");
  ASSERT_EQ(cases.size(), 3u);
  for (const auto& [name, golden] : cases) check_case(name, golden);
}

}  // namespace
}  // namespace aesweep::test
