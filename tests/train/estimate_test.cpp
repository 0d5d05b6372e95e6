// Proves that the plan's memory figure is what a trial takes: the bytes that a whole trial on one
// rank, and building a trainer for every rank of groups of two to four, allocate, beside the
// estimate; and that impossible models are refused.
#include "core/train/estimate.hpp"

#include <gtest/gtest.h>

#include "core/train/trainer.hpp"
#include "core/train/trial.hpp"
#include "tests/support/allocation_count.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"
#include "tests/train/view_components.hpp"
#include "tests/train/view_specs.hpp"

namespace aesweep::test {
namespace {

// An exchange that only knows its place in a group.
class PlaceOnly final : public Exchange {
 public:
  PlaceOnly(int rank, int ranks) : rank_(rank), ranks_(ranks) {}
  int rank() const override { return rank_; }
  int ranks() const override { return ranks_; }
  void share(std::span<const std::byte>, std::span<const std::size_t>,
             std::span<std::byte>) override {}
  void send(int, int, std::span<const std::byte>) override {}
  Ticket receive(int, int, std::span<std::byte>) override { return 0; }
  Ticket start_sum(std::span<float>) override { return 0; }
  Ticket start_sum(std::span<double>) override { return 0; }
  void progress() override {}
  bool done(Ticket) override { return true; }
  void wait(Ticket) override {}
  void finish() override {}
  std::uint64_t bytes_sent() const override { return 0; }
  double blocked_seconds() const override { return 0.0; }

 private:
  int rank_;
  int ranks_;
};

DatasetLayout layout_of(std::int64_t train_rows, std::int64_t test_rows, std::int64_t cols) {
  DatasetLayout layout{};
  layout.train.rows = train_rows;
  layout.test.rows = test_rows;
  layout.train.cols = layout.test.cols = cols;
  return layout;
}

TrialSpec large_spec() {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", 300, "topk", {{"k", std::int64_t{10}}}),
                       dense("output", 0, "sigmoid")};
  spec.model.layers[1].quantizer = ComponentSpec{"binary", {}};
  spec.optimizer = {"adam", {}};
  spec.train.batch_rows = 100;
  spec.train.shard_rows = 16;
  return spec;
}

// Three viewers of one tensor, so that contributions need scratch as well as buffers; rounds.
TrialSpec viewing_spec() {
  TrialSpec spec = large_spec();
  spec.model.layers = {dense("code", 120, "tanh"), tied("up", "code/weights"),
                       tied("down", "code/weights", true), norm("norm"),
                       tied("output", "code/weights")};
  spec.model.layers[0].quantizer = ComponentSpec{"squash", {}};
  return spec;
}

// Tensors with one slot of state, with two, and with a copy from before the update.
TrialSpec choosing_spec() {
  TrialSpec spec = large_spec();
  spec.model.layers[0].optimizer = LayerOptimizerSpec{{"sgd", {}}};
  spec.model.layers[1].quantizer = ComponentSpec{"binary_connect", {}};
  spec.model.layers[1].optimizer =
      LayerOptimizerSpec{{"sgd", {{"momentum", 0.5}}}, OptimizerTarget::kQuantized};
  return spec;
}

// The rows to predict are a large part of it.
TrialSpec predicting_spec() {
  TrialSpec spec = large_spec();
  spec.model.layers[0] = dense("code", 20, "tanh");
  spec.model.target = Target::kLabels;
  spec.model.classes = 900;
  spec.train.batch_rows = 400;
  return spec;
}

// Statistics rounds: of K * K doubles, in which stack and parts are most of it; of few, over a wide
// layer with running buffers.
TrialSpec decorrelated_spec() {
  TrialSpec spec = large_spec();
  spec.model.layers = {dense("code", 128, "tanh"), dense("output", 0, "sigmoid")};
  spec.model.layers[0].regularizers = {
      regularizer("decorrelation", RegularizerTarget::kActivations, {{"coefficient", 0.1}})};
  return spec;
}

TrialSpec normalized_spec() {
  TrialSpec spec = large_spec();
  LayerSpec norm;
  norm.name = "norm";
  norm.layer = {"batch_norm", {}};
  spec.model.layers = {norm, dense("code", 4, "tanh"), dense("output", 0, "sigmoid")};
  return spec;
}

// More in the quantizer's keeping than in the weights.
TrialSpec keeping_spec() {
  TrialSpec spec = large_spec();
  spec.model.layers[0].quantizer = ComponentSpec{"keeper", {}};
  return spec;
}

// Takes a checkpoint after the first step.
class OneCheckpoint final : public TrialControl {
 public:
  std::uint32_t wanted(const StepReport& report) override {
    return report.steps == 1 ? kControlCheckpoint : kControlGoOn;
  }
  void checkpoint(TrialState state) override { bytes = state_bytes(state); }

