#include "core/train/gradients.hpp"

#include <algorithm>
#include <numeric>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

template <class T>
std::size_t largest_layer(const Network<T>& network) {
  std::size_t most = 0;
  for (const Layer<T>& layer : network.layers()) most = std::max(most, layer.elements);
  return most;
}

struct Slots {
  int whole = 1;
  int height_max = 1;
  std::size_t remote_parts_max = 0;
  int global_height_max = 1;
};

Slots needed_slots(std::span<const BatchPlan> plans, int rank) {
  Slots slots;
  for (const BatchPlan& plan : plans) {
    const int mine = plan.my_parts(rank);
    slots.whole = std::max(slots.whole, mine);
    slots.height_max = std::max(slots.height_max, plan.local.slots_max);
    slots.remote_parts_max =
        std::max(slots.remote_parts_max, plan.parts.size() - static_cast<std::size_t>(mine));
    slots.global_height_max = std::max(slots.global_height_max, plan.global.slots_max);
  }
  return slots;
}

template <class T>
void add(T* sum, const T* left, const T* right, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sum[i] = left[i] + right[i];
}

}  // namespace

template <class T>
GradientMemory Gradients<T>::memory(const Network<T>& network, const Partition& partition,
                                    std::span<const BatchPlan> plans, int rank) {
  const Slots slots = needed_slots(plans, rank);
  GradientMemory memory;
  memory.slots = static_cast<std::size_t>(slots.whole) * network.elements() +
                 static_cast<std::size_t>(std::max(0, slots.height_max - slots.whole)) *
                     largest_layer(network);
  memory.views = Contributions<T>::elements(network, plans);
  memory.merging = static_cast<std::size_t>(slots.global_height_max) * kBlockElements;
  if (partition.ownership() == Ownership::kReplicated) return memory;
  for (std::size_t t = 0; t < network.tensors().size(); ++t) {
    const ElementRange owned = partition.owned(static_cast<int>(t), rank);
    memory.staging += padded_to_line<T>(owned.count) * slots.remote_parts_max;
  }
  return memory;
}

template <class T>
Gradients<T>::Gradients(const Network<T>& network, const Partition& partition,
                        std::span<const BatchPlan> plans, int rank)
    : network_(&network), partition_(&partition), rank_(rank), contributions_(network, plans) {
  const Slots needed = needed_slots(plans, rank);
  const GradientMemory sizes = memory(network, partition, plans, rank);
  whole_slots_ = needed.whole;
  scratch_slot_ = largest_layer(network);
  remote_parts_max_ = needed.remote_parts_max;
  slots_ = Buffer<T>(sizes.slots);
  staging_ = Buffer<T>(sizes.staging);
  std::size_t offset = 0;
  for (std::size_t t = 0; t < network.tensors().size(); ++t) {
    staging_offset_.push_back(offset);
    const std::size_t owned = partition.owned(static_cast<int>(t), rank).count;
    offset += padded_to_line<T>(owned) * remote_parts_max_;
  }
  tickets_.resize(network.tensors().size() * std::max<std::size_t>(remote_parts_max_, 1));
  ticket_count_.resize(network.tensors().size());
  leaf_pointers_.resize(network.tensors().size());
  merge_scratch_ = Buffer<T>(sizes.merging);
  merge_stack_.resize(static_cast<std::size_t>(needed.global_height_max) + 1);
}

template <class T>
std::span<Exchange::Ticket> Gradients<T>::tickets(int tensor) {
  const std::size_t width = std::max<std::size_t>(remote_parts_max_, 1);
  return std::span(tickets_).subspan(static_cast<std::size_t>(tensor) * width, width);
}

template <class T>
std::span<const Exchange::Ticket> Gradients<T>::posted(int tensor) const {
  const std::size_t width = std::max<std::size_t>(remote_parts_max_, 1);
  return std::span(tickets_).subspan(
      static_cast<std::size_t>(tensor) * width,
      static_cast<std::size_t>(ticket_count_[static_cast<std::size_t>(tensor)]));
}

