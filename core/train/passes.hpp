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
#include <string>
#include <vector>

#include "core/model/network.hpp"
#include "core/train/batch_plan.hpp"
#include "core/train/batch_sums.hpp"
#include "core/train/exchange.hpp"
#include "core/train/gradients.hpp"
#include "core/train/parameters.hpp"
#include "core/train/statistics.hpp"
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

// The context of a batch's calls; stream and shard are set per call.
[[nodiscard]] aesweep_context batch_context(const BatchPlace& place, const BatchPlan& plan);

// "step 12", or "evaluation batch 3".
[[nodiscard]] std::string step_name(const aesweep_context& context);

// The first fault of a rank. Stages and shards are numbered alike on all ranks, so that the lowest
// (stage, shard) over a group is the same for any number of ranks.
struct StepFault {
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::uint64_t order = kNone;  // stage * 2^32 + shard
  std::string reason;

  [[nodiscard]] bool present() const { return order != kNone; }
  // Keeps the lowest.
  void note(std::uint64_t at, std::string why) {
    if (at >= order) return;
    order = at;
    reason = std::move(why);
  }
};

template <class T>
[[nodiscard]] std::size_t activation_penalty_count(const Network<T>& network);

template <class T>
class Passes {
 public:
  // All must outlive it. `threshold`: a code unit is active where |value| is above it.
  Passes(const Network<T>& network, Parameters<T>& parameters, Workspace<T>& workspace,
         std::span<const BatchPlan> plans, double threshold, Exchange& exchange);

  // Starts a batch; the rank's rows of it must be in workspace.input (and labels).
  void begin(const BatchPlan& plan, const aesweep_context& context, bool has_labels);

  void forward();
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
  [[nodiscard]] BatchSums sums_layout() const { return layout_; }

  // Rows in which each code unit was active, over all batches since the last clear.
  [[nodiscard]] std::span<std::uint32_t> unit_counts() { return unit_counts_; }

  [[nodiscard]] const StepFault& fault() const { return fault_; }

  // The first layer whose output holds a value that is not finite, in this rank's rows; the number
  // of layers if there is none. Slow: for naming the cause of a divergence.
  [[nodiscard]] int first_layer_not_finite();

 private:
  using Matrix = typename Abi<T>::Matrix;
  using ConstMatrix = typename Abi<T>::ConstMatrix;
  using Memory = typename Abi<T>::Memory;

  [[nodiscard]] const Layer<T>& layer(int l) const {
    return network_->layers()[static_cast<std::size_t>(l)];
  }
  [[nodiscard]] LayerMemory<T>& memory(int l) {
    return workspace_->layers[static_cast<std::size_t>(l)];
  }
  [[nodiscard]] aesweep_context shard_context(const Streams& streams, std::int64_t s) const;
  [[nodiscard]] Matrix rows(RowMatrix<T>& matrix, std::int64_t s, std::int64_t cols) const;
  [[nodiscard]] ConstMatrix layer_input(int l, std::int64_t s);
  [[nodiscard]] ConstMatrix layer_output(int l, std::int64_t s);
  [[nodiscard]] ConstMatrix pre_activation(int l, std::int64_t s);
  [[nodiscard]] typename Abi<T>::Views views(const Regularizer<T>& r, int l, std::int64_t s);
  [[nodiscard]] Memory call_memory(const Transform<T>& transform, ComponentMemory<T>& memory,
                                   std::int64_t s);
  [[nodiscard]] Memory call_memory(ComponentMemory<T>& memory, std::int64_t s);
  void set_gradients(const Transform<T>& transform, Gradients<T>& gradients, Memory& memory);
  [[nodiscard]] double& sum(std::int64_t s, std::size_t index);

  void note(std::int64_t local_shard, const Status& status, const char* where);
  void layer_forward(int l, std::int64_t s);
  void activation_forward(int l, std::int64_t s);
  template <class Accumulate>
  void statistics(const Component<T>& component, ComponentMemory<T>& results, aesweep_phase phase,
                  const char* where, Accumulate accumulate);
  void transform_rounds(const Transform<T>& transform, ComponentMemory<T>& results,
                        aesweep_phase phase, int l, bool is_activation);
  void regularizer_rounds(int l);
  void add_penalties(int l, std::int64_t s, bool with_gradient);
  void activation_backward(int l, std::int64_t s, Gradients<T>& gradients);
  void layer_backward(int l, std::int64_t s, Gradients<T>& gradients);
  // One numbered stage: work on every local shard, and `between` after each.
  template <class Work>
  void stage(const std::function<void()>& between, Work work);
  void backward_of_layer(int l, Gradients<T>& gradients, const std::function<void()>& between);
  void shard_loss(std::int64_t s);

  const Network<T>* network_;
  Parameters<T>* parameters_;
  Workspace<T>* workspace_;
  Exchange* exchange_;
  double threshold_;
  BatchSums layout_;
  std::vector<std::size_t> first_penalty_;  // Per layer: index of its first penalty in the sums.
  StatisticsRound round_;
  TreeStack sums_stack_;
  Buffer<double> sums_;  // [local shard, layout_.length()]
  std::vector<std::uint32_t> unit_counts_;
  std::vector<const T*> parameter_pointers_;
  std::vector<T*> gradient_pointers_;
  std::vector<T*> buffer_pointers_;

  const BatchPlan* plan_ = nullptr;
  aesweep_context context_{};
  bool has_labels_ = false;
  std::uint64_t stage_ = 0;
  int delta_ = 0;  // Which of the workspace's deltas holds the gradient of the current output.
  StepFault fault_;
};

}  // namespace aesweep
