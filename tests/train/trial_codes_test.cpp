// Proves that a trial evaluates its codes as hashes once, after the last epoch: with the values
// that evaluate_codes has for its final weights, under metrics that come last, on any number of
// ranks, after a resume and without an epoch; and that a trial which ends before has none.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/train/code_evaluation.hpp"
#include "core/train/trainer.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/scripted_control.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 7;

// With labels in both splits.
const Dataset& dataset() {
  static const SmallData data(50, 20, kCols);
  static const Dataset set = [] {
    Dataset labelled = data.dataset();
    labelled.test.labels = labelled.train.labels;
    return labelled;
  }();
  return set;
}

TrialSpec base() {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", 6, "tanh"), dense("output", kCols, "")};
  spec.model.layers[0].quantizer = ComponentSpec{"binary_connect", {}};
  spec.optimizer = {"adam", {{"lr", 0.01}}};
  spec.train.epochs = 3;
  spec.train.batch_rows = 13;
  spec.train.shard_rows = 4;
  spec.evaluate.codes = CodeEvaluationSpec{{Binarization::kZero, Binarization::kMedian}, 11, 0, 1};
  return spec;
}

bool is_code_metric(const TrialResult& result, const HistoryRow& row) {
  return result.metrics[static_cast<std::size_t>(row.metric)].name.starts_with("codes/");
}

std::vector<HistoryRow> code_rows(const TrialResult& result) {
  std::vector<HistoryRow> rows;
  for (const HistoryRow& row : result.history) {
    if (is_code_metric(result, row)) rows.push_back(row);
  }
  return rows;
}

// evaluate_codes of a trainer that starts from the weights.
std::vector<double> scores_of(const TrialResult& result) {
  TrialSpec spec = base();
  spec.model.given_weights = GivenWeights{
      std::make_shared<const std::vector<NamedTensor>>(result.weights_final), "sum", {}};
  SoloExchange alone;
  auto setup = set_up_trial<double>(spec, probe_catalogue(), extent_of(dataset()), 0, 1);
  EXPECT_TRUE(setup.ok()) << setup.status().message();
  Trainer<double> trainer(spec, dataset(), alone, std::move(setup).value());
  return evaluate_codes(spec, dataset(), trainer.network(), trainer.parameters(), alone,
                        result.steps)
      .values;
}

TEST(TrialCodes, AreEvaluatedOnceAfterTheLastEpoch) {
  const TrialResult result = run_group(base(), probe_catalogue(), dataset(), 1);
  ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  const std::vector<HistoryRow> rows = code_rows(result);
  const std::vector<MetricInfo> metrics =
      code_metrics(*base().evaluate.codes, Target::kInput, true);
  const std::vector<double> scores = scores_of(result);
  ASSERT_EQ(rows.size(), metrics.size());
  ASSERT_EQ(scores.size(), metrics.size());
  ASSERT_FALSE(scores.empty());
  const std::size_t first = result.metrics.size() - metrics.size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].epoch, 3);
    EXPECT_EQ(rows[i].step, 12);
    EXPECT_EQ(static_cast<std::size_t>(rows[i].metric), first + i);
    EXPECT_EQ(result.metrics[first + i].name, metrics[i].name);
    EXPECT_EQ(rows[i].value, scores[i]) << metrics[i].name;
  }
  for (int ranks = 2; ranks <= 4; ++ranks) {
    expect_same_bits(result, run_group(base(), probe_catalogue(), dataset(), ranks));
  }
}

// Nothing else of the trial is different for it.
TEST(TrialCodes, ChangeNoOtherBits) {
  TrialResult with = run_group(base(), probe_catalogue(), dataset(), 2);
  TrialSpec spec = base();
  spec.evaluate.codes.reset();
  std::erase_if(with.history, [&](const HistoryRow& row) { return is_code_metric(with, row); });
  expect_same_bits(with, run_group(spec, probe_catalogue(), dataset(), 2));
}

TEST(TrialCodes, AreEvaluatedOnceAfterAResumeInTheLastEpoch) {
  const TrialResult undisturbed = run_group(base(), probe_catalogue(), dataset(), 1);
  // Two steps before its end, and after its last step.
  for (const std::int64_t step : {10, 12}) {
    std::vector<Seen> seen(2);
    const auto leaving = [&](int rank) {
      return std::make_unique<ScriptedControl>(
          seen[static_cast<std::size_t>(rank)], [step](const StepReport& report) {
            return report.steps == step ? kControlInterrupt : kControlGoOn;
          });
    };
    const TrialResult left = run_group(base(), probe_catalogue(), dataset(), 2, leaving, nullptr);
    ASSERT_EQ(left.outcome, Outcome::kInterrupted);
    EXPECT_TRUE(code_rows(left).empty());
    const auto quiet = [](int) { return std::make_unique<TrialControl>(); };
    expect_same_bits(undisturbed, run_group(base(), probe_catalogue(), dataset(), 3, quiet,
                                            &seen[0].states.front()));
  }
}

TEST(TrialCodes, AreThoseOfTheInitialWeightsWithoutAnEpoch) {
  TrialSpec spec = base();
  spec.train.epochs = 0;
  const TrialResult result = run_group(spec, probe_catalogue(), dataset(), 2);
  ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  const std::vector<double> scores = scores_of(result);
  const std::vector<HistoryRow> rows = code_rows(result);
  ASSERT_EQ(rows.size(), scores.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].epoch, 0);
    EXPECT_EQ(rows[i].value, scores[i]);
  }
}

TEST(TrialCodes, AreNotThereIfTheTrialEndsBefore) {
  std::vector<Seen> seen(2);
  const auto pruning = [&](int rank) {
    return std::make_unique<ScriptedControl>(
        seen[static_cast<std::size_t>(rank)],
        [](const StepReport& report) { return report.steps == 10 ? kControlPrune : kControlGoOn; },
        "enough");
  };
  const TrialResult pruned = run_group(base(), probe_catalogue(), dataset(), 2, pruning, nullptr);
  EXPECT_EQ(pruned.outcome, Outcome::kPruned);
  EXPECT_TRUE(code_rows(pruned).empty());
  EXPECT_FALSE(pruned.history.empty());
}

}  // namespace
}  // namespace aesweep::test
