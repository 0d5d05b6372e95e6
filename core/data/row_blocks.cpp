#include "core/data/row_blocks.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "core/base/check.hpp"
#include "core/data/stream_file.hpp"

namespace aesweep {

Status for_row_blocks(const Split& split, const UseBlock& use) {
  if (split.rows == 0) return {};
  if (split.samples != nullptr) {
    use(split, 0);
    return {};
  }
  AESWEEP_CHECK(split.stream != nullptr, "a split whose samples are nowhere");
  const auto row_bytes = static_cast<std::size_t>(split.stream->row_bytes());
  const auto rows_max =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(kScanBytes / row_bytes));
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(rows_max, split.rows)) *
                               row_bytes);
  Split block = split;
  block.samples = bytes.data();
  for (std::int64_t first = 0; first < split.rows; first += rows_max) {
    block.rows = std::min(rows_max, split.rows - first);
    block.labels = split.labels != nullptr ? split.labels + first : nullptr;
    AESWEEP_RETURN_IF_ERROR(split.stream->read_rows(
        first, std::span(bytes).first(static_cast<std::size_t>(block.rows) * row_bytes)));
    use(block, first);
  }
  return {};
}

}  // namespace aesweep
