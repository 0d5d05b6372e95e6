// SplitRows: which of the given samples each split takes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/source.hpp"

namespace aesweep {

// Rows [first, first + count).
struct RowSpan {
  std::int64_t first = 0;
  std::int64_t count = 0;
  bool operator==(const RowSpan&) const = default;
};

// Rows in the order in which a split has them: those of `spans`, or, if it is not empty, `picked`.
struct RowList {
  std::vector<RowSpan> spans;
  std::vector<std::int64_t> picked;

  [[nodiscard]] std::int64_t count() const;
  void limit(std::int64_t rows);  // Keeps the first so many.
  bool operator==(const RowList&) const = default;
};

struct SplitRows {
  RowList train;
  RowList validation;  // Empty: there is none.
  RowList test;        // Empty: split.test is not given.
};

// Cuts `rows` samples. The random order is epoch_order's of epoch 0 under the seed
// stream_hash(split.seed, "data/split", 0). Faults name the key, its value and the rows there are.
[[nodiscard]] Result<SplitRows> split_rows(const SplitSpec& split, std::int64_t rows);

}  // namespace aesweep
