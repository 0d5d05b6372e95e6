// Proves that the first five steps of a classifier agree with PyTorch in float64: label targets,
// cosine schedule with warm-up and norm clipping together; losses, wrong predictions, clipped
// gradients and weights. golden_classifier.py made the numbers; the initial weights and the data
// come from it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/train/golden_file.hpp"
#include "tests/train/golden_steps.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 7, kUnits = 5, kClasses = 4, kBatch = 6, kSteps = 5;

// As in golden_test: a chain of additions per layer and step, five steps of two layers, forward and
// back. The norm adds a sum over all 64 learned values and its root, the schedule ten roundings, in
// every step.
constexpr double kRoundings = kSteps * (4.0 * (kCols + kUnits + kBatch) + 64 + 10);

TrialSpec classifier() {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {}};
  spec.model.target = Target::kLabels;
  spec.model.classes = kClasses;
  spec.model.layers = {dense("code", kUnits, "tanh"), dense("output", 0, "")};
  spec.optimizer = {"adam", {{"lr", 0.02}, {"epsilon", 1e-8}}};
  spec.train.batch_rows = kBatch;
  spec.train.shard_rows = 4;
  spec.train.schedule = {ScheduleKind::kCosine, SchedulePer::kStep, 2, 0.1};
  spec.train.clip.norm = 0.05;
  return spec;
}

TEST(GoldenClassifier, FiveStepsAgreeWithPyTorch) {
  const auto cases = read_golden("golden_classifier.txt");
  ASSERT_EQ(cases.size(), 1u);
  const Golden& golden = cases.at("cosine_norm_adam");
  const std::vector<std::int32_t> labels(golden.at("labels").begin(), golden.at("labels").end());
  expect_golden_steps(classifier(), {kCols, kBatch, kSteps}, golden, kRoundings, labels);
}

}  // namespace
}  // namespace aesweep::test
