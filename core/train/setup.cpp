#include "core/train/setup.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

// Adds the full and the last batch plan of a split; returns its batch count.
std::int64_t add_plans(std::int64_t rows, const TrainSpec& train, int rank, int ranks,
                       std::vector<BatchPlan>& plans) {
  const std::int64_t batch_rows = std::min(train.batch_rows, rows);
  const std::int64_t tail = rows % batch_rows == 0 ? batch_rows : rows % batch_rows;
  plans.push_back(make_batch_plan(batch_rows, train.shard_rows, rank, ranks));
  plans.push_back(make_batch_plan(tail, train.shard_rows, rank, ranks));
  return (rows + batch_rows - 1) / batch_rows;
}

Status check_sizes(const TrialSpec& spec, DataExtent data) {
  if (data.train_rows < 1 || data.test_rows < 1 || data.cols < 1) {
    return Status::input(text("data: ", data.train_rows, " training and ", data.test_rows,
                              " test samples of ", data.cols,
                              " values; a trial needs at least one"));
  }
  if (spec.train.batch_rows < 1 || spec.train.shard_rows < 1 || spec.train.epochs < 1) {
    return Status::input("train: epochs, batch_rows and shard_rows must be at least 1");
  }
  return {};
}

template <class T>
Result<Component<T>> make_optimizer(const TrialSpec& spec, const Catalogue& catalogue) {
  Result<Component<T>> optimizer =
      Component<T>::create(catalogue, AESWEEP_OPTIMIZER, spec.optimizer);
  if (!optimizer.ok()) return optimizer.status().in("optimizer");
  AESWEEP_RETURN_IF_ERROR(optimizer->plan(0, 0, 0).in("optimizer"));
  for (const aesweep_tensor& slot : optimizer->tensors()) {
    if (slot.role != AESWEEP_STATE || slot.init != AESWEEP_INIT_CONSTANT) {
      return Status::input(
          text("optimizer.", slot.name,
               ": an optimizer's tensors are constant at first and of role STATE"));
    }
  }
  return optimizer;
}

}  // namespace

template <class T>
Result<TrialSetup<T>> set_up_trial(const TrialSpec& spec, const Catalogue& catalogue,
                                   DataExtent data, int rank, int ranks) {
  AESWEEP_RETURN_IF_ERROR(check_sizes(spec, data));
  std::vector<BatchPlan> plans;
  const std::int64_t train_batches = add_plans(data.train_rows, spec.train, rank, ranks, plans);
  const std::int64_t test_batches = add_plans(data.test_rows, spec.train, rank, ranks, plans);
  std::int64_t shard_rows_max = std::min(spec.record.samples, spec.train.shard_rows);
  for (const BatchPlan& plan : plans) {
    shard_rows_max = std::max(shard_rows_max, plan.shards.front().rows);
  }
  Result<Network<T>> network = Network<T>::create(spec.model, catalogue, spec.train.seed, data.cols,
                                                  data.cols, shard_rows_max);
  if (!network.ok()) return network.status();
  Result<Component<T>> optimizer = make_optimizer<T>(spec, catalogue);
  if (!optimizer.ok()) return optimizer.status();
  const Ownership ownership = !spec.train.reproducible            ? Ownership::kReplicated
                              : optimizer->has(AESWEEP_BLOCKWISE) ? Ownership::kBlocks
                                                                  : Ownership::kTensors;
  Partition partition(network->tensors(), ownership, ranks);
  return TrialSetup<T>{std::move(network).value(),
                       std::move(optimizer).value(),
                       std::move(plans),
                       train_batches,
                       test_batches,
                       data,
                       std::move(partition),
                       spec.train.epochs * train_batches};
}

template Result<TrialSetup<float>> set_up_trial<float>(const TrialSpec&, const Catalogue&,
                                                       DataExtent, int, int);
template Result<TrialSetup<double>> set_up_trial<double>(const TrialSpec&, const Catalogue&,
                                                         DataExtent, int, int);

}  // namespace aesweep
