#include "tests/train/golden_steps.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "core/train/trainer.hpp"
#include "tests/support/builtins.hpp"

namespace aesweep::test {
namespace {

Dataset dataset_of(const GoldenShape& shape, const Values& data,
                   std::span<const std::int32_t> labels) {
  Dataset dataset;
  dataset.train.element = Element::kF64;
  dataset.train.rows = shape.steps * shape.batch_rows;
  dataset.train.cols = shape.cols;
  dataset.train.samples = reinterpret_cast<const std::byte*>(data.data());
  dataset.train.labels = labels.empty() ? nullptr : labels.data();
  dataset.train.variation = 1.0;
  dataset.test = dataset.train;
  return dataset;
}

void set_initial(Trainer<double>& trainer, const Golden& golden) {
  const std::vector<Tensor>& tensors = trainer.network().tensors();
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const Values& initial = golden.at("initial " + tensors[t].name);
    ASSERT_EQ(initial.size(), tensors[t].elements);
    std::copy(initial.begin(), initial.end(), trainer.parameters().real(static_cast<int>(t)));
  }
}

void expect_step(Trainer<double>& trainer, SplitSums sums, std::int64_t step, const Golden& golden,
                 double roundings) {
  const std::string at = " " + std::to_string(step);
  for (double& term : sums.terms) term /= static_cast<double>(sums.rows);
  ASSERT_EQ(sums.terms.size(), golden.at("terms" + at).size());
  expect_close("terms" + at, sums.terms.data(), golden.at("terms" + at), roundings);
  const std::vector<Tensor>& tensors = trainer.network().tensors();
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const std::string of = at + " " + tensors[t].name;
    expect_close("gradient" + of, trainer.gradients().gradient(static_cast<int>(t)),
                 golden.at("gradient" + of), roundings);
    expect_close("weights" + of, trainer.parameters().real(static_cast<int>(t)),
                 golden.at("weights" + of), roundings);
  }
}

}  // namespace

void expect_golden_steps(const TrialSpec& spec, const GoldenShape& shape, const Golden& golden,
                         double roundings, std::span<const std::int32_t> labels) {
  const Dataset dataset = dataset_of(shape, golden.at("data"), labels);
  const std::int64_t rows = dataset.train.rows;
  ASSERT_EQ(golden.at("data").size(), static_cast<std::size_t>(rows * shape.cols));
  SoloExchange exchange;
  auto setup = set_up_trial<double>(spec, builtins(), {rows, rows, shape.cols}, 0, 1);
  ASSERT_TRUE(setup.ok()) << setup.status().message();
  ASSERT_EQ(setup->total_steps, shape.steps);
  Trainer<double> trainer(spec, dataset, exchange, std::move(setup).value());
  ASSERT_EQ(trainer.network().tensors().size(), 2 * spec.model.layers.size());
  set_initial(trainer, golden);
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t step = 0; step < shape.steps; ++step) {
    SplitSums sums;
    trainer.begin_sums(sums);
    const StepOutcome outcome = trainer.train_batch(*trainer.setup().train().full, order,
                                                    step * shape.batch_rows, step, 0, sums);
    ASSERT_EQ(outcome.outcome, Outcome::kCompleted) << outcome.reason;
    ASSERT_EQ(sums.rows, shape.batch_rows);
    expect_step(trainer, sums, step, golden, roundings);
    if (labels.empty()) continue;
    EXPECT_EQ(sums.error, golden.at("error " + std::to_string(step)).at(0)) << step;
  }
}

}  // namespace aesweep::test
