// TrialSetup<T>: what a trial is before it has any memory: network, optimizers, batch plans, who
// owns what. Made alike by run_trial and by the estimate that the plan command prints.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/model/component.hpp"
#include "core/model/given_weights.hpp"
#include "core/model/network.hpp"
#include "core/model/spec.hpp"
#include "core/train/batch_plan.hpp"
#include "core/train/optimizers.hpp"
#include "core/train/partition.hpp"

namespace aesweep {

// Sizes of the data that a trial depends on.
struct DataExtent {
  std::int64_t train_rows = 0;
  std::int64_t test_rows = 0;
  std::int64_t cols = 0;
  std::int64_t validation_rows = 0;  // 0: there is no such split.
};

[[nodiscard]] inline DataExtent extent_of(const Dataset& data) {
  return {data.train.rows, data.test.rows, data.cols(), data.validation.rows};
}

// The batches of a split: full ones, then perhaps a shorter one.
struct SplitPlans {
  std::int64_t rows = 0;
  std::int64_t batches = 0;
  const BatchPlan* full = nullptr;
  const BatchPlan* tail = nullptr;  // Equals full if the last batch is full.

  [[nodiscard]] const BatchPlan& batch(std::int64_t i) const {
    return i + 1 == batches ? *tail : *full;
  }
};

template <class T>
struct TrialSetup {
  Network<T> network;
  Optimizers<T> optimizers;
  GivenSources given;  // What initial values are given and not drawn.
  // Full and tail of train, of test and, where there is one, of validation.
  std::vector<BatchPlan> plans;
  std::int64_t train_batches = 0;
  std::int64_t test_batches = 0;
  std::int64_t validation_batches = 0;
  DataExtent data;
  Partition partition;
  std::int64_t total_steps = 0;

  // Of batches that have gradients.
  [[nodiscard]] std::span<const BatchPlan> train_plans() const { return std::span(plans).first(2); }
  [[nodiscard]] SplitPlans train() const {
    return {data.train_rows, train_batches, &plans[0], &plans[1]};
  }
  [[nodiscard]] SplitPlans test() const {
    return {data.test_rows, test_batches, &plans[2], &plans[3]};
  }
  [[nodiscard]] SplitPlans validation() const {
    if (validation_batches == 0) return {};
    return {data.validation_rows, validation_batches, &plans[4], &plans[5]};
  }
};

// Checks that the data can be what the model is to predict: an input fault if the model predicts
// labels and a split has none, or one that is not in [0, classes).
[[nodiscard]] Status check_target(const ModelSpec& model, const Dataset& dataset);

// A batch larger than a split becomes the split. Fails with an input fault on an impossible model,
// and on given weights that do not fit it.
template <class T>
[[nodiscard]] Result<TrialSetup<T>> set_up_trial(const TrialSpec& spec, const Catalogue& catalogue,
                                                 DataExtent data, int rank, int ranks);

}  // namespace aesweep
