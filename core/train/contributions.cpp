#include "core/train/contributions.hpp"

#include <algorithm>

#include "core/train/workspace.hpp"

namespace aesweep {
namespace {

// Per tensor: the last layer that views it, or -1.
template <class T>
std::vector<int> last_viewers(const Network<T>& network) {
  std::vector<int> last(network.tensors().size(), -1);
  for (std::size_t l = 0; l < network.layers().size(); ++l) {
    for (const int t : network.layers()[l].layer.viewed) {
      last[static_cast<std::size_t>(t)] = static_cast<int>(l);
    }
  }
  return last;
}

struct Sizes {
  std::size_t per_shard = 0;
  std::size_t scratch = 0;
  std::size_t views_max = 0;
};

template <class T>
Sizes sizes_of(const Network<T>& network) {
  const std::vector<int> last = last_viewers(network);
  const auto padded = [&](std::size_t tensor) {
    return padded_to_line<T>(network.tensors()[tensor].elements);
  };
  Sizes sizes;
  for (std::size_t t = 0; t < last.size(); ++t) sizes.per_shard += last[t] < 0 ? 0 : padded(t);
  for (std::size_t l = 0; l < network.layers().size(); ++l) {
    const std::vector<int>& viewed = network.layers()[l].layer.viewed;
    std::size_t scratch = 0;
    for (const int t : viewed) {
      const auto tensor = static_cast<std::size_t>(t);
      if (last[tensor] != static_cast<int>(l)) scratch += padded(tensor);
    }
    sizes.scratch = std::max(sizes.scratch, scratch);
    sizes.views_max = std::max(sizes.views_max, viewed.size());
  }
  return sizes;
}

template <class T>
void add(T* sum, const T* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += values[i];
}

}  // namespace

template <class T>
std::size_t Contributions<T>::elements(const Network<T>& network,
                                       std::span<const BatchPlan> plans) {
  const Sizes sizes = sizes_of(network);
  return static_cast<std::size_t>(local_extent(plans).shards) * sizes.per_shard + sizes.scratch;
}

template <class T>
Contributions<T>::Contributions(const Network<T>& network, std::span<const BatchPlan> plans)
    : network_(&network), first_writer_(last_viewers(network)) {
  const Sizes sizes = sizes_of(network);
  for (std::size_t t = 0; t < network.tensors().size(); ++t) {
    const bool viewed = first_writer_[t] >= 0;
    offset_.push_back(viewed ? per_shard_ : kNone);
    if (viewed) per_shard_ += padded_to_line<T>(network.tensors()[t].elements);
  }
  buffers_ = Buffer<T>(static_cast<std::size_t>(local_extent(plans).shards) * per_shard_);
  scratch_ = Buffer<T>(sizes.scratch);
  pointers_.resize(sizes.views_max);
}

template <class T>
T* Contributions<T>::buffer(int tensor, std::int64_t s) {
  return buffers_.data() + static_cast<std::size_t>(s) * per_shard_ +
         offset_[static_cast<std::size_t>(tensor)];
}

template <class T>
T* const* Contributions<T>::room(int layer, std::int64_t s) {
  const std::vector<int>& viewed = network_->layers()[static_cast<std::size_t>(layer)].layer.viewed;
  if (viewed.empty()) return nullptr;
  std::size_t used = 0;
  for (std::size_t i = 0; i < viewed.size(); ++i) {
    if (first_to_write(layer, viewed[i])) {
      pointers_[i] = buffer(viewed[i], s);
      continue;
    }
    pointers_[i] = scratch_.data() + used;
    used += padded_to_line<T>(size(viewed[i]));
  }
  return pointers_.data();
}

template <class T>
void Contributions<T>::written(int layer, std::int64_t s) {
  const std::vector<int>& viewed = network_->layers()[static_cast<std::size_t>(layer)].layer.viewed;
  std::size_t used = 0;
  for (const int t : viewed) {
    if (first_to_write(layer, t)) continue;
    add(buffer(t, s), scratch_.data() + used, size(t));
    used += padded_to_line<T>(size(t));
  }
}

template <class T>
void Contributions<T>::add_to(int tensor, std::int64_t s, T* gradient) const {
  const std::size_t offset = offset_[static_cast<std::size_t>(tensor)];
  if (offset == kNone) return;
  add(gradient, buffers_.data() + static_cast<std::size_t>(s) * per_shard_ + offset, size(tensor));
}

template class Contributions<float>;
template class Contributions<double>;

}  // namespace aesweep
