// Passes<T>: forward and backward over one rank's shards, breadth first over layers, so that
// batch-wide statistics are exact on any number of ranks.
//
// A failing component call is noted, not returned: the rank goes on taking part in every exchange
// of the step, with zeros, and the step agrees on the first fault afterwards. No pass allocates
// unless a call fails. All ranks of a group make the same calls in the same order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/model/network.hpp"
#include "core/train/backward.hpp"
#include "core/train/batch_plan.hpp"
#include "core/train/batch_sums.hpp"
#include "core/train/exchange.hpp"
#include "core/train/gradients.hpp"
#include "core/train/parameters.hpp"
#include "core/train/penalties.hpp"
#include "core/train/rounds.hpp"
#include "core/train/shard_calls.hpp"
#include "core/train/statistics.hpp"
#include "core/train/step_fault.hpp"
#include "core/train/workspace.hpp"

namespace aesweep {

// Where in a trial a batch stands.
struct BatchPlace {
  aesweep_mode mode = AESWEEP_TRAIN;
  std::int64_t step = 0;   // Finished training steps; in evaluation, the batch of the split.
  std::int64_t epoch = 0;  // Finished epochs.
  std::int64_t total_steps = 0;
  std::uint64_t seed = 0;
  std::int64_t train_step = 0;  // Finished training steps, in either mode.
};

// A value of a layer's output.
struct NotFinite {
  int layer = 0;         // The number of layers: there is none.
  std::int64_t row = 0;  // Of the batch.
  std::int64_t col = 0;
  double value = 0.0;
};

// The context of a batch's calls; stream and shard are set per call.
[[nodiscard]] aesweep_context batch_context(const BatchPlace& place, const BatchPlan& plan);

template <class T>
class Passes {
 public:
  // All must outlive it. `threshold`: a code unit is active where |value| is above it.
  Passes(const Network<T>& network, Parameters<T>& parameters, Workspace<T>& workspace,
         std::span<const BatchPlan> plans, double threshold, Exchange& exchange);
  // Bytes that one takes: what the plan command reports.
  [[nodiscard]] static std::size_t bytes(const Network<T>& network,
                                         std::span<const BatchPlan> plans);
  // Not movable: its parts point to each other.
  Passes(const Passes&) = delete;
  Passes& operator=(const Passes&) = delete;

  // Starts a batch; the rank's rows of it must be in workspace.input (and labels), unless `rows`
  // says why they are not: then that is the rank's fault in this batch.
  void begin(const BatchPlan& plan, const aesweep_context& context, bool has_labels,
             const Status& rows = {});

  void forward();
  // Of layers [first, end) alone, from what the workspace holds as the output of the layer before
  // `first`; earlier layers' weights are made ready, since later ones may view them.
  void forward(int first, int end);
  // Loss and, in training, its gradient with respect to the prediction; squared error; code sums.
  void loss();
  // Values of the penalties on activations, without gradients: for evaluation.
  void penalties();
  // From the loss gradient: all gradients, layer by layer from the last. `between` is called
  // between shards, so that what has arrived can be worked on.
  void backward(Gradients<T>& gradients, const std::function<void()>& between);
  // Lets components change their running buffers.
  void end_step();

  // This rank's sums, one vector per part of the plan.
  [[nodiscard]] std::span<const double> merged_sums();
  [[nodiscard]] BatchSums sums_layout() const { return calls_.layout(); }

  // Rows in which each code unit was active, over all batches since the last clear.
  [[nodiscard]] std::span<std::uint32_t> unit_counts() { return unit_counts_; }

  [[nodiscard]] const StepFault& fault() const { return calls_.fault(); }

  // The first value that is not finite among the layers' outputs, in this rank's rows: of the first
  // such layer. Slow: for naming the cause of a divergence.
  [[nodiscard]] NotFinite first_not_finite();

 private:
  void layer_forward(int l, std::int64_t s);
  void activation_forward(int l, std::int64_t s);
  void shard_loss(std::int64_t s);
  void end_step(const Transform<T>& transform, ComponentMemory<T>& results);

  const Network<T>* network_;
  Parameters<T>* parameters_;
  Exchange* exchange_;
  double threshold_;
  ShardCalls<T> calls_;
  Rounds<T> rounds_;
  Penalties<T> penalties_;
  Backward<T> backward_;
  TreeStack sums_stack_;
  std::vector<std::uint32_t> unit_counts_;
  bool has_labels_ = false;
};

}  // namespace aesweep
