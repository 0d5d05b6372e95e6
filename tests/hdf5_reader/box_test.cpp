// Proves that the boxes of any range of a small array are that range, element by element and in
// order: by walking all ranges of several shapes.
#include "runner/hdf5_reader/box.hpp"

#include <gtest/gtest.h>

namespace aesweep {
namespace {

// The flat indices of a box's elements, in row-major order.
std::vector<std::uint64_t> elements(const Box& box, std::span<const std::int64_t> dims) {
  std::vector<std::uint64_t> all = {0};
  for (std::size_t d = 0; d < dims.size(); ++d) {
    std::vector<std::uint64_t> next;
    for (const std::uint64_t outer : all) {
      for (std::uint64_t i = 0; i < box.size[d]; ++i) {
        next.push_back(outer * static_cast<std::uint64_t>(dims[d]) + box.start[d] + i);
      }
    }
    all = next;
  }
  return all;
}

TEST(FirstBox, CoversEveryRangeInOrder) {
  const std::vector<std::vector<std::int64_t>> shapes = {
      {1}, {7}, {3, 5}, {5, 1}, {1, 1, 1}, {2, 3, 4}, {3, 1, 2, 2}, {1, 4, 1}};
  for (const auto& dims : shapes) {
    std::uint64_t total = 1;
    for (const std::int64_t size : dims) total *= static_cast<std::uint64_t>(size);
    for (std::uint64_t first = 0; first < total; ++first) {
      for (std::uint64_t count = 1; count <= total - first; ++count) {
        std::uint64_t at = first;
        std::size_t boxes = 0;
        for (std::uint64_t left = count; left > 0; ++boxes) {
          const Box box = first_box(dims, at, left);
          ASSERT_GE(box.elements, 1u);
          ASSERT_LE(box.elements, left);
          const std::vector<std::uint64_t> found = elements(box, dims);
          ASSERT_EQ(found.size(), box.elements);
          for (const std::uint64_t element : found) ASSERT_EQ(element, at++);
          left -= box.elements;
        }
        // Two for each dimension but the first, and one.
        ASSERT_LE(boxes, 2 * dims.size() - 1);
      }
    }
  }
}

}  // namespace
}  // namespace aesweep
