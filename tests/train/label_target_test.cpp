// Proves that a model with label targets learns the rows that are 1 at the label, and that its
// metric error is the fraction of wrong predictions: against the final weights, multiplied out here
// in plain loops; that ties go to the first class; and that data which cannot be predicted is
// refused by name. Also that evaluation and samples are told the finished training steps.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/train/batch_sums.hpp"
#include "core/train/setup.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 12;
constexpr std::int64_t kUnits = 15;
constexpr std::int64_t kClasses = 11;  // Labels are 0..9: a class without samples is legal.

// SmallData has labels for training alone; these are both splits'.
struct Labelled {
  explicit Labelled(std::int64_t test_rows) : source(101, test_rows, kCols) {
    dataset = source.dataset();
    for (std::int64_t i = 0; i < test_rows; ++i) {
      test_labels.push_back(static_cast<std::int32_t>((3 * i + 1) % 10));
    }
    dataset.test.labels = test_labels.data();
  }

  SmallData source;
  std::vector<std::int32_t> test_labels;
  Dataset dataset;
};

TrialSpec base() {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {}};
  spec.model.target = Target::kLabels;
  spec.model.classes = kClasses;
  spec.model.layers = {dense("code", kUnits, "tanh"), dense("output", 0, "")};
  spec.optimizer = {"adam", {{"lr", 0.01}}};
  spec.train.epochs = 4;
  spec.train.batch_rows = 30;
  spec.train.shard_rows = 7;
  return spec;
}

// The prediction of a row by the final weights.
std::vector<double> prediction(const TrialResult& result, const double* x) {
  const std::vector<double> w1 = values_of(result.weights_final[0]);
  const std::vector<double> b1 = values_of(result.weights_final[1]);
  const std::vector<double> w2 = values_of(result.weights_final[2]);
  std::vector<double> y = values_of(result.weights_final[3]);
  for (std::size_t k = 0; k < kUnits; ++k) {
    double h = b1[k];
    for (std::size_t j = 0; j < kCols; ++j) h += x[j] * w1[j * kUnits + k];
    for (std::size_t c = 0; c < kClasses; ++c) y[c] += std::tanh(h) * w2[k * kClasses + c];
  }
  return y;
}

TEST(LabelTarget, ErrorAndLossAreThoseOfThePredictions) {
  const Labelled data(37);
  const TrialResult result = run_group(base(), probe_catalogue(), data.dataset, 1);
  ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  double squared = 0.0;
  int wrong = 0;
  const auto* x = reinterpret_cast<const double*>(data.dataset.test.samples);
  for (std::size_t i = 0; i < 37; ++i) {
    const std::vector<double> y = prediction(result, x + i * kCols);
    const int label = data.test_labels[i];
    for (int c = 0; c < kClasses; ++c) {
      const double error = y[static_cast<std::size_t>(c)] - (c == label ? 1.0 : 0.0);
      squared += error * error;
    }
    wrong += std::max_element(y.begin(), y.end()) - y.begin() != label ? 1 : 0;
  }
  EXPECT_GT(wrong, 0);
  EXPECT_LT(wrong, 37);
  EXPECT_EQ(history_value(result, "test/error", 4), wrong / 37.0);
  // Sums of at most 15 + 12 + 37 * 11 terms, in another order.
  EXPECT_NEAR(history_value(result, "test/loss_prediction", 4), squared / (37.0 * kClasses), 1e-13);
  EXPECT_LT(history_value(result, "train/loss_prediction", 4),
            history_value(result, "train/loss_prediction", 1));
  std::vector<std::string> test_metrics;
  for (const MetricInfo& metric : result.metrics) {
    if (metric.name.starts_with("test/")) test_metrics.push_back(metric.name.substr(5));
  }
  EXPECT_EQ(test_metrics, (std::vector<std::string>{"loss", "loss_prediction", "error", "l0",
                                                    "dead", "mean_activation"}));
  ASSERT_EQ(result.samples.size(), 3u);
  EXPECT_EQ(result.samples[2].name, "predictions");
  EXPECT_EQ(result.samples[2].shape, (std::vector<std::int64_t>{37, kClasses}));
  EXPECT_EQ(result.sample_labels, data.test_labels);
}

