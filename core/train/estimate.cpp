#include "core/train/estimate.hpp"

#include <algorithm>
#include <numeric>

#include "core/base/text.hpp"
#include "core/codes/itq.hpp"
#include "core/codes/packed_codes.hpp"
#include "core/data/row_feed.hpp"
#include "core/train/code_evaluation.hpp"
#include "core/train/encoder.hpp"
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

// Of all tensors that are given to start from, whether the network takes them or not.
std::uint64_t given_bytes(const GivenSources& given) {
  std::uint64_t bytes = 0;
  if (given.tensors == nullptr) return bytes;
  for (const NamedTensor& tensor : *given.tensors) bytes += tensor.bytes.size();
  return bytes;
}

// Of the evaluation of codes as hashes.
template <class T>
std::uint64_t code_bytes(const TrialSpec& spec, const TrialSetup<T>& setup) {
  if (!spec.evaluate.codes) return 0;
  const Network<T>& network = setup.network;
  const DataExtent& data = setup.data;
  const auto code = static_cast<std::size_t>(network.code_layer());
  return Encoder<T>::bytes(spec, network, std::max(data.train_rows, data.test_rows)) +
         code_evaluation_bytes(*spec.evaluate.codes, data.train_rows, data.test_rows,
                               spec.train.batch_rows, network.layers()[code].output_cols);
}

// What binary codes, and the rotation of itq, can be made of: else found only after training.
template <class T>
Status check_code_width(const TrialSpec& spec, const Network<T>& network) {
  if (!spec.evaluate.codes) return {};
  const std::int64_t units =
      network.layers()[static_cast<std::size_t>(network.code_layer())].output_cols;
  if (units > kCodeBitsMax) {
    return Status::input(text("evaluate.codes: the code, layer ", spec.model.code, ", has ", units,
                              " units; binary codes have at most ", kCodeBitsMax,
                              " bits: use a narrower code layer, or leave evaluate.codes out"));
  }
  const std::vector<Binarization>& kinds = spec.evaluate.codes->binarize;
  const bool itq = std::find(kinds.begin(), kinds.end(), Binarization::kItq) != kinds.end();
  if (!itq || units <= kItqUnitsMax) return {};
  return Status::input(text("evaluate.codes: the code, layer ", spec.model.code, ", has ", units,
                            " units; itq takes at most ", kItqUnitsMax,
                            ": use a narrower code layer, or leave itq out of "
                            "evaluate.codes.binarize"));
}

// The run of whole batches that a rank encodes of a split, alone.
FeedShare encoded_share(const TrainSpec& train, std::int64_t rows, int ranks) {
  const std::int64_t batch = std::min(train.batch_rows, rows);
  const std::int64_t batches = (rows + batch - 1) / batch;
  const std::int64_t mine = std::min((batches + ranks - 1) / ranks * batch, rows);
  return {rows, mine, rows, mine};
}

FeedShare trained_share(const SplitPlans& plans) {
  return {plans.full->rows, plans.full->local_rows(), plans.tail->rows, plans.tail->local_rows()};
}

// What reading ahead takes on a rank, of the split that takes most: one is read at a time, in
// training and evaluation, or while codes are made or samples are taken.
template <class T>
std::uint64_t stream_bytes(const TrialSpec& spec, const TrialSetup<T>& setup,
                           const DatasetLayout& layout, int rank, int ranks) {
  std::uint64_t most = 0;
  const auto add = [&](const DatasetLayout::Part& part, const FeedShare& share) {
    if (!part.streamed || part.rows == 0) return;
    Split split;
    split.element = part.element;
    split.rows = part.rows;
    split.cols = part.cols;
    split.block_rows = layout.block_rows;
    split.pool_rows = layout.pool_rows;
    most = std::max(most, row_feed_bytes(split, share));
  };
  add(layout.train, trained_share(setup.train()));
  add(layout.test, trained_share(setup.test()));
  if (layout.validation.rows > 0) add(layout.validation, trained_share(setup.validation()));
  if (spec.evaluate.codes) {
    add(layout.train, encoded_share(spec.train, layout.train.rows, ranks));
    add(layout.test, encoded_share(spec.train, layout.test.rows, ranks));
  }
  const std::int64_t samples = std::min(spec.record.samples, layout.test.rows);
  if (rank == 0 && samples > 0) {
    add(layout.test, {layout.test.rows, samples, layout.test.rows, samples});
  }
  return most;
}