template <class T>
T* Gradients<T>::slot(int tensor, int index) {
  const std::size_t offset = network_->tensors()[static_cast<std::size_t>(tensor)].offset;
  if (index < whole_slots_) {
    return slots_.data() + static_cast<std::size_t>(index) * network_->elements() + offset;
  }
  const std::size_t in_layer = offset - network_->layers()[static_cast<std::size_t>(layer_)].offset;
  return slots_.data() + static_cast<std::size_t>(whole_slots_) * network_->elements() +
         static_cast<std::size_t>(index - whole_slots_) * scratch_slot_ + in_layer;
}

template <class T>
void Gradients<T>::begin(const BatchPlan& plan, Exchange& exchange) {
  plan_ = &plan;
  first_done_layer_ = static_cast<int>(network_->layers().size());
  my_first_part_ = static_cast<std::size_t>(
      std::accumulate(plan.parts_of_rank.begin(), plan.parts_of_rank.begin() + rank_, 0));
  std::fill(ticket_count_.begin(), ticket_count_.end(), 0);
  if (partition_->ownership() == Ownership::kReplicated || exchange.ranks() == 1) return;
  for (std::size_t l = network_->layers().size(); l-- > 0;) {
    const TensorRange learned = network_->layers()[l].learned;
    for (int t = learned.first; t < learned.first + learned.count; ++t) post_receives(t, exchange);
  }
}

template <class T>
void Gradients<T>::post_receives(int tensor, Exchange& exchange) {
  const std::size_t count = partition_->owned(tensor, rank_).count;
  if (count == 0) return;
  T* staging = staging_.data() + staging_offset_[static_cast<std::size_t>(tensor)];
  int& posted = ticket_count_[static_cast<std::size_t>(tensor)];
  for (int r = 0; r < exchange.ranks(); ++r) {
    if (r == rank_) continue;
    for (int p = 0; p < plan_->my_parts(r); ++p) {
      const std::span<T> room(staging + static_cast<std::size_t>(posted) * padded_to_line<T>(count),
                              count);
      tickets(tensor)[static_cast<std::size_t>(posted++)] =
          exchange.receive(r, tensor, std::as_writable_bytes(room));
    }
  }
}

template <class T>
void Gradients<T>::leaves_begin(int layer, TensorRange tensors) {
  layer_ = layer;
  tensors_ = tensors;
  elements_ = 0;
  if (tensors.count > 0) {
    const Tensor& first = network_->tensors()[static_cast<std::size_t>(tensors.first)];
    const Tensor& last =
        network_->tensors()[static_cast<std::size_t>(tensors.first + tensors.count - 1)];
    elements_ = last.offset + last.elements - first.offset;
  }
  height_ = 0;
  next_leaf_ = 0;
}

template <class T>
T* const* Gradients<T>::leaves(TensorRange tensors) {
  for (int t = tensors.first; t < tensors.first + tensors.count; ++t) {
    leaf_pointers_[static_cast<std::size_t>(t)] = slot(t, height_);
  }
  return leaf_pointers_.data() + tensors.first;
}

template <class T>
void Gradients<T>::leaf_done() {
  for (int t = tensors_.first; t < tensors_.first + tensors_.count; ++t) {
    contributions_.add_to(t, static_cast<std::int64_t>(next_leaf_), slot(t, height_));
  }
  ++height_;
  for (int merges = plan_->local.merges_after[next_leaf_++]; merges > 0; --merges) {
    --height_;
    if (elements_ == 0) continue;
    T* left = slot(tensors_.first, height_ - 1);
    add(left, left, slot(tensors_.first, height_), elements_);
  }
}

template <class T>
void Gradients<T>::layer_done(Exchange& exchange) {
  first_done_layer_ = layer_;
  if (partition_->ownership() == Ownership::kReplicated) {
    sum_replicas(exchange);
    return;
  }
  if (exchange.ranks() == 1) return;
  const TensorRange learned = network_->layers()[static_cast<std::size_t>(layer_)].learned;
  for (int t = learned.first; t < learned.first + learned.count; ++t) send_parts(t, exchange);
}

