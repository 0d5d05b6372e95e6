#include "core/train/snapshot.hpp"

#include <cstring>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "core/model/call_trace.hpp"

namespace aesweep {
namespace {

enum class Kind { kLearned, kBuffer, kSlot, kImage };

// One tensor of a state, by where its values live.
struct Place {
  Kind kind = Kind::kLearned;
  int index = 0;  // Of the learned tensor or the buffer.
  std::size_t slot = 0;
  const Tensor* tensor = nullptr;  // Has the shape, too.
  std::string name;
};

// The tensors of a state, in its order; `images`: whether a step has made any.
template <class T>
std::vector<Place> places(const TrialSetup<T>& setup, bool images) {
  std::vector<Place> all;
  const std::vector<Tensor>& learned = setup.network.tensors();
  const std::vector<Tensor>& buffers = setup.network.buffers();
  for (std::size_t t = 0; t < learned.size(); ++t) {
    all.push_back({Kind::kLearned, static_cast<int>(t), 0, &learned[t], learned[t].name});
  }
  for (std::size_t b = 0; b < buffers.size(); ++b) {
    all.push_back({Kind::kBuffer, static_cast<int>(b), 0, &buffers[b], buffers[b].name});
  }
  for (std::size_t t = 0; t < learned.size(); ++t) {
    const int index = static_cast<int>(t);
    for (std::size_t s = 0; s < setup.optimizers.of(index).slots(); ++s) {
      all.push_back({Kind::kSlot, index, s, &learned[t], text(learned[t].name, "/optimizer/", s)});
    }
  }
  for (std::size_t t = 0; images && t < learned.size(); ++t) {
    if (!learned[t].quantized) continue;
    all.push_back({Kind::kImage, static_cast<int>(t), 0, &learned[t], learned[t].name + "/image"});
  }
  return all;
}

// What this rank has of it: of optimizer state what it owns, else everything.
template <class T>
std::span<T> values_of(Trainer<T>& trainer, const Place& place) {
  switch (place.kind) {
    case Kind::kLearned:
      return {trainer.parameters().real(place.index), place.tensor->elements};
    case Kind::kBuffer:
      return {trainer.parameters().buffer(place.index), place.tensor->elements};
    case Kind::kSlot:
      return trainer.updater().state(place.index, place.slot);
    case Kind::kImage:
      return trainer.parameters().last_image(place.index);
  }
  return {};
}

// Starts to bring together on rank 0 what the ranks own of an optimizer's slot.
template <class T>
void gather_slot(Trainer<T>& trainer, const Place& place, NamedTensor& whole) {
  Exchange& exchange = trainer.exchange();
  const std::span<const std::byte> mine = std::as_bytes(values_of(trainer, place));
  if (exchange.rank() != 0) {
    if (!mine.empty()) exchange.send(0, place.index, mine);
    return;
  }
  whole.bytes.resize(place.tensor->elements * sizeof(T));
  for (int r = 0; r < exchange.ranks(); ++r) {
    const ElementRange theirs = trainer.setup().partition.owned(place.index, r);
    if (theirs.count == 0) continue;
    const std::span<std::byte> room =
        std::span(whole.bytes).subspan(theirs.first * sizeof(T), theirs.count * sizeof(T));
    if (r == 0) {
      std::memcpy(room.data(), mine.data(), room.size());
    } else {
      static_cast<void>(exchange.receive(r, place.index, room));
    }
  }
}

SplitSums empty_sums(std::size_t terms, std::size_t units, std::size_t flips) {
  SplitSums sums;
  sums.clear(terms, units);
  sums.flips.resize(flips);
  return sums;
}

// Of the size that the trial's sums have.
template <class T>
SplitSums sums_like(const Network<T>& network) {
  std::size_t quantized = 0;
  for (const Layer<T>& layer : network.layers()) quantized += layer.quantizer ? 1 : 0;
  const auto code = static_cast<std::size_t>(network.code_layer());
  return empty_sums(1 + activation_penalty_count(network) + penalty_terms(network).size(),
                    static_cast<std::size_t>(network.layers()[code].output_cols), quantized);
}

std::string shape_text(const NamedTensor& tensor) {
  std::string shape;
  for (const std::int64_t n : tensor.shape) shape += text(shape.empty() ? "" : " x ", n);
  return text(tensor.name, " of ", shape, tensor.scalar == Scalar::kF32 ? " f32" : " f64",
              " values in ", tensor.bytes.size(), " bytes");
}

template <class T>
Status check_counters(const TrialSetup<T>& setup, const TrialSpec& spec, const TrialState& state) {
  const std::int64_t batches = setup.train_batches;
  const bool fits = state.epochs >= 0 && state.epochs < spec.train.epochs && state.batches >= 0 &&
                    state.batches <= batches &&
                    state.steps == state.epochs * batches + state.batches;
  if (!fits) {
    return Status::input(text("it was taken after ", state.epochs, " epochs, ", state.batches,
                              " batches and ", state.steps, " steps, but the trial has ",
                              spec.train.epochs, " epochs of ", batches, " batches"));
  }
  std::int64_t rows = 0;
  for (std::int64_t b = 0; b < state.batches; ++b) rows += setup.train().batch(b).rows;
  if (state.sums.rows != rows) {
    return Status::input(text("its sums are over ", state.sums.rows, " rows, but ", state.batches,
                              " batches of the trial have ", rows));
  }
  return {};
}

template <class T>
Status check_sums(const TrialSetup<T>& setup, std::size_t metrics, const TrialState& state) {
  const SplitSums like = sums_like(setup.network);
  for (const auto& [have, due, what] :
       {std::tuple(state.sums.terms.size(), like.terms.size(), "loss terms"),
        {state.sums.unit_counts.size(), like.unit_counts.size(), "code units"},
        {state.sums.flips.size(), like.flips.size(), "quantized layers"}}) {
    if (have == due) continue;
    return Status::input(
        text("it has sums of ", have, " ", what, ", but the trial has ", due, " of them"));
  }
  for (const HistoryRow& row : state.history) {
    if (row.metric >= 0 && static_cast<std::size_t>(row.metric) < metrics) continue;
    return Status::input(
        text("its history has metric ", row.metric, ", but the trial has ", metrics, " of them"));
  }
  return {};
}

}  // namespace

template <class T>
TrialState take_state(Trainer<T>& trainer, const SplitSums& sums) {
  Exchange& exchange = trainer.exchange();
  const bool leader = exchange.rank() == 0;
  const bool whole =
      exchange.ranks() == 1 || trainer.setup().partition.ownership() == Ownership::kReplicated;
  TrialState state;
  state.sums = sums;
  trainer.finish_sums(state.sums);
  trainer.finish_flips(state.sums);
  const std::vector<Place> all = places(trainer.setup(), true);
  state.tensors.reserve(all.size());
  for (const Place& place : all) {
    call_trace().moved();
    NamedTensor& tensor = state.tensors.emplace_back();
    tensor.name = place.name;
    tensor.shape = {place.tensor->rows, place.tensor->cols};
    tensor.scalar = Abi<T>::kSpecScalar;
    if (place.kind == Kind::kSlot && !whole) {
      gather_slot(trainer, place, tensor);
    } else if (leader) {
      const auto bytes = std::as_bytes(values_of(trainer, place));
      tensor.bytes.assign(bytes.begin(), bytes.end());
    }
  }
  exchange.finish();
  return leader ? std::move(state) : TrialState();
}

template <class T>
std::uint64_t snapshot_bytes(const TrialSetup<T>& setup) {
  TrialState state;
  state.sums = sums_like(setup.network);
  std::uint64_t bytes = state_bytes(state);
  for (const Place& place : places(setup, true)) bytes += place.tensor->elements * sizeof(T);
  return bytes;
}

template <class T>
Status check_state(const TrialSetup<T>& setup, const TrialSpec& spec, std::size_t metrics,
                   const TrialState& state) {
  AESWEEP_RETURN_IF_ERROR(check_counters(setup, spec, state));
  AESWEEP_RETURN_IF_ERROR(check_sums(setup, metrics, state));
  const std::vector<Place> all = places(setup, state.steps > 0);
  if (state.tensors.size() != all.size()) {
    return Status::input(
        text("it has ", state.tensors.size(), " tensors, but the trial has ", all.size()));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const NamedTensor& tensor = state.tensors[i];
    const Place& place = all[i];
    const std::vector<std::int64_t> shape = {place.tensor->rows, place.tensor->cols};
    if (tensor.name == place.name && tensor.shape == shape &&
        tensor.scalar == Abi<T>::kSpecScalar &&
        tensor.bytes.size() == place.tensor->elements * sizeof(T)) {
      continue;
    }
    return Status::input(text("it has ", shape_text(tensor), ", where the trial has ", place.name,
                              " of ", shape[0], " x ", shape[1],
                              sizeof(T) == sizeof(float) ? " f32" : " f64", " values"));
  }
  return {};
}

template <class T>
void put_state(Trainer<T>& trainer, const TrialState& state) {
  const bool images = state.steps > 0;
  const std::vector<Place> all = places(trainer.setup(), images);
  for (std::size_t i = 0; i < all.size(); ++i) {
    call_trace().moved();
    const std::span<T> values = values_of(trainer, all[i]);
    if (values.empty()) continue;
    std::size_t first = 0;
    if (all[i].kind == Kind::kSlot) {
      first = trainer.setup().partition.owned(all[i].index, trainer.exchange().rank()).first;
    }
    std::memcpy(values.data(), state.tensors[i].bytes.data() + first * sizeof(T),
                values.size_bytes());
  }
  trainer.parameters().set_flips(state.sums.flips);
  if (images) trainer.parameters().restored_last_images();
}

template TrialState take_state<float>(Trainer<float>&, const SplitSums&);
template TrialState take_state<double>(Trainer<double>&, const SplitSums&);
template std::uint64_t snapshot_bytes<float>(const TrialSetup<float>&);
template std::uint64_t snapshot_bytes<double>(const TrialSetup<double>&);
template Status check_state<float>(const TrialSetup<float>&, const TrialSpec&, std::size_t,
                                   const TrialState&);
template Status check_state<double>(const TrialSetup<double>&, const TrialSpec&, std::size_t,
                                    const TrialState&);
template void put_state<float>(Trainer<float>&, const TrialState&);
template void put_state<double>(Trainer<double>&, const TrialState&);

}  // namespace aesweep
