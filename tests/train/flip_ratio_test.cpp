// Proves that train/flip_ratio_<layer> is the mean over an epoch's steps of the fraction of a
// layer's quantized weights that changed since the step before: against signs of the real weights,
// compared here step by step; that evaluation, which may quantize otherwise, does not disturb it;
// that under a moving scale, where every value changes in every step, signs are compared, and the
// formula says so; and that it has the same bits on any number of ranks.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "core/train/trainer.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kTrainRows = 50;  // Four steps an epoch.
constexpr std::int64_t kBatch = 13;
constexpr std::int64_t kEpochs = 3;
constexpr std::int64_t kCols = 24;

TrialSpec base(const std::string& quantizer) {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("in", 9, "tanh"), dense("code", 7, "tanh"),
                       dense("output", 0, "sigmoid")};
  spec.model.layers[0].quantizer = ComponentSpec{quantizer, {}};
  spec.model.layers[2].quantizer = ComponentSpec{quantizer, {}};
  spec.optimizer = {"adam", {{"lr", 0.02}}};
  spec.train.epochs = kEpochs;
  spec.train.batch_rows = kBatch;
  spec.train.shard_rows = 4;
  return spec;
}

std::vector<bool> signs(const float* weights, std::size_t count) {
  std::vector<bool> below(count);
  for (std::size_t i = 0; i < count; ++i) below[i] = weights[i] < 0.0f;
  return below;
}

// By epoch, the mean of the fractions of changed signs of a tensor's weights.
std::vector<double> fractions(const TrialSpec& spec, const Dataset& data, int tensor) {
  SoloExchange exchange;
  auto setup = set_up_trial<float>(spec, probe_catalogue(), {kTrainRows, 20, kCols}, 0, 1);
  EXPECT_TRUE(setup.ok()) << setup.status().message();
  Trainer<float> trainer(spec, data, exchange, std::move(setup).value());
  const std::size_t count = trainer.network().tensors()[static_cast<std::size_t>(tensor)].elements;
  std::vector<std::int64_t> order(kTrainRows);
  std::vector<bool> last;
  std::vector<double> by_epoch;
  std::int64_t step = 0;
  for (std::int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    std::iota(order.begin(), order.end(), 0);
    SplitSums sums;
    trainer.begin_sums(sums);
    double total = 0.0;
    int updates = 0;
    const SplitPlans split = trainer.setup().train();
    for (std::int64_t b = 0; b < split.batches; ++b) {
      const std::vector<bool> now = signs(trainer.parameters().real(tensor), count);
      std::size_t changed = 0;
      for (std::size_t i = 0; i < last.size(); ++i) changed += now[i] != last[i] ? 1 : 0;
      if (!last.empty()) {
        total += static_cast<double>(changed) / static_cast<double>(count);
        ++updates;
      }
      last = now;
      const auto outcome =
          trainer.train_batch(split.batch(b), order, b * kBatch, step++, epoch, sums);
      EXPECT_EQ(outcome.outcome, Outcome::kCompleted) << outcome.reason;
    }
    by_epoch.push_back(total / updates);
  }
  return by_epoch;
}

TEST(FlipRatio, IsTheMeanFractionOfChangedSigns) {
  const SmallData data(kTrainRows, 20, kCols);
  for (const std::string quantizer : {"binary", "two_faced", "moving"}) {
    SCOPED_TRACE(quantizer);
    TrialSpec spec = base(quantizer);
    spec.train.shuffle = false;
    const TrialResult one = run_group(spec, probe_catalogue(), data.dataset(), 1);
    ASSERT_EQ(one.outcome, Outcome::kCompleted) << one.reason;
    for (const auto& [layer, tensor] : {std::pair("in", 0), {"output", 4}}) {
      const std::vector<double> expected = fractions(spec, data.dataset(), tensor);
      for (std::int64_t epoch = 1; epoch <= kEpochs; ++epoch) {
        const double ratio = history_value(one, std::string("train/flip_ratio_") + layer, epoch);
        EXPECT_GT(ratio, 0.0);
        // A mean of at most four fractions: a rounding for each division and addition.
        EXPECT_NEAR(ratio, expected[static_cast<std::size_t>(epoch - 1)], 10 * 1.2e-16 * ratio);
      }
    }
    for (int ranks = 2; ranks <= 5; ++ranks) {
      expect_same_bits(one, run_group(spec, probe_catalogue(), data.dataset(), ranks));
    }
  }
}