  std::uint64_t bytes = 0;
};

// Small vectors, labels, the agreement's buffers and the history are not in the estimate.
void expect_near(std::uint64_t estimate, std::uint64_t allocated) {
  const auto bytes = static_cast<double>(allocated);
  EXPECT_NEAR(static_cast<double>(estimate), bytes, 0.03 * bytes);
}

TEST(Estimate, MemoryIsWhatATrialAllocates) {
  const SmallData data(400, 200, 500);
  for (const TrialSpec& spec : {large_spec(), viewing_spec(), choosing_spec(), decorrelated_spec(),
                                normalized_spec(), keeping_spec()}) {
    SCOPED_TRACE(spec.model.layers[0].name + ", " + std::to_string(spec.model.layers.size()));
    const auto estimate = estimate_trial(spec, view_catalogue(), layout_of(400, 200, 500), 1);
    ASSERT_TRUE(estimate.ok()) << estimate.status().message();
    SoloExchange alone;
    OneCheckpoint once;
    const std::uint64_t before = allocation_count().bytes_by_new;
    const TrialResult result = run_trial(spec, view_catalogue(), data.dataset(), alone, once);
    ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
    EXPECT_EQ(estimate->snapshot_bytes, once.bytes);
    expect_near(estimate->memory_bytes_per_rank, allocation_count().bytes_by_new - before);
  }
}

void expect_estimate_of_groups(TrialSpec spec) {
  const SmallData data(400, 200, 500);
  spec.record = {false, 1, 0};
  for (int ranks = 2; ranks <= 4; ++ranks) {
    SCOPED_TRACE(ranks);
    const auto estimate = estimate_trial(spec, view_catalogue(), layout_of(400, 200, 500), ranks);
    ASSERT_TRUE(estimate.ok()) << estimate.status().message();
    std::uint64_t largest = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      PlaceOnly exchange(rank, ranks);
      auto setup = set_up_trial<float>(spec, view_catalogue(), {400, 200, 500}, rank, ranks);
      ASSERT_TRUE(setup.ok()) << setup.status().message();
      const std::uint64_t before = allocation_count().bytes_by_new;
      const Trainer<float> trainer(spec, data.dataset(), exchange, std::move(setup).value());
      const std::uint64_t snapshot = rank == 0 ? estimate->snapshot_bytes : 0;
      largest = std::max(largest, allocation_count().bytes_by_new - before + snapshot);
    }
    expect_near(estimate->memory_bytes_per_rank, largest);
  }
}

TEST(Estimate, MemoryOfAGroupIsThatOfItsLargestRank) {
  expect_estimate_of_groups(large_spec());
  expect_estimate_of_groups(viewing_spec());
  expect_estimate_of_groups(choosing_spec());
  expect_estimate_of_groups(predicting_spec());
  expect_estimate_of_groups(decorrelated_spec());
  expect_estimate_of_groups(normalized_spec());
  expect_estimate_of_groups(keeping_spec());
}

