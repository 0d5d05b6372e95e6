#include "core/data/row_picker.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/check.hpp"

namespace aesweep {

RowPicker::RowPicker(const StreamFile& file, std::int64_t block_rows, std::int64_t wanted_max)
    : file_(file), block_rows_(std::clamp<std::int64_t>(block_rows, 1, file.rows())) {
  const std::int64_t blocks = (file.rows() + block_rows_ - 1) / block_rows_;
  // Not filled: pages that are not read into are not there.
  block_ = std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(block_rows_) *
                                                       file.row_bytes());
  of_block_.resize(static_cast<std::size_t>(blocks));
  parts_.reserve(static_cast<std::size_t>(std::min(blocks, wanted_max)));
  picks_.resize(static_cast<std::size_t>(wanted_max));
}

std::uint64_t RowPicker::bytes(std::uint64_t row_bytes, std::int64_t rows, std::int64_t block_rows,
                               std::int64_t wanted_max) {
  const std::int64_t block = std::clamp<std::int64_t>(block_rows, 1, rows);
  const std::int64_t blocks = (rows + block - 1) / block;
  const auto times = [](std::int64_t count, std::uint64_t bytes) {
    return static_cast<std::uint64_t>(count) * bytes;
  };
  return times(block, row_bytes) + times(blocks, sizeof(std::int64_t)) +
         times(std::min(blocks, wanted_max), sizeof(Part)) +
         times(wanted_max, sizeof(std::uint32_t));
}

void RowPicker::plan(std::span<std::int64_t> rows) {
  AESWEEP_CHECK(rows.size() <= picks_.size(), "more rows are wanted than was said");
  parts_.clear();
  for (const std::int64_t row : rows) {
    AESWEEP_CHECK(row >= 0 && row < file_.rows(), "a row outside of the split is wanted");
    const std::int64_t block = row / block_rows_;
    if (of_block_[static_cast<std::size_t>(block)]++ > 0) continue;
    const std::int64_t first = block * block_rows_;
    parts_.push_back({first, std::min(block_rows_, file_.rows() - first), 0, 0, 0});
  }
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.first_row < b.first_row; });
  std::int64_t place = 0;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    Part& part = parts_[p];
    std::int64_t& of_block = of_block_[static_cast<std::size_t>(part.first_row / block_rows_)];
    part.first_place = place;
    part.wanted = of_block;
    place += part.wanted;
    of_block = static_cast<std::int64_t>(p);
  }
  for (std::int64_t& row : rows) {
    Part& part =
        parts_[static_cast<std::size_t>(of_block_[static_cast<std::size_t>(row / block_rows_)])];
    const std::int64_t at = row - part.first_row;
    row = part.first_place + (part.wanted == part.rows ? at : part.placed);
    picks_[static_cast<std::size_t>(part.first_place + part.placed++)] =
        static_cast<std::uint32_t>(at);
  }
  for (const Part& part : parts_) {
    of_block_[static_cast<std::size_t>(part.first_row / block_rows_)] = 0;
  }
}

Status RowPicker::read(std::size_t i, std::byte* out) {
  const Part& part = parts_[i];
  const std::size_t row_bytes = file_.row_bytes();
  const std::size_t bytes = static_cast<std::size_t>(part.rows) * row_bytes;
  std::byte* to = out + static_cast<std::size_t>(part.first_place) * row_bytes;
  if (part.wanted == part.rows) return file_.read_rows(part.first_row, {to, bytes});
  AESWEEP_RETURN_IF_ERROR(file_.read_rows(part.first_row, {block_.get(), bytes}));
  const auto picks = std::span(picks_).subspan(static_cast<std::size_t>(part.first_place),
                                               static_cast<std::size_t>(part.wanted));
  for (const std::uint32_t pick : picks) {
    std::memcpy(to, block_.get() + pick * row_bytes, row_bytes);
    to += row_bytes;
  }
  return {};
}

std::int64_t RowPicker::places_end(std::size_t i) const {
  return parts_[i].first_place + parts_[i].wanted;
}

}  // namespace aesweep
