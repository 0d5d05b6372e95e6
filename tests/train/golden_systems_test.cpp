// Proves that the first five steps of semantic hashing, the L1 penalty autoencoder and the Keras
// softmax-KL autoencoder (docs/systems.md) agree with PyTorch in float64: loss terms, gradients and
// weights. golden_systems.py made the numbers; the initial weights and the data come from it.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/train/golden_file.hpp"
#include "tests/train/golden_steps.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 5, kRelu = 4, kHash = 3, kCode = 3, kBatch = 7, kSteps = 5;

TrialSpec base() {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.train.batch_rows = kBatch;
  spec.train.shard_rows = 4;
  spec.train.shuffle = false;
  return spec;
}

RegularizerSpec decay(double coefficient) {
  return regularizer("l2", RegularizerTarget::kWeights, {{"coefficient", coefficient}});
}

TrialSpec hashing(const ComponentSpec& code, double accumulator) {
  TrialSpec spec = base();
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("encoder", kRelu, "relu"), dense("code", kHash, ""),
                       dense("expander", kRelu, "relu"),
                       dense("decoder", 0, "leaky_relu", {{"slope", 0.01}})};
  spec.model.layers[1].activation = code;
  for (LayerSpec& layer : spec.model.layers) layer.regularizers = {decay(1e-4)};
  spec.optimizer = {"adagrad",
                    {{"lr", 0.05}, {"epsilon", 1e-6}, {"initial_accumulator", accumulator}}};
  return spec;
}

TrialSpec l1_penalty() {
  TrialSpec spec = base();
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", kCode, "tanh"), dense("decoder", 0, "sigmoid")};
  spec.model.layers[0].regularizers = {
      regularizer("l1", RegularizerTarget::kActivations,
                  {{"coefficient", 0.1}, {"reduction", std::string("sum")}})};
  spec.optimizer = {"adam", {{"lr", 1e-3}}};
  return spec;
}

TrialSpec keras(bool divided) {
  TrialSpec spec = base();
  spec.model.loss = {"binary_cross_entropy", {}};
  spec.model.layers = {dense("code", kCode, "relu"), dense("decoder", 0, "sigmoid")};
  for (LayerSpec& layer : spec.model.layers) {
    layer.regularizers = {
        decay(1e-3),
        regularizer("softmax_kl", RegularizerTarget::kActivations,
                    {{"coefficient", 3.0}, {"rho", 0.05}, {"divide_by_batch", divided}})};
  }
  spec.optimizer = {"adam", {{"lr", 1e-3}, {"epsilon", 1e-7}}};
  return spec;
}

std::map<std::string, TrialSpec> specs() {
  std::map<std::string, TrialSpec> all;
  for (const std::string surrogate : {"tanh", "identity", "clipped", "swish", "approx"}) {
    all["hashing_" + surrogate] = hashing({"binary", {{"surrogate", surrogate}}}, 0.0);
  }
  all["hashing_annealed"] = hashing({"slope_annealed", {{"slope_end", 20.0}}}, 0.0);
  all["hashing_real"] = hashing({"identity", {}}, 0.0);
  all["hashing_dl4j"] = hashing({"binary", {{"surrogate", std::string("tanh")}}}, 1e-6);
  all["l1_penalty"] = l1_penalty();
  all["keras"] = keras(false);
  all["keras_divided"] = keras(true);
  return all;
}

// A value is the end of a chain of at most about (D + K + B) additions per layer and step, with K
// the widths of the code and of the hidden layers; Adam and AdaGrad divide a gradient by its own
// size, which hands its relative error on unchanged. Five steps of at most four layers, forward and
// back, roundings of the largest term; the softmax of the batch adds its B exponentials and their
// sums, twice.
constexpr double kRoundings = 8.0 * kSteps * (kCols + kRelu + kHash + kBatch + 2 * kBatch);

void check_case(const std::string& name, const TrialSpec& spec, const Golden& golden) {
  SCOPED_TRACE(name);
  expect_golden_steps(spec, {kCols, kBatch, kSteps}, golden, kRoundings);
}

TEST(GoldenSystems, FiveStepsAgreeWithPyTorch) {
  const auto golden = read_golden("golden_systems.txt");
  const auto trials = specs();
  ASSERT_EQ(golden.size(), trials.size());
  for (const auto& [name, spec] : trials) {
    ASSERT_TRUE(golden.contains(name)) << name;
    check_case(name, spec, golden.at(name));
  }
}

}  // namespace
}  // namespace aesweep::test
