#include "core/train/estimate.hpp"

#include <algorithm>

#include "core/train/gradients.hpp"
#include "core/train/metrics.hpp"
#include "core/train/setup.hpp"
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

// Weights, gradients along the tree, optimizer state, messages and batch data of one rank; on the
// leader also the copies of weights and samples that the result keeps.
template <class T>
std::uint64_t memory_bytes(const TrialSpec& spec, const TrialSetup<T>& setup, int rank) {
  const Network<T>& network = setup.network;
  const GradientMemory gradients =
      Gradients<T>::memory(network, setup.partition, setup.train_plans(), rank);
  const std::size_t state =
      Updater<T>::state_elements(network, setup.partition, setup.optimizers, rank);
  const std::size_t elements = Parameters<T>::elements(network) + gradients.elements() + state;
  const std::uint64_t training = elements * sizeof(T) + Workspace<T>::bytes(network, setup.plans);
  if (rank != 0) return training;
  const std::int64_t samples = std::min(spec.record.samples, setup.data.test_rows);
  std::uint64_t kept = spec.record.weights
                           ? 2 * static_cast<std::uint64_t>(network.parameter_count()) * sizeof(T)
                           : 0;
  if (samples > 0) {
    const BatchPlan plan = make_batch_plan(samples, spec.train.shard_rows, 0, 1);
    kept += Workspace<T>::bytes(network, {&plan, 1}) + sample_values(network, samples) * sizeof(T);
  }
  return training + kept;
}

// Bytes of one copy of the trial's results; the tables' overhead is a few kilobytes.
template <class T>
std::uint64_t result_bytes(const TrialSpec& spec, const Catalogue& catalogue,
                           const TrialSetup<T>& setup) {
  constexpr std::uint64_t kOverhead = 32 * 1024;
  constexpr std::uint64_t kHistoryRow = 64;
  const Network<T>& network = setup.network;
  const std::uint64_t metrics = 2 * split_metrics("test", spec.model, catalogue, 0.0).size();
  std::uint64_t bytes =
      kOverhead + metrics * static_cast<std::uint64_t>(spec.train.epochs) * kHistoryRow;
  if (spec.record.weights) {
    bytes += 2 * static_cast<std::uint64_t>(network.parameter_count()) * sizeof(T);
  }
  const std::int64_t samples = std::min(spec.record.samples, setup.data.test_rows);
  return bytes + sample_values(network, samples) * sizeof(T);
}

template <class T>
Result<TrialEstimate> estimate(const TrialSpec& spec, const Catalogue& catalogue, DataExtent data,
                               int ranks) {
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
    estimate.disk_bytes = 2 * result_bytes(spec, catalogue, *setup);
  }
  return estimate;
}

}  // namespace

Result<TrialEstimate> estimate_trial(const TrialSpec& spec, const Catalogue& catalogue,
                                     const DatasetLayout& data, int ranks) {
  const DataExtent extent = {data.train.rows, data.test.rows, data.train.cols};
  return spec.model.scalar == Scalar::kF32 ? estimate<float>(spec, catalogue, extent, ranks)
                                           : estimate<double>(spec, catalogue, extent, ranks);
}

}  // namespace aesweep
