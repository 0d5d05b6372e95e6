// Partition: which rank owns which elements of each learned tensor, and the blocks they come in.
//
// A tensor is cut into blocks of 4,096 elements from its own start, the same for any number of
// ranks. A block is the unit of ownership, of one element-wise optimizer call and of one double
// partial sum. Optimizers that need whole tensors own whole tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/network.hpp"

namespace aesweep {

inline constexpr std::size_t kBlockElements = 4096;

// Elements [first, first + count) of a tensor.
struct ElementRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

enum class Ownership {
  kBlocks,     // Each rank owns a contiguous run of blocks of every tensor.
  kTensors,    // Each tensor has one owner.
  kReplicated  // Every rank owns everything: train.reproducible = false.
};

class Partition {
 public:
  Partition(const std::vector<Tensor>& tensors, Ownership ownership, int ranks);

  // What `rank` owns of a tensor: whole blocks (the last may be short); possibly nothing.
  [[nodiscard]] ElementRange owned(int tensor, int rank) const;
  [[nodiscard]] int ranks() const { return ranks_; }
  [[nodiscard]] Ownership ownership() const { return ownership_; }

  // Blocks of all tensors, counted through; the first block of a tensor; the blocks of a range.
  [[nodiscard]] std::size_t block_count() const { return first_block_.back(); }
  [[nodiscard]] std::size_t first_block(int tensor) const {
    return first_block_[static_cast<std::size_t>(tensor)];
  }
  // Number of a range's first block among the blocks of all tensors.
  [[nodiscard]] std::size_t block_number(int tensor, ElementRange range) const {
    return first_block(tensor) + range.first / kBlockElements;
  }
  [[nodiscard]] static std::size_t blocks_in(ElementRange range) {
    return (range.count + kBlockElements - 1) / kBlockElements;
  }

 private:
  std::vector<std::size_t> elements_;
  std::vector<std::size_t> first_block_;  // Per tensor, then the total.
  Ownership ownership_;
  int ranks_;
};

}  // namespace aesweep