template <class T>
void Gradients<T>::send_parts(int tensor, Exchange& exchange) {
  for (int r = 0; r < exchange.ranks(); ++r) {
    const ElementRange theirs = partition_->owned(tensor, r);
    if (r == rank_ || theirs.count == 0) continue;
    for (int p = 0; p < height_; ++p) {
      const std::span<const T> elements(slot(tensor, p) + theirs.first, theirs.count);
      exchange.send(r, tensor, std::as_bytes(elements));
    }
  }
}

// The mode without reproducibility: local parts in order, then one sum over ranks per layer.
template <class T>
void Gradients<T>::sum_replicas(Exchange& exchange) {
  const Layer<T>& layer = network_->layers()[static_cast<std::size_t>(layer_)];
  if (layer.learned.count == 0) return;
  T* total = slot(layer.learned.first, 0);
  if (height_ == 0) std::fill(total, total + layer.elements, T(0));
  for (int p = 1; p < height_; ++p) {
    add(total, total, slot(layer.learned.first, p), layer.elements);
  }
  const Exchange::Ticket ticket = exchange.start_sum(std::span<T>(total, layer.elements));
  for (int t = layer.learned.first; t < layer.learned.first + layer.learned.count; ++t) {
    tickets(t)[0] = ticket;
    ticket_count_[static_cast<std::size_t>(t)] = 1;
  }
}

template <class T>
bool Gradients<T>::arrived(int tensor, Exchange& exchange) const {
  const Tensor& of = network_->tensors()[static_cast<std::size_t>(tensor)];
  if (of.layer < first_done_layer_) return false;
  const auto mine = posted(tensor);
  return std::all_of(mine.begin(), mine.end(),
                     [&](Exchange::Ticket ticket) { return exchange.done(ticket); });
}

template <class T>
void Gradients<T>::wait(int tensor, Exchange& exchange) const {
  const auto mine = posted(tensor);
  for (const Exchange::Ticket ticket : mine) exchange.wait(ticket);
}

template <class T>
const T* Gradients<T>::part(int tensor, std::size_t part_index, std::size_t first) {
  const auto mine = static_cast<std::size_t>(plan_->my_parts(rank_));
  if (part_index >= my_first_part_ && part_index < my_first_part_ + mine) {
    return slot(tensor, static_cast<int>(part_index - my_first_part_)) + first;
  }
  const std::size_t remote = part_index < my_first_part_ ? part_index : part_index - mine;
  const ElementRange owned = partition_->owned(tensor, rank_);
  return staging_.data() + staging_offset_[static_cast<std::size_t>(tensor)] +
         remote * padded_to_line<T>(owned.count) + (first - owned.first);
}

template <class T>
T* Gradients<T>::merged(int tensor, ElementRange block) {
  T* result = slot(tensor, 0) + block.first;
  if (partition_->ownership() == Ownership::kReplicated) return result;
  AESWEEP_CHECK(block.count <= kBlockElements, "a merge is larger than a block");
  const std::vector<int>& merges_after = plan_->global.merges_after;
  std::size_t height = 0;
  for (std::size_t p = 0; p < merges_after.size(); ++p) {
    merge_stack_[height++] = part(tensor, p, block.first);
    for (int merges = merges_after[p]; merges > 0; --merges) {
      --height;
      const bool last = p + 1 == merges_after.size() && merges == 1;
      T* sum = last ? result : merge_scratch_.data() + (height - 1) * kBlockElements;
      add(sum, merge_stack_[height - 1], merge_stack_[height], block.count);
      merge_stack_[height - 1] = sum;
    }
  }
  if (merge_stack_[0] != result) {
    std::copy(merge_stack_[0], merge_stack_[0] + block.count, result);
  }
  return result;
}

template class Gradients<float>;
template class Gradients<double>;

}  // namespace aesweep