TEST(FlipRatio, OnlyQuantizedLayersHaveItAndOnlyInTraining) {
  const SmallData data(kTrainRows, 20, kCols);
  const TrialResult result = run_group(base("binary"), probe_catalogue(), data.dataset(), 1);
  std::vector<std::string> names;
  for (const MetricInfo& metric : result.metrics) {
    if (metric.name.find("flip_ratio") != std::string::npos) names.push_back(metric.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"train/flip_ratio_in", "train/flip_ratio_output"}));
  for (const HistoryRow& row : result.history) {
    ASSERT_LT(static_cast<std::size_t>(row.metric), result.metrics.size());
  }
}

TEST(FlipRatio, TheFirstStepOfATrialHasNothingToCompareWith) {
  const SmallData data(kTrainRows, 20, kCols);
  TrialSpec spec = base("binary");
  spec.train.batch_rows = kTrainRows;
  const TrialResult result = run_group(spec, probe_catalogue(), data.dataset(), 2);
  EXPECT_TRUE(std::isnan(history_value(result, "train/flip_ratio_in", 1)));
  EXPECT_FALSE(std::isnan(history_value(result, "train/flip_ratio_in", 2)));
}

TEST(FlipRatio, SignsOfAMovingScaleAreMinusZeroPlusAndNone) {
  TrialSpec spec = base("scripted");
  const auto setup = set_up_trial<float>(spec, probe_catalogue(), {kTrainRows, 20, kCols}, 0, 1);
  ASSERT_TRUE(setup.ok()) << setup.status().message();
  Parameters<float> parameters(setup->network, setup->partition, 0);
  const std::size_t count = setup->network.tensors()[0].elements;
  aesweep_context context{};
  context.mode = AESWEEP_TRAIN;
  std::vector<std::uint64_t> changed;
  for (context.step = 0; context.step < std::size(kScript); ++context.step) {
    parameters.clear_flips();
    const Status status = parameters.quantize(0, context);
    ASSERT_TRUE(status.ok()) << status.message();
    changed.push_back(parameters.flips()[0].changed / count);
  }
  EXPECT_EQ(changed, (std::vector<std::uint64_t>{0, 0, 1, 0, 1, 0, 1, 0, 1, 0}));
}

TEST(FlipRatio, TheFormulaSaysWhatIsCompared) {
  for (const auto& [quantizer, words] :
       {std::pair("binary", "weights that differ from"),
        {"moving", "weights whose sign (-1, 0 or 1) differs from"}}) {
    const TrialSpec spec = base(quantizer);
    const MetricInfo metric = split_metrics("train", spec.model, probe_catalogue(), 0.0).back();
    EXPECT_EQ(metric.name, "train/flip_ratio_output");
    EXPECT_NE(metric.formula.find(words), std::string::npos) << metric.formula;
  }
}

// What a constant image counts: nothing.
TEST(FlipRatio, IsZeroWithoutLearning) {
  const SmallData data(kTrainRows, 20, kCols);
  TrialSpec spec = base("two_faced");
  spec.optimizer = {"sgd", {{"lr", 0.0}}};
  const TrialResult result = run_group(spec, probe_catalogue(), data.dataset(), 3);
  for (std::int64_t epoch = 1; epoch <= kEpochs; ++epoch) {
    EXPECT_EQ(history_value(result, "train/flip_ratio_output", epoch), 0.0);
  }
}

}  // namespace
}  // namespace aesweep::test
