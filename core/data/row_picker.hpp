// RowPicker: reads wanted rows of a file, block by block in the order of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/stream_file.hpp"

namespace aesweep {

class RowPicker {
 public:
  // Blocks of block_rows rows, the last one perhaps shorter; at most wanted_max rows are wanted at
  // a time. The file stays as long as this. Takes all memory that is ever needed.
  RowPicker(const StreamFile& file, std::int64_t block_rows, std::int64_t wanted_max);

  // Bytes that one takes, of a file of `rows` rows.
  [[nodiscard]] static std::uint64_t bytes(std::uint64_t row_bytes, std::int64_t rows,
                                           std::int64_t block_rows, std::int64_t wanted_max);

  // What read() will read: `rows`, in any order. Each becomes the place where read() puts that row;
  // the places are [0, rows.size()).
  void plan(std::span<std::int64_t> rows);

  // Blocks that hold wanted rows.
  [[nodiscard]] std::size_t block_count() const { return parts_.size(); }

  // Puts the wanted rows of the i-th such block at their places in `out`, which has room for all
  // rows that are wanted. The places after those of block i are those of block i + 1.
  [[nodiscard]] Status read(std::size_t i, std::byte* out);
  // Rows at places below this are there once block i and those before it have been read.
  [[nodiscard]] std::int64_t places_end(std::size_t i) const;

 private:
  struct Part {
    std::int64_t first_row = 0;
    std::int64_t rows = 0;  // Of the block.
    std::int64_t first_place = 0;
    std::int64_t wanted = 0;
    std::int64_t placed = 0;
  };

  const StreamFile& file_;
  std::int64_t block_rows_;
  std::unique_ptr<std::byte[]> block_;  // For a block of which not all rows are wanted.
  std::vector<std::int64_t> of_block_;  // Per block of the file; all 0 between plans.
  std::vector<Part> parts_;
  std::vector<std::uint32_t> picks_;  // Per place: row in its block, if not all are wanted.
};

}  // namespace aesweep
