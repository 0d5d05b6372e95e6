// Boxes: a range of a row-major array's elements as rectangular pieces, which is what HDF5 reads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace aesweep {

struct Box {
  std::vector<std::uint64_t> start;
  std::vector<std::uint64_t> size;
  std::uint64_t elements = 0;
};

// The longest box that begins at element `first` and is `count` elements or fewer, which follow
// each other in the array. dims: at least one; [first, first + count) is in the array, count above
// 0.
[[nodiscard]] Box first_box(std::span<const std::int64_t> dims, std::uint64_t first,
                            std::uint64_t count);

}  // namespace aesweep