// Weights, those that are given, gradients along the tree, optimizer state, messages, batch data
// and the samples' order on one rank; on the leader also the copies of weights and samples that the
// result keeps, the passes that take the samples beside those of training, and a snapshot for a
// checkpoint.
template <class T>
std::uint64_t memory_bytes(const TrialSpec& spec, const TrialSetup<T>& setup, int rank) {
  const Network<T>& network = setup.network;
  const GradientMemory gradients =
      Gradients<T>::memory(network, setup.partition, setup.train_plans(), rank);
  const std::size_t state =
      Updater<T>::state_elements(network, setup.partition, setup.optimizers, rank);
  const std::uint64_t training =
      Parameters<T>::bytes(network) + (gradients.elements() + state) * sizeof(T) +
      Workspace<T>::bytes(network, setup.plans) + Passes<T>::bytes(network, setup.plans) +
      static_cast<std::uint64_t>(
          std::max({setup.data.train_rows, setup.data.test_rows, setup.data.validation_rows})) *
          sizeof(std::int64_t) +
      given_bytes(setup.given);
  const std::uint64_t working = training + code_bytes(spec, setup);
  if (rank != 0) return working;
  const std::int64_t samples = std::min(spec.record.samples, setup.data.test_rows);
  std::uint64_t kept = weight_bytes(spec, network) + snapshot_bytes(setup);
  if (samples > 0) {
    const BatchPlan plan = make_batch_plan(samples, spec.train.shard_rows, 0, 1);
    kept += Workspace<T>::bytes(network, {&plan, 1}) + Passes<T>::bytes(network, {&plan, 1}) +
            sample_values(network, samples) * sizeof(T);
  }
  return working + kept;
}

// Epochs of 1..epochs that are multiples of `every`, and the last.
std::uint64_t epochs_due(std::uint64_t epochs, std::uint64_t every) {
  return epochs / every + (epochs % every == 0 ? 0 : 1);
}

// Rows of the trial's history: of evaluations where an epoch is both evaluated and recorded. One
// metric is there if the network has a decoder to compare with the data's dictionary.
std::uint64_t history_rows(const TrialSpec& spec, const Catalogue& catalogue,
                           const DatasetLayout& layout) {
  const auto metrics = [&](const char* split) {
    return static_cast<std::uint64_t>(split_metrics(split, spec.model, catalogue, 0.0).size());
  };
  const auto epochs = static_cast<std::uint64_t>(spec.train.epochs);
  const bool has_labels = layout.train.has_labels && layout.test.has_labels;
  const std::uint64_t of_codes =
      spec.evaluate.codes ? code_metrics(*spec.evaluate.codes, spec.model.target, has_labels).size()
                          : 0;
  const bool has_dictionary = layout.atoms > 0 && spec.model.target == Target::kInput;
  const std::uint64_t evaluation = metrics("test") +
                                   (layout.validation.rows > 0 ? metrics("validation") : 0) +
                                   (has_dictionary ? 1 : 0);
  if (epochs == 0) return evaluation + of_codes;
  const auto recorded = static_cast<std::uint64_t>(spec.record.every);
  const auto evaluated = static_cast<std::uint64_t>(spec.evaluate.every);
  // Their least common multiple, or anything beyond the last epoch.
  const std::uint64_t step = recorded / std::gcd(recorded, evaluated);
  const std::uint64_t both = step > epochs / evaluated ? epochs + 1 : step * evaluated;
  return metrics("train") * epochs_due(epochs, recorded) + evaluation * epochs_due(epochs, both) +
         of_codes;
}

