#include "core/train/setup.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "core/base/text.hpp"
#include "core/train/schedule.hpp"

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
  if (spec.evaluate.every < 1 || spec.record.every < 1) {
    return Status::input("evaluate.every and record.every: must be at least 1");
  }
  if (spec.model.target == Target::kLabels && spec.model.classes < 1) {
    return Status::input(text("model.classes: ", spec.model.classes,
                              " is not the number of classes that target labels needs"));
  }
  return {};
}

Status check_train(const TrainSpec& train) {
  if (train.batch_rows < 1 || train.shard_rows < 1 || train.epochs < 0) {
    return Status::input("train: batch_rows and shard_rows must be at least 1, epochs at least 0");
  }
  for (const auto& [name, limit] :
       {std::pair("norm", train.clip.norm), {"value", train.clip.value}}) {
    if (std::isfinite(limit) && limit >= 0.0) continue;
    return Status::input(text("train.clip.", name, ": ", limit, " is not a number of 0 or more"));
  }
  return check_schedule(train.schedule);
}

Status check_labels(const char* name, const Split& split, std::int64_t classes) {
  if (split.labels == nullptr) {
    return Status::input(text("model.target: is labels, but the data's ", name,
                              " split has no labels; use data with labels or target input"));
  }
  for (std::int64_t i = 0; i < split.rows; ++i) {
    if (split.labels[i] >= 0 && split.labels[i] < classes) continue;
    return Status::input(text("model.classes: is ", classes, ", but ", name, " sample ", i,
                              " of the data has the label ", split.labels[i],
                              "; labels are in [0, classes)"));
  }
  return {};
}

// Results write a tensor's name with underscores for slashes, so that names may not differ in these
// alone: said now, and not when the trained weights are to be written.
template <class T>
Status check_stored_names(const Network<T>& network) {
  std::map<std::string, const Tensor*> stored;
  for (const std::vector<Tensor>* tensors : {&network.tensors(), &network.buffers()}) {
    for (const Tensor& tensor : *tensors) {
      std::string name = tensor.name;
      std::replace(name.begin(), name.end(), '/', '_');
      const auto [other, added] = stored.emplace(name, &tensor);
      if (added) continue;
      return Status::input(text("model.layers: the results would keep both ", other->second->name,
                                " and ", tensor.name, " as ", name,
                                "; rename a layer, or set record.weights to none"));
    }
  }
  return {};
}

}  // namespace

Status check_target(const ModelSpec& model, const Dataset& dataset) {
  if (model.target != Target::kLabels) return {};
  AESWEEP_RETURN_IF_ERROR(check_labels("training", dataset.train, model.classes));
  AESWEEP_RETURN_IF_ERROR(check_labels("test", dataset.test, model.classes));
  if (dataset.validation.rows == 0) return {};
  return check_labels("validation", dataset.validation, model.classes);
}

template <class T>
Result<TrialSetup<T>> set_up_trial(const TrialSpec& spec, const Catalogue& catalogue,
                                   DataExtent data, int rank, int ranks) {
  AESWEEP_RETURN_IF_ERROR(check_train(spec.train));
  AESWEEP_RETURN_IF_ERROR(check_sizes(spec, data));
  std::vector<BatchPlan> plans;
  const std::int64_t train_batches = add_plans(data.train_rows, spec.train, rank, ranks, plans);
  const std::int64_t test_batches = add_plans(data.test_rows, spec.train, rank, ranks, plans);
  const std::int64_t validation_batches =
      data.validation_rows == 0 ? 0
                                : add_plans(data.validation_rows, spec.train, rank, ranks, plans);
  std::int64_t shard_rows_max = std::min(spec.record.samples, spec.train.shard_rows);
  for (const BatchPlan& plan : plans) {
    shard_rows_max = std::max(shard_rows_max, plan.shards.front().rows);
  }
  const std::int64_t target_cols =
      spec.model.target == Target::kLabels ? spec.model.classes : data.cols;
  Result<Network<T>> network = Network<T>::create(spec.model, catalogue, spec.train.seed, data.cols,
                                                  target_cols, shard_rows_max);
  if (!network.ok()) return network.status();
  if (spec.record.weights || spec.model.given_weights) {
    AESWEEP_RETURN_IF_ERROR(check_stored_names(*network));
  }
  Result<GivenSources> given = match_given_weights(*network, spec.model.given_weights);
  if (!given.ok()) return given.status();
  Result<Optimizers<T>> optimizers = Optimizers<T>::create(spec, catalogue, *network);
  if (!optimizers.ok()) return optimizers.status();
  const Ownership ownership = !spec.train.reproducible  ? Ownership::kReplicated
                              : optimizers->blockwise() ? Ownership::kBlocks
                                                        : Ownership::kTensors;
  Partition partition(network->tensors(), ownership, ranks);
  return TrialSetup<T>{std::move(network).value(),
                       std::move(optimizers).value(),
                       std::move(given).value(),
                       std::move(plans),
                       train_batches,
                       test_batches,
                       validation_batches,
                       data,
                       std::move(partition),
                       spec.train.epochs * train_batches};
}

template Result<TrialSetup<float>> set_up_trial<float>(const TrialSpec&, const Catalogue&,
                                                       DataExtent, int, int);
template Result<TrialSetup<double>> set_up_trial<double>(const TrialSpec&, const Catalogue&,
                                                         DataExtent, int, int);

}  // namespace aesweep
