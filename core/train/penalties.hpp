// Penalties<T>: the regularizers on a layer's activations, shard by shard: their values into the
// batch's sums, their gradients into the layer's.
#pragma once

#include "core/train/shard_calls.hpp"

namespace aesweep {

template <class T>
class Penalties {
 public:
  // `calls` must outlive it.
  explicit Penalties(ShardCalls<T>& calls) : calls_(&calls) {}

  // Once the layer's rounds have run. Adds to the gradient of the layer's output if asked to.
  void add(int l, std::int64_t s, bool with_gradient);

 private:
  ShardCalls<T>* calls_;
};

}  // namespace aesweep
