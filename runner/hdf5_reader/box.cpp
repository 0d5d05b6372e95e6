#include "runner/hdf5_reader/box.hpp"

#include <algorithm>
#include <cstddef>

namespace aesweep {

Box first_box(std::span<const std::int64_t> dims, std::uint64_t first, std::uint64_t count) {
  const std::size_t n = dims.size();
  Box box{std::vector<std::uint64_t>(n), std::vector<std::uint64_t>(n, 1), 0};
  std::uint64_t rest = first;
  for (std::size_t d = n; d-- > 0;) {
    const auto size = static_cast<std::uint64_t>(dims[d]);
    box.start[d] = rest % size;
    rest /= size;
  }
  // Dimensions are taken whole from the last on, while the place and the count allow it.
  std::uint64_t inner = 1;
  for (std::size_t d = n; d-- > 0;) {
    const auto size = static_cast<std::uint64_t>(dims[d]);
    box.size[d] = std::min(size - box.start[d], count / inner);
    const bool whole = box.size[d] == size;
    inner *= box.size[d];
    if (!whole || count / inner == 0) break;
  }
  box.elements = inner;
  return box;
}

}  // namespace aesweep
