// Gradients<T>: the gradients of one step, merged along the tree over shards and ranks.
//
// Backward works layer by layer from the last. For each local shard, a layer writes its gradients
// to leaves(); leaf_done() merges as the tree says, so that a logarithmic number of slots suffices.
// After a layer's last shard, layer_done() starts sending to each rank the elements that it owns;
// they travel while earlier layers still compute. Once arrived() says so, merged() gives a block of
// the batch-wide gradient on its owner. Nothing allocates after construction.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/model/network.hpp"
#include "core/train/batch_plan.hpp"
#include "core/train/contributions.hpp"
#include "core/train/exchange.hpp"
#include "core/train/partition.hpp"

namespace aesweep {

// Elements of gradient memory of one rank: what the plan command reports.
struct GradientMemory {
  std::size_t slots = 0;    // Whole arenas and the scratch slots of the largest layer.
  std::size_t staging = 0;  // What other ranks send.
  std::size_t views = 0;    // What layers that view other layers' tensors contribute.
  std::size_t merging = 0;  // A block of each pending part.

  [[nodiscard]] std::size_t elements() const { return slots + staging + views + merging; }
};

template <class T>
class Gradients {
 public:
  // The network and the partition must outlive it. `plans` are all batch plans that will be used.
  Gradients(const Network<T>& network, const Partition& partition, std::span<const BatchPlan> plans,
            int rank);

  [[nodiscard]] static GradientMemory memory(const Network<T>& network, const Partition& partition,
                                             std::span<const BatchPlan> plans, int rank);

  // Starts a step: posts all receives.
  void begin(const BatchPlan& plan, Exchange& exchange);

  // Starts the leaves of some consecutive tensors of a layer: all of them, or the layer's and then
  // its activation's apart.
  void leaves_begin(int layer, TensorRange tensors);
  // Where the present leaf's gradients of some of these tensors go, one pointer per tensor; good
  // until leaf_done.
  [[nodiscard]] T* const* leaves(TensorRange tensors);
  // Takes in what the viewers of these tensors contributed for this shard, then merges.
  void leaf_done();
  // What the layers before, in backward order, gave for tensors that they view.
  [[nodiscard]] Contributions<T>& contributions() { return contributions_; }
  void layer_done(Exchange& exchange);

  // True once the tensor's layer is done and every part of it is here.
  [[nodiscard]] bool arrived(int tensor, Exchange& exchange) const;
  void wait(int tensor, Exchange& exchange) const;

  // Elements [first, first + count) of the batch-wide gradient; the range is owned and within one
  // block. The caller may change them.
  [[nodiscard]] T* merged(int tensor, ElementRange block);

  // The tensor's batch-wide gradient; valid, and the caller's to change, where merged() has been
  // called.
  [[nodiscard]] T* gradient(int tensor) { return slot(tensor, 0); }

 private:
  [[nodiscard]] T* slot(int tensor, int index);
  [[nodiscard]] const T* part(int tensor, std::size_t part_index, std::size_t first);
  void post_receives(int tensor, Exchange& exchange);
  void send_parts(int tensor, Exchange& exchange);
  void sum_replicas(Exchange& exchange);
  [[nodiscard]] std::span<Exchange::Ticket> tickets(int tensor);
  // Those of them that are posted.
  [[nodiscard]] std::span<const Exchange::Ticket> posted(int tensor) const;

  const Network<T>* network_;
  const Partition* partition_;
  int rank_;
  int whole_slots_ = 1;           // Slots that span all layers: as many as a rank has parts.
  std::size_t scratch_slot_ = 0;  // Elements of a slot that serves one layer at a time.
  std::size_t remote_parts_max_ = 0;
  Contributions<T> contributions_;
  Buffer<T> slots_;
  Buffer<T> staging_;
  std::vector<std::size_t> staging_offset_;  // Per tensor.
  std::vector<Exchange::Ticket> tickets_;    // [tensor, remote part]
  std::vector<int> ticket_count_;            // Per tensor.
  Buffer<T> merge_scratch_;
  std::vector<const T*> merge_stack_;

  const BatchPlan* plan_ = nullptr;
  std::size_t my_first_part_ = 0;
  int first_done_layer_ = 0;  // This layer and those after it are done.
  int layer_ = 0;
  TensorRange tensors_;            // Of the present leaves.
  std::size_t elements_ = 0;       // Of these tensors, padding between them included.
  std::vector<T*> leaf_pointers_;  // By tensor.
  int height_ = 0;
  std::size_t next_leaf_ = 0;
};

}  // namespace aesweep
