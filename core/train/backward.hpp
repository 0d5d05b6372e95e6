// Backward<T>: from the gradient of the loss to the gradients of all parameters, layer by layer
// from the last, each shard's into the step's Gradients.
#pragma once

#include <functional>

#include "core/train/exchange.hpp"
#include "core/train/gradients.hpp"
#include "core/train/penalties.hpp"
#include "core/train/rounds.hpp"
#include "core/train/shard_calls.hpp"

namespace aesweep {

template <class T>
class Backward {
 public:
  // All must outlive it.
  Backward(ShardCalls<T>& calls, Rounds<T>& rounds, Penalties<T>& penalties)
      : calls_(&calls), rounds_(&rounds), penalties_(&penalties) {}

  // Forward and loss of this batch have run. `between` is called between shards, so that what has
  // arrived can be worked on.
  void run(Gradients<T>& gradients, Exchange& exchange, const std::function<void()>& between);

 private:
  void layer(int l, Gradients<T>& gradients, const std::function<void()>& between);
  void layer_with_rounds(int l, Gradients<T>& gradients, const std::function<void()>& between);
  void through_activation(int l, std::int64_t s, Gradients<T>& gradients);
  void through_layer(int l, std::int64_t s, Gradients<T>& gradients);
  // One numbered stage: work on every local shard, and `between` after each.
  template <class Work>
  void stage(int l, const std::function<void()>& between, Work work);

  ShardCalls<T>* calls_;
  Rounds<T>* rounds_;
  Penalties<T>* penalties_;
};

}  // namespace aesweep