// What libhdf5 and a trial's texts take beside the values, as measured.
constexpr std::uint64_t kFileOverhead = 14 * 1024;    // Of a trial's file.
constexpr std::uint64_t kResultsOverhead = 4 * 1024;  // Of a trial in results.h5.
constexpr std::uint64_t kTensorOverhead = 768;        // Of each stored tensor.
constexpr std::uint64_t kCheckpointOverhead = 8 * 1024;
// A row of the history in a file of its own. In results.h5: its value in the metric's matrix, and
// what is left of the row in the compressed table.
constexpr std::uint64_t kFileRow = 28;
constexpr std::uint64_t kResultsRow = 16;
constexpr std::uint64_t kTableChunk = 256 * 1024;  // Long tables end with a whole one.

std::uint64_t history_bytes(std::uint64_t rows) {
  const std::uint64_t bytes = rows * kFileRow;
  return bytes <= kTableChunk ? bytes : (bytes / kTableChunk + 1) * kTableChunk;
}

// As many tensors as a state has at most: learned ones with their optimizer's state and their
// image, and running buffers.
template <class T>
std::uint64_t state_tensors(const TrialSetup<T>& setup) {
  std::uint64_t count = setup.network.buffers().size();
  for (std::size_t t = 0; t < setup.network.tensors().size(); ++t) {
    count += 2 + setup.optimizers.of(static_cast<int>(t)).slots();
  }
  return count;
}

template <class T>
void estimate_files(const TrialSpec& spec, const Catalogue& catalogue, const TrialSetup<T>& setup,
                    const DatasetLayout& layout, TrialEstimate& estimate) {
  const std::int64_t samples = std::min(spec.record.samples, setup.data.test_rows);
  const std::uint64_t sample_bytes = sample_values(setup.network, samples) * sizeof(T);
  const std::uint64_t rows = history_rows(spec, catalogue, layout);
  estimate.weight_bytes = weight_bytes(spec, setup.network);
  if (spec.record.weights) {
    const std::size_t tensors = setup.network.tensors().size() + setup.network.buffers().size();
    estimate.weight_bytes += 2 * tensors * kTensorOverhead;
  }
  estimate.file_bytes = kFileOverhead + history_bytes(rows) + sample_bytes + estimate.weight_bytes;
  estimate.results_bytes =
      kResultsOverhead + rows * kResultsRow + sample_bytes + estimate.weight_bytes;
  estimate.snapshot_bytes = snapshot_bytes(setup);
  estimate.checkpoint_bytes = kCheckpointOverhead + estimate.snapshot_bytes + history_bytes(rows) +
                              state_tensors(setup) * kTensorOverhead;
}

template <class T>
Result<TrialEstimate> estimate(const TrialSpec& spec, const Catalogue& catalogue,
                               const DatasetLayout& layout, int ranks) {
  const DataExtent data = {layout.train.rows, layout.test.rows, layout.train.cols,
                           layout.validation.rows};
  TrialEstimate estimate;
  for (int rank = 0; rank < ranks; ++rank) {
    Result<TrialSetup<T>> setup = set_up_trial<T>(spec, catalogue, data, rank, ranks);
    if (!setup.ok()) return setup.status();
    AESWEEP_RETURN_IF_ERROR(check_code_width(spec, setup->network));
    estimate.memory_bytes_per_rank = std::max(
        estimate.memory_bytes_per_rank,
        memory_bytes(spec, *setup, rank) + stream_bytes<T>(spec, *setup, layout, rank, ranks));
    if (rank > 0) continue;
    estimate.parameters = setup->network.parameter_count();
    estimate.steps = setup->total_steps;
    estimate.shards_per_batch = static_cast<std::int64_t>(setup->plans.front().shards.size());
    estimate_files(spec, catalogue, *setup, layout, estimate);
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
