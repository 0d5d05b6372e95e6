// Contributions<T>: what layers that view another layer's tensors add to its gradients.
//
// Backward goes breadth first over layers, so that a viewer has gone through all its shards long
// before the owner does: each viewed tensor has one buffer per local shard, in which its viewers'
// gradients add up in backward order. The owner's leaf of that shard takes them in; the merge along
// the tree starts after that. Nothing allocates after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/model/network.hpp"
#include "core/train/batch_plan.hpp"

namespace aesweep {

template <class T>
class Contributions {
 public:
  // The network must outlive it. `plans` are all batch plans that will be used.
  Contributions(const Network<T>& network, std::span<const BatchPlan> plans);

  // Elements that it takes: what the plan command reports.
  [[nodiscard]] static std::size_t elements(const Network<T>& network,
                                            std::span<const BatchPlan> plans);

  // Where the layer's backward writes shard s's gradients of what it views, in the order of its
  // views; then written() adds them to those of the viewers before. Null without views.
  [[nodiscard]] T* const* room(int layer, std::int64_t s);
  void written(int layer, std::int64_t s);

  // Adds what the viewers of `tensor` gave for shard s; nothing if it has none.
  void add_to(int tensor, std::int64_t s, T* gradient) const;

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  // The first to write, in backward order: it needs no room of its own.
  [[nodiscard]] bool first_to_write(int layer, int tensor) const {
    return first_writer_[static_cast<std::size_t>(tensor)] == layer;
  }
  [[nodiscard]] std::size_t size(int tensor) const {
    return network_->tensors()[static_cast<std::size_t>(tensor)].elements;
  }
  [[nodiscard]] T* buffer(int tensor, std::int64_t s);

  const Network<T>* network_;
  std::vector<int> first_writer_;    // Per tensor: the last layer that views it, or -1.
  std::vector<std::size_t> offset_;  // Per tensor: of its buffer in a shard's, or kNone.
  std::size_t per_shard_ = 0;
  Buffer<T> buffers_;  // [local shard, per_shard_]
  Buffer<T> scratch_;  // Of the writers after the first, one layer at a time.
  std::vector<T*> pointers_;
};

}  // namespace aesweep
