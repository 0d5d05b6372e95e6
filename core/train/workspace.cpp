#include "core/train/workspace.hpp"

#include <algorithm>

namespace aesweep {
namespace {

template <class T>
bool needs_own_output(const Layer<T>& layer) {
  return layer.activation && !layer.activation_in_place;
}

template <class T>
bool needs_pre_gradient(const Network<T>& network) {
  return std::any_of(network.layers().begin(), network.layers().end(), [](const Layer<T>& layer) {
    return layer.activation && !layer.activation->component.has(AESWEEP_IN_PLACE);
  });
}

template <class T>
std::size_t scratch_bytes(const Network<T>& network) {
  std::size_t most = network.loss().plan().workspace_bytes;
  for (const Layer<T>& layer : network.layers()) {
    most = std::max(most, static_cast<std::size_t>(layer.layer.component.plan().workspace_bytes));
    if (layer.activation) {
      most = std::max(most,
                      static_cast<std::size_t>(layer.activation->component.plan().workspace_bytes));
    }
    for (const Regularizer<T>& r : layer.on_activations) {
      most = std::max(most, static_cast<std::size_t>(r.component.plan().workspace_bytes));
    }
  }
  return most;
}

}  // namespace

LocalExtent local_extent(std::span<const BatchPlan> plans) {
  LocalExtent extent;
  for (const BatchPlan& plan : plans) {
    extent.rows = std::max(extent.rows, plan.local_rows());
    extent.shards = std::max<std::int64_t>(extent.shards, plan.mine.count);
    extent.shard_rows = std::max(extent.shard_rows, plan.shards.front().rows);
  }
  return extent;
}

template <class T>
ActiveSets<T>::ActiveSets(std::int64_t shards, std::int64_t shard_rows_max, std::int64_t per_row) {
  if (shards == 0) return;
  const std::int64_t capacity = shard_rows_max * per_row;
  offsets_ = Buffer<std::int64_t>(static_cast<std::size_t>(shards * (shard_rows_max + 1)));
  columns_ = Buffer<std::int32_t>(static_cast<std::size_t>(shards * capacity));
  values_ = Buffer<T>(static_cast<std::size_t>(shards * capacity));
  for (std::int64_t s = 0; s < shards; ++s) {
    sets_.push_back({sizeof(typename Abi<T>::Active), 0, capacity,
                     offsets_.data() + s * (shard_rows_max + 1), columns_.data() + s * capacity,
                     values_.data() + s * capacity});
  }
}

template <class T>
std::size_t ActiveSets<T>::bytes() const {
  return offsets_.bytes() + columns_.bytes() + values_.bytes();
}

template <class T>
ComponentMemory<T>::ComponentMemory(const Component<T>& component, std::int64_t shards)
    : kept_stride_(padded_to_line<std::byte>(component.plan().kept_bytes)),
      kept_(kept_stride_ * static_cast<std::size_t>(shards)) {
  std::size_t total = 0;
  for (const aesweep_round& round : component.rounds()) {
    result_offsets_.push_back(total);
    total += padded_to_line<double>(round.length);
  }
  result_offsets_.push_back(total);
  results_ = Buffer<double>(total);
  for (std::size_t r = 0; r < component.rounds().size(); ++r) {
    result_pointers_.push_back(results_.data() + result_offsets_[r]);
  }
}

template <class T>
std::size_t ComponentMemory<T>::bytes(const Component<T>& component, std::int64_t shards) {
  std::size_t total =
      padded_to_line<std::byte>(component.plan().kept_bytes) * static_cast<std::size_t>(shards);
  for (const aesweep_round& round : component.rounds()) {
    total += padded_to_line<double>(round.length) * sizeof(double);
  }
  return total;
}

template <class T>
std::span<double> ComponentMemory<T>::result(std::size_t round) {
  return results_.span().subspan(result_offsets_[round],
                                 result_offsets_[round + 1] - result_offsets_[round]);
}

template <class T>
Workspace<T>::Workspace(const Network<T>& network, std::span<const BatchPlan> plans) {
  const LocalExtent extent = local_extent(plans);
  input = RowMatrix<T>(extent.rows, network.input_cols());
  if (network.target() == Target::kLabels) {
    target = RowMatrix<T>(extent.rows, network.target_cols());
  }
  labels.resize(static_cast<std::size_t>(extent.rows));
  for (const Layer<T>& layer : network.layers()) {
    LayerMemory<T> memory;
    memory.pre = RowMatrix<T>(extent.rows, layer.output_cols);
    if (needs_own_output(layer)) memory.out = RowMatrix<T>(extent.rows, layer.output_cols);
    memory.layer = ComponentMemory<T>(layer.layer.component, extent.shards);
    if (layer.activation) {
      const Component<T>& activation = layer.activation->component;
      memory.activation = ComponentMemory<T>(activation, extent.shards);
      if (activation.plan().active_per_row > 0) {
        memory.active =
            ActiveSets<T>(extent.shards, extent.shard_rows, activation.plan().active_per_row);
      }
      memory.gradient_at_active = activation.has(AESWEEP_GRADIENT_AT_ACTIVE);
    }
    for (const Regularizer<T>& r : layer.on_activations) {
      memory.regularizers.emplace_back(r.component, extent.shards);
    }
    layers.push_back(std::move(memory));
  }
  for (RowMatrix<T>& matrix : delta) matrix = RowMatrix<T>(extent.rows, network.widest());
  if (needs_pre_gradient(network)) delta_pre = RowMatrix<T>(extent.rows, network.widest());
  scratch = Buffer<std::byte>(scratch_bytes(network));
}

template <class T>
std::size_t Workspace<T>::bytes(const Network<T>& network, std::span<const BatchPlan> plans) {
  const LocalExtent extent = local_extent(plans);
  const auto matrix = [&](std::int64_t cols) {
    return static_cast<std::size_t>(extent.rows) *
           padded_to_line<T>(static_cast<std::size_t>(cols)) * sizeof(T);
  };
  std::size_t total = matrix(network.input_cols()) + 2 * matrix(network.widest());
  if (network.target() == Target::kLabels) total += matrix(network.target_cols());
  if (needs_pre_gradient(network)) total += matrix(network.widest());
  for (const Layer<T>& layer : network.layers()) {
    total += matrix(layer.output_cols) * (needs_own_output(layer) ? 2 : 1);
    total += ComponentMemory<T>::bytes(layer.layer.component, extent.shards);
    for (const Regularizer<T>& r : layer.on_activations) {
      total += ComponentMemory<T>::bytes(r.component, extent.shards);
    }
    if (!layer.activation) continue;
    total += ComponentMemory<T>::bytes(layer.activation->component, extent.shards);
    const auto per_row = layer.activation->component.plan().active_per_row;
    total += static_cast<std::size_t>(extent.rows * per_row) * (sizeof(T) + sizeof(std::int32_t));
  }
  return total + scratch_bytes(network);
}

template class ActiveSets<float>;
template class ActiveSets<double>;
template class ComponentMemory<float>;
template class ComponentMemory<double>;
template class Workspace<float>;
template class Workspace<double>;

}  // namespace aesweep
