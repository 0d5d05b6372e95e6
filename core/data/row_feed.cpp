#include "core/data/row_feed.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/base/check.hpp"
#include "core/data/pool_reader.hpp"
#include "core/data/row_picker.hpp"

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

namespace {

// The most of `pool` places in a row that are the rank's: whole periods of a batch, and of what is
// left over what the rank may have there. At the end a part of the last batch takes the place of as
// many others.
std::int64_t most_in_pool(std::int64_t pool, const FeedShare& share) {
  const auto of_full = [&](std::int64_t places) {
    return places / share.batch_rows * share.mine + std::min(places % share.batch_rows, share.mine);
  };
  const std::int64_t of_tail = std::min({share.tail_rows, share.tail_mine, pool});
  return std::max(of_full(pool), of_full(pool - of_tail) + of_tail);
}

}  // namespace

std::uint64_t row_feed_bytes(const Split& split, const FeedShare& share) {
  if (split.samples != nullptr || split.block_rows == 0 || split.rows == 0) return 0;
  const std::int64_t block = std::min(split.block_rows, split.rows);
  const std::int64_t pool =
      split.pool_rows == 0 ? split.rows : std::min(std::max(split.pool_rows, block), split.rows);
  const std::int64_t mine = most_in_pool(pool, share);
  const std::uint64_t row_bytes =
      static_cast<std::uint64_t>(split.cols) * element_bytes(split.element);
  // A pool is whole blocks, more than half of what was asked for.
  const std::int64_t pools = split.rows / std::max<std::int64_t>(1, pool / 2) + 2;
  const std::int64_t batches = split.rows / share.batch_rows + 1;
  constexpr std::uint64_t kListBytes = 64;  // Of each, in vectors that grew: where what begins.
  return 2 * static_cast<std::uint64_t>(mine) * (row_bytes + sizeof(std::int64_t)) +
         RowPicker::bytes(row_bytes, split.rows, block, mine) +
         static_cast<std::uint64_t>(pools + batches) * kListBytes;
}

template Status RowFeed::next(float*, std::int64_t);
template Status RowFeed::next(double*, std::int64_t);

}  // namespace aesweep
