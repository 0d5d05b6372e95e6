#include "core/data/order.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "core/base/check.hpp"
#include "core/data/bounded.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep {
namespace {

enum Purpose : std::uint64_t { kAllRows = 0, kBlocks = 1, kPoolRows = 2 };

PhiloxKey order_key(std::uint64_t seed, Purpose purpose) {
  return stream_key(stream_hash(seed, "data/order", 0), purpose);
}

// Shuffles items[first, last); a draw is counted by its place in `items`.
void shuffle_part(PhiloxKey key, std::uint64_t epoch, std::span<std::int64_t> items,
                  std::size_t first, std::size_t last) {
  for (std::size_t end = last; end > first + 1; --end) {
    const std::size_t place = end - 1;
    const PhiloxBlock counter = {static_cast<std::uint32_t>(epoch),
                                 static_cast<std::uint32_t>(epoch >> 32),
                                 static_cast<std::uint32_t>(place), 0};
    const auto bound = static_cast<std::uint32_t>(end - first);
    std::swap(items[place], items[first + bounded(key, counter, bound)]);
  }
}

struct Blocks {
  std::int64_t rows;
  std::int64_t block_rows;

  [[nodiscard]] std::int64_t count() const { return (rows + block_rows - 1) / block_rows; }
  [[nodiscard]] std::int64_t per_pool(std::int64_t pool_rows) const {
    return pool_rows == 0 ? count() : std::max<std::int64_t>(pool_rows / block_rows, 1);
  }
  // Rows that the last block lacks.
  [[nodiscard]] std::int64_t missing() const { return count() * block_rows - rows; }
};

// rows[] = the rows of the blocks in the order of their numbers, which stand in the last places of
// rows[]. Each block has a row, so its number is read before its place is written.
void write_blocks(const Blocks& blocks, std::span<std::int64_t> rows) {
  std::size_t at = 0;
  for (std::size_t b = rows.size() - static_cast<std::size_t>(blocks.count()); b < rows.size();
       ++b) {
    const std::int64_t first = rows[b] * blocks.block_rows;
    const std::int64_t count = std::min(blocks.block_rows, blocks.rows - first);
    const auto block = rows.subspan(at, static_cast<std::size_t>(count));
    std::iota(block.begin(), block.end(), first);
    at += block.size();
  }
}

}  // namespace

void epoch_order(std::uint64_t seed, std::uint64_t epoch, bool shuffle,
                 std::span<std::int64_t> rows) {
  AESWEEP_CHECK(rows.size() < (std::uint64_t{1} << 32), "epoch_order of 2^32 rows or more");
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  if (shuffle) shuffle_part(order_key(seed, kAllRows), epoch, rows, 0, rows.size());
}

void epoch_order(std::uint64_t seed, std::uint64_t epoch, bool shuffle, std::int64_t block_rows,
                 std::int64_t pool_rows, std::span<std::int64_t> rows) {
  if (!shuffle || block_rows == 0) return epoch_order(seed, epoch, shuffle, rows);
  AESWEEP_CHECK(rows.size() < (std::uint64_t{1} << 32), "epoch_order of 2^32 rows or more");
  AESWEEP_CHECK(block_rows > 0 && pool_rows >= 0, "epoch_order needs sizes of 0 or more");
  const auto count = static_cast<std::int64_t>(rows.size());
  const Blocks blocks = {count, std::min(block_rows, std::max<std::int64_t>(count, 1))};
  const auto numbers = rows.last(static_cast<std::size_t>(blocks.count()));
  std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
  shuffle_part(order_key(seed, kBlocks), epoch, numbers, 0, numbers.size());
  write_blocks(blocks, rows);
  const std::vector<std::int64_t> bounds = pool_bounds(rows, count, blocks.block_rows, pool_rows);
  const PhiloxKey key = order_key(seed, kPoolRows);
  for (std::size_t p = 0; p + 1 < bounds.size(); ++p) {
    shuffle_part(key, epoch, rows, static_cast<std::size_t>(bounds[p]),
                 static_cast<std::size_t>(bounds[p + 1]));
  }
}

std::vector<std::int64_t> pool_bounds(std::span<const std::int64_t> order, std::int64_t rows,
                                      std::int64_t block_rows, std::int64_t pool_rows) {
  AESWEEP_CHECK(block_rows > 0 && pool_rows >= 0 && rows >= 0, "pool_bounds without blocks");
  const auto places = static_cast<std::int64_t>(order.size());
  const Blocks blocks = {rows, std::min(block_rows, std::max<std::int64_t>(rows, 1))};
  const std::int64_t pool = blocks.per_pool(pool_rows) * blocks.block_rows;
  const std::int64_t last_block = rows - (blocks.block_rows - blocks.missing());
  bool is_before_last_block = blocks.missing() > 0;
  std::vector<std::int64_t> bounds = {0};
  for (std::int64_t first = 0; first < places;) {
    std::int64_t count = std::min(pool, places - first);
    if (is_before_last_block) {
      // The short block's rows are in this pool if one is among those that the pool then has.
      const std::int64_t fewer = std::min(pool - blocks.missing(), count);
      const auto part =
          order.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(fewer));
      if (std::any_of(part.begin(), part.end(),
                      [last_block](std::int64_t row) { return row >= last_block; })) {
        count = fewer;
        is_before_last_block = false;
      }
    }
    first += count;
    bounds.push_back(first);
  }
  return bounds;
}

}  // namespace aesweep
