// Penalties<T>: the regularizers on a layer's activations, shard by shard: their values into the
// batch's sums, their gradients into those of the layer's output and, where they depend on the
// layer's parameters themselves, of its parameters.
#pragma once

#include "core/train/gradients.hpp"
#include "core/train/shard_calls.hpp"

namespace aesweep {

template <class T>
class Penalties {
 public:
  // `calls` must outlive it.
  explicit Penalties(ShardCalls<T>& calls) : calls_(&calls) {}

  // Once the layer's rounds have run. Adds to the gradient of the layer's output if asked to.
  void add(int l, std::int64_t s, bool with_gradient);
  // Once the layer's backward of this shard has written the leaf: adds to it.
  void add_to_parameters(int l, std::int64_t s, Gradients<T>& gradients);

 private:
  ShardCalls<T>* calls_;
};

}  // namespace aesweep
