// Rounds<T>: the statistics rounds of a batch's components: every rank's shards accumulate, the
// group reduces, and the batch-wide values lie in the component's memory. All ranks of a group run
// the same rounds in the same order, with or without shards. Rounds that are for training only do
// not run in evaluation; their statistics are NaN then, so that no value of another batch passes
// for one of this.
#pragma once

#include <span>

#include "core/train/exchange.hpp"
#include "core/train/shard_calls.hpp"
#include "core/train/statistics.hpp"

namespace aesweep {

template <class T>
class Rounds {
 public:
  // All must outlive it, but not `plans`.
  Rounds(ShardCalls<T>& calls, std::span<const BatchPlan> plans, Exchange& exchange);
  // What one takes: for each pending part of the longest round a vector of doubles.
  [[nodiscard]] static std::size_t bytes(const Network<T>& network,
                                         std::span<const BatchPlan> plans);

  // Whether the component has rounds to run in this phase of the present batch.
  [[nodiscard]] bool any(const Component<T>& component, aesweep_phase phase) const;

  void layer(int l, aesweep_phase phase);
  void activation(int l, aesweep_phase phase);
  // Of the layer's penalties on activations, of either phase.
  void regularizers(int l);

 private:
  void transform(int l, const Transform<T>& transform, ComponentMemory<T>& results,
                 aesweep_phase phase, bool is_activation);
  [[nodiscard]] bool skipped(const aesweep_round& round) const;
  template <class Accumulate>
  void run(int l, const Component<T>& component, ComponentMemory<T>& results, aesweep_phase phase,
           Accumulate accumulate);

  ShardCalls<T>* calls_;
  Exchange* exchange_;
  StatisticsRound round_;
};

}  // namespace aesweep