TrialEstimate estimate_of(const TrialSpec& spec) {
  const auto estimate = estimate_trial(spec, view_catalogue(), layout_of(400, 200, 500), 1);
  EXPECT_TRUE(estimate.ok()) << estimate.status().message();
  return estimate.ok() ? estimate.value() : TrialEstimate();
}

// A row is taken for 28 bytes, in a checkpoint as in the trial's file, and for 16 in results.h5.
TEST(Estimate, DiskGrowsWithTheRowsThatATrialRecords) {
  const SmallData data(400, 200, 500);
  TrialSpec spec = large_spec();
  spec.model.layers[0].quantizer = ComponentSpec{"binary", {}};
  spec.model.layers[0].regularizers = {
      regularizer("l1", RegularizerTarget::kWeights, {{"coefficient", 0.1}})};
  for (const auto& [evaluated, recorded] : {std::pair(2, 1), {1, 3}, {2, 3}, {2, 4}}) {
    spec.evaluate.every = evaluated;
    spec.record.every = recorded;
    std::uint64_t last_rows = 0;
    TrialEstimate last;
    for (const std::int64_t epochs : {1, 2, 3, 5, 7}) {
      spec.train.epochs = epochs;
      SoloExchange alone;
      TrialControl quiet;
      const std::uint64_t rows =
          run_trial(spec, view_catalogue(), data.dataset(), alone, quiet).history.size();
      const TrialEstimate now = estimate_of(spec);
      if (epochs > 1) {
        const std::uint64_t more = rows - last_rows;
        EXPECT_EQ(now.file_bytes - last.file_bytes, 28 * more) << epochs;
        EXPECT_EQ(now.checkpoint_bytes - last.checkpoint_bytes, 28 * more) << epochs;
        EXPECT_EQ(now.results_bytes - last.results_bytes, 16 * more) << epochs;
      }
      last_rows = rows;
      last = now;
    }
  }
}

// A third split's metrics with each evaluation, those of codes once; without an epoch one
// evaluation.
TEST(Estimate, DiskHoldsTheRowsOfAllSplitsAndOfCodes) {
  const SmallData data(400, 200, 500);
  const SmallData third(100, 1, 500);
  Dataset dataset = data.dataset();
  dataset.validation = third.dataset().train;
  TrialSpec spec = large_spec();
  spec.model.layers[0] = dense("code", 30, "tanh");
  const auto bytes_of = [&](std::int64_t validation_rows) {
    DatasetLayout layout = layout_of(400, 200, 500);
    layout.validation.rows = validation_rows;
    layout.validation.cols = 500;
    const auto estimate = estimate_trial(spec, view_catalogue(), layout, 1);
    EXPECT_TRUE(estimate.ok()) << estimate.status().message();
    return estimate->file_bytes;
  };
  const auto rows_of = [&](const Dataset& of) {
    SoloExchange alone;
    TrialControl quiet;
    const TrialResult result = run_trial(spec, view_catalogue(), of, alone, quiet);
    EXPECT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
    return result.history.size();
  };
  for (const std::int64_t epochs : {3, 0}) {
    spec.train.epochs = epochs;
    spec.evaluate.codes.reset();
    const std::uint64_t bytes = bytes_of(0);
    const std::uint64_t rows = rows_of(data.dataset());
    EXPECT_EQ(bytes_of(100) - bytes, 28 * (rows_of(dataset) - rows));
    spec.evaluate.codes = CodeEvaluationSpec{{Binarization::kZero, Binarization::kMean}, 20, 50, 2};
    EXPECT_GT(rows_of(data.dataset()), rows);
    EXPECT_EQ(bytes_of(0) - bytes, 28 * (rows_of(data.dataset()) - rows));
  }
}

