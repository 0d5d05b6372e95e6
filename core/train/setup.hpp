// TrialSetup<T>: what a trial is before it has any memory: network, optimizers, batch plans, who
// owns what. Made alike by run_trial and by the estimate that the plan command prints.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/model/component.hpp"
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
};

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
  std::vector<BatchPlan> plans;  // train full, train tail, test full, test tail.
  std::int64_t train_batches = 0;
  std::int64_t test_batches = 0;
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
};

// Checks that the data can be what the model is to predict: an input fault if the model predicts
// labels and a split has none, or one that is not in [0, classes).
[[nodiscard]] Status check_target(const ModelSpec& model, const Dataset& dataset);

// A batch larger than a split becomes the split. Fails with an input fault on an impossible model.
template <class T>
[[nodiscard]] Result<TrialSetup<T>> set_up_trial(const TrialSpec& spec, const Catalogue& catalogue,
                                                 DataExtent data, int rank, int ranks);

}  // namespace aesweep
