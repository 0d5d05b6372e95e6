#include "core/train/partition.hpp"

#include <algorithm>

namespace aesweep {

Partition::Partition(const std::vector<Tensor>& tensors, Ownership ownership, int ranks)
    : ownership_(ownership), ranks_(ranks) {
  std::size_t block = 0;
  for (const Tensor& tensor : tensors) {
    elements_.push_back(tensor.elements);
    first_block_.push_back(block);
    block += blocks_in({0, tensor.elements});
  }
  first_block_.push_back(block);
}

ElementRange Partition::owned(int tensor, int rank) const {
  const std::size_t elements = elements_[static_cast<std::size_t>(tensor)];
  if (ownership_ == Ownership::kReplicated || ranks_ == 1) return {0, elements};
  // Turned by the tensor's index, so that the many tensors of one block do not all fall to one
  // rank.
  const auto ranks = static_cast<std::size_t>(ranks_);
  const std::size_t turn = static_cast<std::size_t>(tensor) % ranks;
  const std::size_t place = (static_cast<std::size_t>(rank) + ranks - turn) % ranks;
  if (ownership_ == Ownership::kTensors) return {0, place == 0 ? elements : 0};
  const std::size_t blocks = blocks_in({0, elements});
  const std::size_t first = std::min(blocks * place / ranks * kBlockElements, elements);
  const std::size_t last = std::min(blocks * (place + 1) / ranks * kBlockElements, elements);
  return {first, last - first};
}

}  // namespace aesweep
