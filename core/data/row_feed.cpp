#include "core/data/row_feed.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/base/check.hpp"
#include "core/data/pool_reader.hpp"

namespace aesweep {

struct RowFeed::State {
  Split split;
  std::span<const std::int64_t> order;
  std::vector<RowRange> ranges;
  std::size_t next = 0;
  PoolReader reader;  // Last: it ends before what it reads from.
};

RowFeed::RowFeed() : state_(std::make_unique<State>()) {}
RowFeed::~RowFeed() = default;

void RowFeed::begin(const Split& split, std::span<const std::int64_t> order,
                    std::vector<RowRange> ranges) {
  State& state = *state_;
  state.reader.stop();
  state.split = split;
  state.order = order;
  state.ranges = std::move(ranges);
  state.next = 0;
  std::int64_t end = 0;
  for (const RowRange& range : state.ranges) {
    AESWEEP_CHECK(range.count >= 0 && range.first >= end, "ranges of rows overlap");
    end = range.first + range.count;
  }
  AESWEEP_CHECK(end <= static_cast<std::int64_t>(order.size()), "a range outside of the order");
  if (split.samples == nullptr) state.reader.start(state.split, order, state.ranges);
}

template <class T>
Status RowFeed::next(T* out, std::int64_t row_stride) {
  State& state = *state_;
  AESWEEP_CHECK(state.next < state.ranges.size(), "next() after the last range");
  const RowRange range = state.ranges[state.next++];
  if (state.split.samples == nullptr) return state.reader.take(range.count, out, row_stride);
  gather(state.split,
         state.order.subspan(static_cast<std::size_t>(range.first),
                             static_cast<std::size_t>(range.count)),
         out, row_stride);
  return {};
}

std::uint64_t row_feed_bytes(const Split& split, int ranks) {
  if (split.samples != nullptr || split.block_rows == 0 || split.rows == 0) return 0;
  const auto rows = static_cast<std::uint64_t>(split.rows);
  const std::uint64_t block = std::min(static_cast<std::uint64_t>(split.block_rows), rows);
  const std::uint64_t blocks = (rows + block - 1) / block;
  const std::uint64_t pool_wanted =
      split.pool_rows == 0 ? rows : static_cast<std::uint64_t>(split.pool_rows);
  const std::uint64_t pool = std::min(std::max(pool_wanted, block), rows);
  const auto parts = static_cast<std::uint64_t>(ranks);
  const std::uint64_t mine = (pool + parts - 1) / parts;
  const std::uint64_t row_bytes =
      static_cast<std::uint64_t>(split.cols) * element_bytes(split.element);
  // Two pools with a slot for each row, and what RowPicker takes.
  return 2 * mine * (row_bytes + sizeof(std::int64_t)) + mine * sizeof(std::uint32_t) +
         block * row_bytes + blocks * sizeof(std::int64_t);
}

template Status RowFeed::next(float*, std::int64_t);
template Status RowFeed::next(double*, std::int64_t);

}  // namespace aesweep
