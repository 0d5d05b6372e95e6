// ShardCalls<T>: what the component calls of a batch are given (context, matrices, memory), what
// they add up to per shard, and the first fault among them.
//
// The passes (forward, statistics rounds, penalties, backward) share one: it says where in the
// batch the rank stands. Shards are counted from the rank's first, `s`; layers by their index, `l`.
// What it hands out are views into the workspace, good until the next begin. Nothing allocates
// unless a fault is noted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/model/network.hpp"
#include "core/train/batch_plan.hpp"
#include "core/train/batch_sums.hpp"
#include "core/train/parameters.hpp"
#include "core/train/step_fault.hpp"
#include "core/train/workspace.hpp"

namespace aesweep {

template <class T>
[[nodiscard]] std::size_t activation_penalty_count(const Network<T>& network);

template <class T>
class ShardCalls {
 public:
  using Matrix = typename Abi<T>::Matrix;
  using ConstMatrix = typename Abi<T>::ConstMatrix;
  using Memory = typename Abi<T>::Memory;
  using Views = typename Abi<T>::Views;

  // All must outlive it.
  ShardCalls(const Network<T>& network, Parameters<T>& parameters, Workspace<T>& workspace,
             std::span<const BatchPlan> plans);
  ~ShardCalls();
  // What the sums take; the pointers beside them are few.
  [[nodiscard]] static std::size_t bytes(const Network<T>& network,
                                         std::span<const BatchPlan> plans);
  ShardCalls(const ShardCalls&) = delete;
  ShardCalls& operator=(const ShardCalls&) = delete;

  // Starts a batch: stage 0, sums 0. A fault stays.
  void begin(const BatchPlan& plan, const aesweep_context& context);

  [[nodiscard]] const Network<T>& network() const { return *network_; }
  [[nodiscard]] int layer_count() const { return static_cast<int>(network_->layers().size()); }
  [[nodiscard]] const Layer<T>& layer(int l) const {
    return network_->layers()[static_cast<std::size_t>(l)];
  }
  [[nodiscard]] LayerMemory<T>& layer_memory(int l) {
    return workspace_->layers[static_cast<std::size_t>(l)];
  }
  [[nodiscard]] const BatchPlan& plan() const { return *plan_; }
  [[nodiscard]] const aesweep_context& context() const { return context_; }
  [[nodiscard]] std::int64_t shard_count() const { return plan_->mine.count; }
  [[nodiscard]] const Shard& shard(std::int64_t s) const {
    return plan_->shards[static_cast<std::size_t>(plan_->mine.first + s)];
  }

  // The stage of the calls to come and whose they are, in messages and in the call trace: a layer's
  // name, "loss". `where` must outlive the stage.
  void next_stage(const char* where);
  // Notes a call's failure as one of the present stage; success changes nothing.
  void note(std::int64_t s, const Status& status);
  // Likewise that this rank's rows of the batch could not be had; before the first stage.
  void note_rows(const Status& status);
  [[nodiscard]] bool failed() const { return fault_.present(); }
  [[nodiscard]] const StepFault& fault() const { return fault_; }

  // The context of a call on one shard, and of one that is about the whole batch.
  [[nodiscard]] aesweep_context shard_context(const Streams& streams, std::int64_t s) const;
  [[nodiscard]] aesweep_context batch_context(const Streams& streams) const;

  [[nodiscard]] ConstMatrix layer_input(int l, std::int64_t s);
  [[nodiscard]] ConstMatrix target(std::int64_t s);
  [[nodiscard]] const std::int32_t* labels(std::int64_t s) const;
  [[nodiscard]] ConstMatrix pre_activation(int l, std::int64_t s);
  [[nodiscard]] ConstMatrix layer_output(int l, std::int64_t s);
  // Where the layer and its activation write.
  [[nodiscard]] Matrix pre_activation_room(int l, std::int64_t s);
  [[nodiscard]] Matrix output_room(int l, std::int64_t s);

  // Gradients with respect to a layer's output, pre-activation and input, while backward is there;
  // the first two lie in one place where the activation works in place. next_layer makes the
  // input's gradient the output's one layer earlier.
  [[nodiscard]] Matrix output_gradient(int l, std::int64_t s);
  [[nodiscard]] Matrix pre_gradient(int l, std::int64_t s);
  [[nodiscard]] Matrix input_gradient(int l, std::int64_t s);
  void next_layer() { delta_ = 1 - delta_; }

  [[nodiscard]] Views views(const Regularizer<T>& r, int l, std::int64_t s);

  // Scratch alone; with what a component keeps of shard s; with the tensors of layer l's
  // transform as well.
  [[nodiscard]] Memory memory();
  [[nodiscard]] Memory memory(ComponentMemory<T>& kept, std::int64_t s);
  [[nodiscard]] Memory memory(int l, const Transform<T>& transform, ComponentMemory<T>& kept,
                              std::int64_t s);
  // Of the layer's i-th regularizer on activations, with the layer's tensors if it views them.
  [[nodiscard]] Memory penalty_memory(int l, std::size_t i, std::int64_t s);
  // Of end_step, which sees what is the same on all ranks: buffers and statistics. Weights are
  // on their way between ranks at that time, and what is kept is one shard's.
  [[nodiscard]] Memory end_memory(const Transform<T>& transform, ComponentMemory<T>& kept);

  [[nodiscard]] BatchSums layout() const { return layout_; }
  [[nodiscard]] double& sum(std::int64_t s, std::size_t index) {
    return sums_[static_cast<std::size_t>(s) * layout_.length() + index];
  }
  // The index in the sums of the layer's first penalty on activations.
  [[nodiscard]] std::size_t first_penalty(int l) const {
    return first_penalty_[static_cast<std::size_t>(l)];
  }

 private:
  [[nodiscard]] Matrix rows(RowMatrix<T>& matrix, std::int64_t s, std::int64_t cols) const;

  const Network<T>* network_;
  Workspace<T>* workspace_;
  std::vector<const T*> parameter_pointers_;
  std::vector<std::vector<const T*>> viewed_pointers_;  // Per layer.
  std::vector<T*> buffer_pointers_;
  BatchSums layout_;
  std::vector<std::size_t> first_penalty_;  // Per layer.
  Buffer<double> sums_;                     // [local shard, layout_.length()]

  const BatchPlan* plan_ = nullptr;
  aesweep_context context_{};
  std::uint64_t stage_ = 0;
  const char* where_ = "";
  int delta_ = 0;  // Which of the workspace's deltas holds the gradient of the present output.
  StepFault fault_;
};

}  // namespace aesweep