TEST(LabelTarget, TheSameBitsOnAnyRanks) {
  const Labelled data(37);
  for (const Scalar scalar : {Scalar::kF32, Scalar::kF64}) {
    TrialSpec spec = base();
    spec.model.scalar = scalar;
    const TrialResult one = run_group(spec, probe_catalogue(), data.dataset, 1);
    for (int ranks = 2; ranks <= 5; ++ranks) {
      expect_same_bits(one, run_group(spec, probe_catalogue(), data.dataset, ranks));
    }
  }
}

TEST(LabelTarget, TheFirstOfEqualPredictionsCounts) {
  // Rows of three classes with one value of padding, which is the largest of all.
  const std::vector<double> values = {1, 1, 0, 9, 0, 2, 2, 9, -1, -1, -1, 9, 3, 3, 3, 9};
  const Abi<double>::ConstMatrix prediction = {values.data(), nullptr, 4, 3, 4};
  const auto wrong = [&](std::vector<std::int32_t> labels) {
    return misclassified<double>(prediction, labels.data());
  };
  EXPECT_EQ(wrong({0, 1, 0, 0}), 0.0);
  EXPECT_EQ(wrong({1, 2, 1, 2}), 4.0);
  EXPECT_EQ(wrong({0, 2, 0, 1}), 2.0);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    std::vector<double> with = values;
    with[5] = bad;
    const Abi<double>::ConstMatrix m = {with.data(), nullptr, 4, 3, 4};
    const std::int32_t labels[] = {0, 1, 0, 0};
    EXPECT_TRUE(std::isnan(misclassified<double>(m, labels)));
  }
  const Abi<double>::ConstMatrix none = {values.data(), nullptr, 0, 3, 4};
  EXPECT_EQ(misclassified<double>(none, nullptr), 0.0);
}

TEST(LabelTarget, DataThatCannotBePredictedIsRefused) {
  const auto refused = [](const TrialSpec& spec, const Dataset& data, const std::string& message) {
    for (int ranks = 1; ranks <= 2; ++ranks) {
      const TrialResult result = run_group(spec, probe_catalogue(), data, ranks);
      EXPECT_EQ(result.outcome, Outcome::kFailed);
      EXPECT_EQ(result.reason, message);
    }
    EXPECT_EQ(check_target(spec.model, data).fault(), Fault::kInput);
  };
  const SmallData half(20, 10, kCols);
  refused(base(), half.dataset(),
          "model.target: is labels, but the data's test split has no labels; use data with labels "
          "or target input");
  Labelled data(20);
  data.test_labels[7] = -1;
  refused(base(), data.dataset,
          "model.classes: is 11, but test sample 7 of the data has the label -1; labels are in [0, "
          "classes)");
  TrialSpec few = base();
  few.model.classes = 9;
  refused(few, data.dataset,
          "model.classes: is 9, but training sample 9 of the data has the label 9; labels are in "
          "[0, classes)");
}

// 101 samples in batches of 30: four steps an epoch. The clock checks every call.
TEST(LabelTarget, EvaluationAndSamplesKnowTheFinishedTrainingSteps) {
  const Labelled data(37);
  TrialSpec spec = base();
  spec.model.layers[1].activation = ComponentSpec{"clock", {{"steps_per_epoch", std::int64_t{4}}}};
  for (int ranks = 1; ranks <= 2; ++ranks) {
    const TrialResult result = run_group(spec, probe_catalogue(), data.dataset, ranks);
    EXPECT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
    EXPECT_EQ(result.samples.size(), 3u);
  }
}

}  // namespace
}  // namespace aesweep::test
