// Proves that a validation split is evaluated like the test split and changes nothing else: its
// metrics after the last epoch are those of the final weights, worked out here in plain loops in
// double; all other rows of the history have the bits of a trial without one; and its own have the
// same bits on any number of ranks and after the trial was left and resumed.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/train/setup.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/scripted_control.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 7;
constexpr std::int64_t kUnits = 5;
constexpr std::int64_t kRows = 31;  // Of the validation split: two batches of 13 and one of 5.
constexpr double kThreshold = 0.2;

// SmallData and a validation split whose stored numbers are doubled by its scale.
class ThreeSplits {
 public:
  ThreeSplits() : small_(50, 20, kCols), dataset_(small_.dataset()) {
    for (std::int64_t i = 0; i < kRows * kCols; ++i) {
      stored_.push_back(0.25 + 0.25 * std::cos(0.9 * static_cast<double>(i * (i + 3) % 89)));
    }
    Split& split = dataset_.validation;
    split.element = Element::kF64;
    split.rows = kRows;
    split.cols = kCols;
    split.scale = 2.0;
    split.samples = reinterpret_cast<const std::byte*>(stored_.data());
    for (std::int64_t j = 0; j < kCols; ++j) {
      double mean = 0.0;
      for (std::int64_t i = 0; i < kRows; ++i) mean += value(i, j) / kRows;
      for (std::int64_t i = 0; i < kRows; ++i) {
        split.variation += (value(i, j) - mean) * (value(i, j) - mean);
      }
    }
    for (std::int64_t i = 0; i < kRows; ++i) labels_.push_back(static_cast<std::int32_t>(i % 4));
  }

  [[nodiscard]] double value(std::int64_t row, std::int64_t col) const {
    return 2.0 * stored_[static_cast<std::size_t>(row * kCols + col)];
  }
  [[nodiscard]] const Dataset& dataset() const { return dataset_; }
  [[nodiscard]] Dataset without_validation() const {
    Dataset dataset = dataset_;
    dataset.validation = Split();
    return dataset;
  }
  // With labels in all splits.
  [[nodiscard]] Dataset labelled() const {
    Dataset dataset = dataset_;
    dataset.test.labels = dataset.train.labels;
    dataset.validation.labels = labels_.data();
    return dataset;
  }

 private:
  SmallData small_;
  std::vector<double> stored_;
  std::vector<std::int32_t> labels_;
  Dataset dataset_;
};

TrialSpec base() {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", kUnits, "relu"), dense("output", kCols, "")};
  spec.optimizer = {"adam", {{"lr", 0.01}}};
  spec.train.epochs = 5;
  spec.train.batch_rows = 13;
  spec.train.shard_rows = 4;
  spec.train.seed = 3;
  spec.evaluate.every = 2;
  spec.evaluate.active_threshold = kThreshold;
  return spec;
}

std::vector<std::string> names_of(const TrialResult& result) {
  std::vector<std::string> names;
  for (const MetricInfo& metric : result.metrics) names.push_back(metric.name);
  return names;
}

// x w + b, w[x.size(), b.size()].
std::vector<double> affine(const std::vector<double>& x, const std::vector<double>& w,
                           const std::vector<double>& b) {
  std::vector<double> y = b;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < y.size(); ++j) y[j] += x[i] * w[i * y.size() + j];
  }
  return y;
}

struct Expected {
  double squared = 0.0;
  double code = 0.0;
  double active = 0.0;
  std::vector<int> active_rows = std::vector<int>(kUnits, 0);
};

Expected expected_of(const ThreeSplits& data, const TrialResult& result) {
  std::vector<std::vector<double>> w;
  for (const NamedTensor& tensor : result.weights_final) w.push_back(values_of(tensor));
  Expected sums;
  for (std::int64_t i = 0; i < kRows; ++i) {
    std::vector<double> x;
    for (std::int64_t j = 0; j < kCols; ++j) x.push_back(data.value(i, j));
    std::vector<double> code = affine(x, w[0], w[1]);
    for (std::size_t k = 0; k < code.size(); ++k) {
      code[k] = code[k] > 0.0 ? code[k] : 0.0;
      sums.code += code[k];
      if (code[k] <= kThreshold) continue;
      sums.active += 1.0;
      ++sums.active_rows[k];
    }
    const std::vector<double> y = affine(code, w[2], w[3]);
    for (std::size_t j = 0; j < y.size(); ++j) sums.squared += (x[j] - y[j]) * (x[j] - y[j]);
  }
  return sums;
}

TEST(Validation, MetricsAreThoseOfTheFinalWeights) {
  const ThreeSplits data;
  const TrialResult result = run_group(base(), probe_catalogue(), data.dataset(), 1);
  ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  const Expected sums = expected_of(data, result);
  double dead = 0.0;
  for (const int rows : sums.active_rows) dead += rows == 0 ? 1.0 : 0.0;
  // Sums of some 200 terms, each of some 20 roundings; at worst they all go one way.
  const double relative = 220 * 1.2e-16;
  const auto expect = [&](const std::string& name, double expected) {
    EXPECT_NEAR(history_value(result, "validation/" + name, 5), expected, relative * expected)
        << name;
  };
  expect("mse", sums.squared / (kRows * kCols));
  expect("fvu", sums.squared / data.dataset().validation.variation);
  expect("loss", history_value(result, "validation/loss_reconstruction", 5));
  expect("l0", sums.active / kRows);
  expect("dead", dead / kUnits);
  expect("mean_activation", sums.code / (kRows * kUnits));
  EXPECT_NE(history_value(result, "validation/mse", 5), history_value(result, "test/mse", 5));
}

