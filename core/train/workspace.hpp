// Workspace<T>: the batch data of one rank: input, every layer's outputs, and their gradients, for
// the rank's rows of the largest batch. Row i of a matrix is local row i; a shard is a run of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/model/network.hpp"
#include "core/train/batch_plan.hpp"

namespace aesweep {

// An owned matrix of rows with padded, 64-byte aligned row starts.
template <class T>
class RowMatrix {
 public:
  RowMatrix() = default;
  RowMatrix(std::int64_t rows, std::int64_t cols)
      : stride_(static_cast<std::int64_t>(padded_to_line<T>(static_cast<std::size_t>(cols)))),
        data_(static_cast<std::size_t>(rows * stride_)) {}

  [[nodiscard]] T* row(std::int64_t i) { return data_.data() + i * stride_; }
  [[nodiscard]] const T* row(std::int64_t i) const { return data_.data() + i * stride_; }
  [[nodiscard]] std::int64_t stride() const { return stride_; }
  [[nodiscard]] std::size_t bytes() const { return data_.bytes(); }

 private:
  std::int64_t stride_ = 0;
  Buffer<T> data_;
};

// The active sets of one layer's output, one per local shard.
template <class T>
class ActiveSets {
 public:
  ActiveSets() = default;
  ActiveSets(std::int64_t shards, std::int64_t shard_rows_max, std::int64_t per_row);

  [[nodiscard]] bool present() const { return !sets_.empty(); }
  [[nodiscard]] typename Abi<T>::Active* shard(std::int64_t local_shard) {
    return sets_.empty() ? nullptr : &sets_[static_cast<std::size_t>(local_shard)];
  }
  [[nodiscard]] std::size_t bytes() const;

 private:
  std::vector<typename Abi<T>::Active> sets_;
  Buffer<std::int64_t> offsets_;
  Buffer<std::int32_t> columns_;
  Buffer<T> values_;
};

// What one layer or activation keeps per local shard, and the results of its statistics rounds.
template <class T>
class ComponentMemory {
 public:
  ComponentMemory() = default;
  ComponentMemory(const Component<T>& component, std::int64_t shards);
  // What one takes.
  [[nodiscard]] static std::size_t bytes(const Component<T>& component, std::int64_t shards);

  [[nodiscard]] void* kept(std::int64_t local_shard) {
    return kept_.data() + static_cast<std::size_t>(local_shard) * kept_stride_;
  }
  [[nodiscard]] std::span<double> result(std::size_t round);
  [[nodiscard]] const double* const* results() const { return result_pointers_.data(); }

 private:
  std::size_t kept_stride_ = 0;
  Buffer<std::byte> kept_;
  Buffer<double> results_;
  std::vector<std::size_t> result_offsets_;  // Per round, then the total.
  std::vector<const double*> result_pointers_;
};

template <class T>
struct LayerMemory {
  RowMatrix<T> pre;      // Of the layer; shared with out where there is no need for two.
  RowMatrix<T> out;      // Of the activation; empty if it equals pre.
  ActiveSets<T> active;  // Of the activation's output.
  ComponentMemory<T> layer;
  ComponentMemory<T> activation;
  std::vector<ComponentMemory<T>> regularizers;
  bool gradient_at_active = false;  // The activation needs dy at its active positions only.

  [[nodiscard]] RowMatrix<T>& output() { return out.stride() == 0 ? pre : out; }
};

template <class T>
class Workspace {
 public:
  // Room for this rank's shards of any of `plans`.
  Workspace(const Network<T>& network, std::span<const BatchPlan> plans);

  // Bytes that a Workspace would take: what the plan command reports.
  [[nodiscard]] static std::size_t bytes(const Network<T>& network,
                                         std::span<const BatchPlan> plans);

  RowMatrix<T> input;
  RowMatrix<T> target;               // Target::kLabels: a one in each row; else empty.
  std::vector<std::int32_t> labels;  // Per local row; unused without labels.
  std::vector<LayerMemory<T>> layers;
  RowMatrix<T> delta[2];      // Gradients of layer outputs, by turns.
  RowMatrix<T> delta_pre;     // Of pre-activations, where an activation does not work in place.
  Buffer<std::byte> scratch;  // Of one component call.
};

// The largest rows, shard count and shard size that any of the plans gives this rank.
struct LocalExtent {
  std::int64_t rows = 0;
  std::int64_t shards = 0;
  std::int64_t shard_rows = 0;
};
[[nodiscard]] LocalExtent local_extent(std::span<const BatchPlan> plans);

}  // namespace aesweep
