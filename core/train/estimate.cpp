#include "core/train/estimate.hpp"

#include <algorithm>
#include <numeric>

#include "core/train/gradients.hpp"
#include "core/train/metrics.hpp"
#include "core/train/passes.hpp"
#include "core/train/setup.hpp"
#include "core/train/snapshot.hpp"
#include "core/train/updater.hpp"
#include "core/train/workspace.hpp"

namespace aesweep {
namespace {

// Inputs, codes and reconstructions of the samples that are kept.
template <class T>
std::uint64_t sample_values(const Network<T>& network, std::int64_t samples) {
  const auto code = static_cast<std::size_t>(network.code_layer());
  return static_cast<std::uint64_t>(samples * (network.input_cols() + network.target_cols() +
                                               network.layers()[code].output_cols));
}

// Bytes of the weights and running buffers that the result keeps, before and after training.
template <class T>
std::uint64_t weight_bytes(const TrialSpec& spec, const Network<T>& network) {
  if (!spec.record.weights) return 0;
  const auto values =
      static_cast<std::uint64_t>(network.parameter_count() + network.buffer_count());
  return 2 * values * sizeof(T);
}

// Weights, gradients along the tree, optimizer state, messages and batch data of one rank; on the
// leader also the copies of weights and samples that the result keeps, the passes that take the
// samples beside those of training, and a snapshot for a checkpoint.
template <class T>
std::uint64_t memory_bytes(const TrialSpec& spec, const TrialSetup<T>& setup, int rank) {
  const Network<T>& network = setup.network;
  const GradientMemory gradients =
      Gradients<T>::memory(network, setup.partition, setup.train_plans(), rank);
  const std::size_t state =
      Updater<T>::state_elements(network, setup.partition, setup.optimizers, rank);
  const std::uint64_t training =
      Parameters<T>::bytes(network) + (gradients.elements() + state) * sizeof(T) +
      Workspace<T>::bytes(network, setup.plans) + Passes<T>::bytes(network, setup.plans);
  if (rank != 0) return training;
  const std::int64_t samples = std::min(spec.record.samples, setup.data.test_rows);
  std::uint64_t kept = weight_bytes(spec, network) + snapshot_bytes(setup);
  if (samples > 0) {
    const BatchPlan plan = make_batch_plan(samples, spec.train.shard_rows, 0, 1);
    kept += Workspace<T>::bytes(network, {&plan, 1}) + Passes<T>::bytes(network, {&plan, 1}) +
            sample_values(network, samples) * sizeof(T);
  }
  return training + kept;
}

// Epochs of 1..epochs that are multiples of `every`, and the last.
std::uint64_t epochs_due(std::uint64_t epochs, std::uint64_t every) {
  return epochs / every + (epochs % every == 0 ? 0 : 1);
}

// Rows of the trial's history: of test metrics where an epoch is both evaluated and recorded. The
// last metric is there if the network has a decoder to compare with the data's dictionary.
std::uint64_t history_rows(const TrialSpec& spec, const Catalogue& catalogue, bool has_dictionary) {
  const auto metrics = [&](const char* split) {
    return static_cast<std::uint64_t>(split_metrics(split, spec.model, catalogue, 0.0).size());
  };
  const auto epochs = static_cast<std::uint64_t>(spec.train.epochs);
  const auto recorded = static_cast<std::uint64_t>(spec.record.every);
  const auto evaluated = static_cast<std::uint64_t>(spec.evaluate.every);
  // Their least common multiple, or anything beyond the last epoch.
  const std::uint64_t step = recorded / std::gcd(recorded, evaluated);
  const std::uint64_t both = step > epochs / evaluated ? epochs + 1 : step * evaluated;
  return metrics("train") * epochs_due(epochs, recorded) +
         (metrics("test") + (has_dictionary ? 1 : 0)) * epochs_due(epochs, both);
}

// Bytes of one copy of the trial's results; the tables' overhead is a few kilobytes.
template <class T>
std::uint64_t result_bytes(const TrialSpec& spec, const Catalogue& catalogue,
                           const TrialSetup<T>& setup, bool has_dictionary) {
  constexpr std::uint64_t kOverhead = 32 * 1024;
  constexpr std::uint64_t kHistoryRow = 64;
  const std::int64_t samples = std::min(spec.record.samples, setup.data.test_rows);
  return kOverhead + history_rows(spec, catalogue, has_dictionary) * kHistoryRow +
         weight_bytes(spec, setup.network) + sample_values(setup.network, samples) * sizeof(T);
}

template <class T>
Result<TrialEstimate> estimate(const TrialSpec& spec, const Catalogue& catalogue,
                               const DatasetLayout& layout, int ranks) {
  const DataExtent data = {layout.train.rows, layout.test.rows, layout.train.cols};
  const bool has_dictionary = layout.atoms > 0 && spec.model.target == Target::kInput;
  TrialEstimate estimate;
  for (int rank = 0; rank < ranks; ++rank) {
    Result<TrialSetup<T>> setup = set_up_trial<T>(spec, catalogue, data, rank, ranks);
    if (!setup.ok()) return setup.status();
    estimate.memory_bytes_per_rank =
        std::max(estimate.memory_bytes_per_rank, memory_bytes(spec, *setup, rank));
    if (rank > 0) continue;
    estimate.parameters = setup->network.parameter_count();
    estimate.steps = setup->total_steps;
    estimate.shards_per_batch = static_cast<std::int64_t>(setup->plans.front().shards.size());
    estimate.weight_bytes = weight_bytes(spec, setup->network);
    estimate.checkpoint_bytes = snapshot_bytes(*setup);
    estimate.disk_bytes = 2 * result_bytes(spec, catalogue, *setup, has_dictionary);
  }
  return estimate;
}

}  // namespace

Result<TrialEstimate> estimate_trial(const TrialSpec& spec, const Catalogue& catalogue,
                                     const DatasetLayout& data, int ranks) {
  return spec.model.scalar == Scalar::kF32 ? estimate<float>(spec, catalogue, data, ranks)
                                           : estimate<double>(spec, catalogue, data, ranks);
}

}  // namespace aesweep