TEST(Estimate, DiskHoldsWeightsAndRunningBuffersTwice) {
  TrialSpec spec = normalized_spec();
  const TrialEstimate with = estimate_of(spec);
  spec.record.weights = false;
  const TrialEstimate without = estimate_of(spec);
  // Gain and bias, mean and variance, two dense layers; initial and final.
  const std::uint64_t values = 4 * 500 + 500 * 4 + 4 + 4 * 500 + 500;
  const std::uint64_t bytes = 2 * (values * sizeof(float) + 8 * 768);
  EXPECT_EQ(with.weight_bytes, bytes);
  EXPECT_EQ(without.weight_bytes, 0U);
  EXPECT_EQ(with.file_bytes - without.file_bytes, bytes);
  EXPECT_EQ(with.results_bytes - without.results_bytes, bytes);
}

TEST(Estimate, CountsParametersStepsAndShards) {
  const auto estimate = estimate_trial(large_spec(), builtins(), layout_of(450, 200, 500), 1);
  ASSERT_TRUE(estimate.ok()) << estimate.status().message();
  EXPECT_EQ(estimate->parameters, 500 * 300 + 300 + 300 * 500 + 500);
  EXPECT_EQ(estimate->steps, 5);
  EXPECT_EQ(estimate->shards_per_batch, 7);
}

TEST(Estimate, RefusesImpossibleModels) {
  const auto refused = [](const TrialSpec& spec, const std::string& message) {
    const auto estimate = estimate_trial(spec, builtins(), layout_of(100, 50, 20), 1);
    ASSERT_FALSE(estimate.ok());
    EXPECT_EQ(estimate.status().fault(), Fault::kInput);
    EXPECT_NE(estimate.status().message().find(message), std::string::npos)
        << estimate.status().message();
  };
  TrialSpec spec = large_spec();
  spec.model.layers[1].layer.parameters = {{"units", std::int64_t{7}}};
  refused(spec, "model.layers.output: gives 7 columns, but the target has 20");
  spec = large_spec();
  spec.model.code = "hidden";
  refused(spec, "model.code: no layer is named hidden");
  spec = large_spec();
  spec.model.layers[0].activation->parameters = {{"k", std::int64_t{301}}};
  refused(spec, "model.layers.code: activation: activation topk (plugin topk)");
  spec = large_spec();
  spec.model.layers[0].layer.name = "conv";
  refused(spec, "layer conv: no such component");
  spec = large_spec();
  spec.optimizer.parameters = {{"learning_rate", 0.1}};
  refused(spec, "optimizer: adam.learning_rate: no such parameter");
  spec = large_spec();
  spec.model.layers[0].regularizers = {
      regularizer("kl_sparsity", RegularizerTarget::kWeights, {{"coefficient", 1.0}})};
  refused(spec, "kl_sparsity does not work on weights");
  spec = large_spec();
  spec.model.layers.clear();
  refused(spec, "model.layers: is empty");
}

// Binary codes have limits that training would meet only at its end.
TEST(Estimate, RefusesCodesThatAreTooWideToEvaluate) {
  const auto with = [](std::int64_t units, std::vector<Binarization> kinds) {
    TrialSpec spec = large_spec();
    spec.model.layers[0] = dense("code", units, "tanh");
    if (!kinds.empty()) spec.evaluate.codes.emplace().binarize = std::move(kinds);
    const auto estimate = estimate_trial(spec, builtins(), layout_of(100, 50, 20), 1);
    return estimate.ok() ? "fits" : estimate.status().message();
  };
  using enum Binarization;
  EXPECT_EQ(with(4096, {kZero, kMean, kMedian}), "fits");
  EXPECT_EQ(with(4097, {}), "fits");
  EXPECT_EQ(with(4097, {kMedian}),
            "evaluate.codes: the code, layer code, has 4097 units; binary codes have at most 4096 "
            "bits: use a narrower code layer, or leave evaluate.codes out");
  EXPECT_EQ(with(1024, {kZero, kItq}), "fits");
  EXPECT_EQ(with(1025, {kZero}), "fits");
  EXPECT_EQ(with(1025, {kZero, kItq}),
            "evaluate.codes: the code, layer code, has 1025 units; itq takes at most 1024: use a "
            "narrower code layer, or leave itq out of evaluate.codes.binarize");
}

}  // namespace
}  // namespace aesweep::test
