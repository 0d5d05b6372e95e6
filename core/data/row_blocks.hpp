// RowBlocks: the rows of a split one block after another, wherever they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"

namespace aesweep {

inline constexpr std::size_t kScanBytes = std::size_t{32} << 20;

// Calls use(block, first) for blocks that follow each other in the split's order; `block` is the
// split's rows [first, first + block.rows) in memory. A split in memory is one block; of a streamed
// one kScanBytes are read at a time, or one row where it is larger.
using UseBlock = std::function<void(const Split& block, std::int64_t first)>;
[[nodiscard]] Status for_row_blocks(const Split& split, const UseBlock& use);

}  // namespace aesweep
