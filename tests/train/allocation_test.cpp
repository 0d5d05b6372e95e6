// Proves that a training step and an evaluation batch allocate nothing, by counting every call of
// malloc and its kin over many steps, for a network that uses all paths of a step.
//
// Its products are above a million multiplications: for smaller ones, some kernels of OpenBLAS
// (such as sgemm_small_kernel_nn_COOPERLAKE) take and free a packing buffer in every call.
#include <gtest/gtest.h>

#include <numeric>

#include "core/train/trainer.hpp"
#include "tests/support/allocation_count.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"
#include "tests/train/view_components.hpp"
#include "tests/train/view_specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kBatch = 150;
constexpr std::int64_t kTrainRows = 400;
constexpr std::int64_t kTestRows = 250;
constexpr std::int64_t kCols = 300;

TrialSpec busy_spec() {
  TrialSpec spec;
  spec.model.loss = {"binary_cross_entropy", {}};
  spec.model.layers = {dense("in", 400, "relu"),
                       dense("code", 300, "topk", {{"k", std::int64_t{20}}}),
                       dense("up", 400, "tanh"), dense("output", 0, "sigmoid")};
  spec.model.layers[0].quantizer = ComponentSpec{"binary", {}};
  spec.model.layers[2].regularizers = {
      regularizer("kl_sparsity", RegularizerTarget::kActivations,
                  {{"coefficient", 0.1}, {"range", std::string("symmetric")}}),
      regularizer("l1", RegularizerTarget::kActivations, {{"coefficient", 0.1}}),
      regularizer("l2", RegularizerTarget::kWeights, {{"coefficient", 0.1}})};
  spec.model.layers[0].optimizer =
      LayerOptimizerSpec{{"sgd", {{"momentum", 0.5}}}, OptimizerTarget::kQuantized};
  spec.optimizer = {"adam", {}};
  spec.train.schedule = {ScheduleKind::kCosine, SchedulePer::kStep, 3, 0.5};
  spec.train.clip = {1e-3, 1e-4};
  spec.train.batch_rows = kBatch;
  spec.train.shard_rows = 64;
  return spec;
}

// Viewed tensors, with one viewer and with two, whose owners have rounds; rounds for training only;
// a penalty that reads parameters.
TrialSpec viewing_spec() {
  TrialSpec spec = busy_spec();
  spec.model.layers = {dense("code", 300, "gain"),
                       norm("norm"),
                       scale_by("scaled", "norm/scale"),
                       scale_by("again", "code/activation/gain"),
                       scale_by("more", "code/activation/gain"),
                       dense("output", 0, "sigmoid")};
  spec.model.layers[0].regularizers = {
      regularizer("gated", RegularizerTarget::kActivations, {{"coefficient", 0.1}})};
  return spec;
}

template <class T>
void expect_no_allocation(const TrialSpec& spec) {
  const SmallData data(kTrainRows, kTestRows, kCols);
  SoloExchange exchange;
  auto setup = set_up_trial<T>(spec, view_catalogue(), {kTrainRows, kTestRows, kCols}, 0, 1);
  ASSERT_TRUE(setup.ok()) << setup.status().message();
  Trainer<T> trainer(spec, data.dataset(), exchange, std::move(setup).value());
  std::vector<std::int64_t> order(kTrainRows);
  std::iota(order.begin(), order.end(), 0);
  SplitSums sums;
  trainer.begin_sums(sums);
  const auto epoch = [&](std::int64_t number) {
    bool completed = true;
    const SplitPlans train = trainer.setup().train();
    for (std::int64_t b = 0; b < train.batches; ++b) {
      const auto outcome = trainer.train_batch(train.batch(b), order, b * kBatch,
                                               number * train.batches + b, number, sums);
      completed = completed && outcome.outcome == Outcome::kCompleted;
    }
    const SplitPlans test = trainer.setup().test();
    for (std::int64_t b = 0; b < test.batches; ++b) {
      const auto outcome = trainer.evaluate_batch(data.dataset().test, test.batch(b), order,
                                                  b * kBatch, b, number, 0, sums);
      completed = completed && outcome.outcome == Outcome::kCompleted;
    }
    return completed;
  };
  // The BLAS takes its own workspace at the first calls.
  ASSERT_TRUE(epoch(0));
  const AllocationCount before = allocation_count();
  for (std::int64_t number = 1; number <= 5; ++number) EXPECT_TRUE(epoch(number));
  const AllocationCount after = allocation_count();
  EXPECT_EQ(after.by_new, before.by_new);
  EXPECT_EQ(after.by_malloc, before.by_malloc);
}

TEST(Allocation, StepsAndEvaluationsAllocateNothingInSinglePrecision) {
  expect_no_allocation<float>(busy_spec());
  expect_no_allocation<float>(viewing_spec());
}

TEST(Allocation, StepsAndEvaluationsAllocateNothingInDoublePrecision) {
  expect_no_allocation<double>(busy_spec());
  expect_no_allocation<double>(viewing_spec());
}

// The counter counts: without this, the tests above could not fail.
TEST(Allocation, TheCounterSeesAnAllocation) {
  const AllocationCount before = allocation_count();
  const std::vector<int> numbers(1000, 1);
  EXPECT_GT(allocation_count().by_new, before.by_new);
  EXPECT_EQ(numbers.size(), 1000u);
}

}  // namespace
}  // namespace aesweep::test