TEST(Validation, IsDeclaredBetweenTrainAndTestAndOnlyWhereThereIsOne) {
  const ThreeSplits data;
  const std::vector<std::string> each = {"loss", "loss_reconstruction", "mse", "fvu", "l0",
                                         "dead", "mean_activation"};
  std::vector<std::string> names;
  for (const char* split : {"train/", "test/"}) {
    for (const std::string& name : each) names.push_back(split + name);
  }
  const Dataset two = data.without_validation();
  EXPECT_EQ(names_of(run_group(base(), probe_catalogue(), two, 1)), names);
  for (std::size_t i = 0; i < each.size(); ++i) {
    names.insert(names.begin() + static_cast<std::ptrdiff_t>(each.size() + i),
                 "validation/" + each[i]);
  }
  EXPECT_EQ(names_of(run_group(base(), probe_catalogue(), data.dataset(), 1)), names);
}

// The same rows of train and test, and those of validation at the epochs of test.
TEST(Validation, ChangesNoOtherBits) {
  const ThreeSplits data;
  const Dataset two = data.without_validation();
  TrialResult with = run_group(base(), probe_catalogue(), data.dataset(), 2);
  const TrialResult without = run_group(base(), probe_catalogue(), two, 2);
  std::vector<HistoryRow> others;
  std::vector<std::int64_t> epochs;
  std::vector<std::int64_t> test_epochs;
  for (HistoryRow row : with.history) {
    const std::string& name = with.metrics[static_cast<std::size_t>(row.metric)].name;
    if (name == "validation/mse") epochs.push_back(row.epoch);
    if (name == "test/mse") test_epochs.push_back(row.epoch);
    if (name.starts_with("validation/")) continue;
    if (name.starts_with("test/")) row.metric -= 7;
    others.push_back(row);
  }
  EXPECT_EQ(epochs, (std::vector<std::int64_t>{2, 4, 5}));
  EXPECT_EQ(test_epochs, epochs);
  with.history = others;
  expect_same_bits(with, without);
}

TEST(Validation, HasTheSameBitsOnAnyRanksAndAfterAResume) {
  const ThreeSplits data;
  for (const Scalar scalar : {Scalar::kF32, Scalar::kF64}) {
    TrialSpec spec = base();
    spec.model.scalar = scalar;
    const TrialResult one = run_group(spec, probe_catalogue(), data.dataset(), 1);
    for (int ranks = 2; ranks <= 4; ++ranks) {
      expect_same_bits(one, run_group(spec, probe_catalogue(), data.dataset(), ranks));
    }
    // Left after the last step of an epoch that is evaluated, and in the middle of the next.
    for (const std::int64_t step : {16, 18}) {
      std::vector<Seen> seen(2);
      const auto leaving = [&](int rank) {
        return std::make_unique<ScriptedControl>(
            seen[static_cast<std::size_t>(rank)], [step](const StepReport& report) {
              return report.steps == step ? kControlInterrupt : kControlGoOn;
            });
      };
      const TrialResult left =
          run_group(spec, probe_catalogue(), data.dataset(), 2, leaving, nullptr);
      ASSERT_EQ(left.outcome, Outcome::kInterrupted);
      const auto quiet = [](int) { return std::make_unique<TrialControl>(); };
      expect_same_bits(one, run_group(spec, probe_catalogue(), data.dataset(), 3, quiet,
                                      &seen[0].states.front()));
    }
  }
}

TEST(Validation, PredictsLabelsLikeTheOtherSplits) {
  const ThreeSplits data;
  TrialSpec spec = base();
  spec.model.target = Target::kLabels;
  spec.model.classes = 10;
  spec.model.layers[1] = dense("output", 0, "");
  const TrialResult result = run_group(spec, probe_catalogue(), data.labelled(), 2);
  ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  std::vector<std::vector<double>> w;
  for (const NamedTensor& tensor : result.weights_final) w.push_back(values_of(tensor));
  double wrong = 0.0;
  for (std::int64_t i = 0; i < kRows; ++i) {
    std::vector<double> x;
    for (std::int64_t j = 0; j < kCols; ++j) x.push_back(data.value(i, j));
    std::vector<double> code = affine(x, w[0], w[1]);
    for (double& c : code) c = c > 0.0 ? c : 0.0;
    const std::vector<double> y = affine(code, w[2], w[3]);
    wrong += std::max_element(y.begin(), y.end()) - y.begin() == i % 4 ? 0.0 : 1.0;
  }
  EXPECT_EQ(history_value(result, "validation/error", 5), wrong / kRows);
}

TEST(Validation, LabelsThatCannotBePredictedAreRefused) {
  const ThreeSplits data;
  ModelSpec model = base().model;
  model.target = Target::kLabels;
  model.classes = 10;
  Dataset dataset = data.labelled();
  EXPECT_TRUE(check_target(model, dataset).ok());
  dataset.validation.labels = nullptr;
  EXPECT_NE(check_target(model, dataset).message().find("validation split has no labels"),
            std::string::npos);
  std::vector<std::int32_t> labels(kRows, 0);
  labels[30] = 10;
  dataset.validation.labels = labels.data();
  EXPECT_NE(check_target(model, dataset).message().find("validation sample 30"), std::string::npos);
}

}  // namespace
}  // namespace aesweep::test
