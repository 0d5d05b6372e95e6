// Proves that the first five steps of a classifier agree with PyTorch in float64: label targets,
// cosine schedule with warm-up and norm clipping together; losses, wrong predictions, clipped
// gradients and weights. golden_classifier.py made the numbers; the initial weights and the data
// come from it.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "core/train/trainer.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/golden_file.hpp"
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
  const TrialSpec spec = classifier();
  const Values& data = golden.at("data");
  const std::vector<std::int32_t> labels(golden.at("labels").begin(), golden.at("labels").end());
  Dataset dataset;
  dataset.train.element = Element::kF64;
  dataset.train.rows = kSteps * kBatch;
  dataset.train.cols = kCols;
  dataset.train.samples = reinterpret_cast<const std::byte*>(data.data());
  dataset.train.labels = labels.data();
  dataset.test = dataset.train;
  SoloExchange exchange;
  auto setup =
      set_up_trial<double>(spec, builtins(), {kSteps * kBatch, kSteps * kBatch, kCols}, 0, 1);
  ASSERT_TRUE(setup.ok()) << setup.status().message();
  ASSERT_EQ(setup->total_steps, kSteps);
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
    const double loss = sums.terms.at(0) / static_cast<double>(kBatch);
    expect_close("terms" + at, &loss, golden.at("terms" + at), kRoundings);
    EXPECT_EQ(sums.error, golden.at("error" + at).at(0)) << step;
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      const std::string of = at + " " + tensors[t].name;
      expect_close("gradient" + of, trainer.gradients().gradient(static_cast<int>(t)),
                   golden.at("gradient" + of), kRoundings);
      expect_close("weights" + of, trainer.parameters().real(static_cast<int>(t)),
                   golden.at("weights" + of), kRoundings);
    }
  }
}

}  // namespace
}  // namespace aesweep::test
