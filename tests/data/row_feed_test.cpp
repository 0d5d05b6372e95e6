// Proves that RowFeed gives, bit for bit, what gather gives from memory: for all element types and
// both scalars, on 1 to 4 ranks, whatever the sizes of blocks, pools and batches, in any order; and
// what happens when it is begun again or ends half-way, or the file shrinks.
#include "core/data/row_feed.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/data/order.hpp"
#include "core/data/stream_file.hpp"
#include "tests/support/allocation_count.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

using Order = std::vector<std::int64_t>;

// The same samples in memory and in a file, where they begin at an odd byte.
class TwoSplits {
 public:
  TwoSplits(Element element, std::int64_t rows, std::int64_t cols) {
    const std::size_t row_bytes = static_cast<std::size_t>(cols) * element_bytes(element);
    bytes_.resize(static_cast<std::size_t>(rows) * row_bytes);
    fill(element);
    std::vector<std::byte> file(kOffset);
    file.insert(file.end(), bytes_.begin(), bytes_.end());
    path_ = folder_.write("samples", file);
    memory_.element = element;
    memory_.rows = rows;
    memory_.cols = cols;
    memory_.scale = 1.0 / 3.0;
    streamed_ = memory_;
    memory_.samples = bytes_.data();
    auto opened = StreamFile::open(path_, kOffset, row_bytes, rows);
    AESWEEP_CHECK(opened.ok(), opened.status().message());
    streamed_.stream = std::make_shared<StreamFile>(std::move(opened).value());
  }

  [[nodiscard]] const Split& memory() const { return memory_; }
  [[nodiscard]] Split streamed(std::int64_t block_rows, std::int64_t pool_rows) const {
    Split split = streamed_;
    split.block_rows = block_rows;
    split.pool_rows = pool_rows;
    return split;
  }
  void truncate(std::int64_t rows) const {
    const auto row_bytes = static_cast<std::int64_t>(streamed_.stream->row_bytes());
    std::filesystem::resize_file(
        path_, static_cast<std::uintmax_t>(static_cast<std::int64_t>(kOffset) + rows * row_bytes));
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static constexpr std::size_t kOffset = 13;

  template <class Stored>
  void fill_with() {
    for (std::size_t i = 0; i < bytes_.size() / sizeof(Stored); ++i) {
      const auto value = static_cast<Stored>(i * 2654435761U % 65537 / 257);
      std::memcpy(bytes_.data() + i * sizeof(Stored), &value, sizeof(Stored));
    }
  }
  void fill(Element element) {
    if (element == Element::kU8) fill_with<std::uint8_t>();
    if (element == Element::kF32) fill_with<float>();
    if (element == Element::kF64) fill_with<double>();
  }

  TemporaryFolder folder_;
  std::string path_;
  std::vector<std::byte> bytes_;
  Split memory_;
  Split streamed_;
};

// A rank's part of each batch: contiguous, parts differ by one row at most, some have none.
std::vector<RowRange> ranges_of(std::int64_t rows, std::int64_t batch_rows, int rank, int ranks,
                                std::int64_t first_batch = 0) {
  std::vector<RowRange> ranges;
  for (std::int64_t first = first_batch * batch_rows; first < rows; first += batch_rows) {
    const std::int64_t count = std::min(batch_rows, rows - first);
    const std::int64_t begin = count * rank / ranks;
    ranges.push_back({first + begin, count * (rank + 1) / ranks - begin});
  }
  return ranges;
}

// The next `count` ranges, whose rows must be those that gather gives; strides wider than a row.
template <class T>
void expect_ranges(RowFeed& feed, const Split& memory, const Order& order,
                   std::span<const RowRange> ranges) {
  const std::int64_t stride = memory.cols + 3;
  for (const RowRange& range : ranges) {
    std::vector<T> expected(static_cast<std::size_t>(range.count * stride) + 1, T(-77));
    std::vector<T> found = expected;
    gather(memory,
           std::span(order).subspan(static_cast<std::size_t>(range.first),
                                    static_cast<std::size_t>(range.count)),
           expected.data(), stride);
    const Status status = feed.next(found.data(), stride);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(T)), 0)
        << "places from " << range.first << ", " << range.count;
  }
}

Order order_of(const Split& split, bool shuffle, std::uint64_t epoch = 0) {
  Order order(static_cast<std::size_t>(split.rows));
  epoch_order(7, epoch, shuffle, split.block_rows, split.pool_rows, order);
  return order;
}

struct Sizes {
  std::int64_t rows;
  std::int64_t block_rows;
  std::int64_t pool_rows;
  std::int64_t batch_rows;
};

// rows that nothing divides, blocks and pools larger than all, pools smaller than a block, batches
// larger than a pool.
constexpr std::array<Sizes, 10> kSizes = {{{1, 1, 1, 1},
                                           {1, 5, 10, 3},
                                           {37, 5, 10, 7},
                                           {37, 5, 3, 7},
                                           {37, 40, 80, 7},
                                           {37, 1, 1, 2},
                                           {37, 5, 0, 36},
                                           {211, 7, 30, 100},
                                           {211, 36, 72, 16},
                                           {211, 13, 1'000, 211}}};

template <class T>
void expect_equal_to_memory(Element element) {
  for (const Sizes& size : kSizes) {
    SCOPED_TRACE(testing::Message() << size.rows << " " << size.block_rows << " " << size.pool_rows
                                    << " " << size.batch_rows);
    const TwoSplits splits(element, size.rows, 5);
    const Split streamed = splits.streamed(size.block_rows, size.pool_rows);
    for (int ranks = 1; ranks <= 4; ++ranks) {
      for (int rank = 0; rank < ranks; ++rank) {
        RowFeed feed;
        for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
          const Order order = order_of(streamed, epoch < 2, epoch);
          const auto ranges = ranges_of(size.rows, size.batch_rows, rank, ranks);
          feed.begin(streamed, order, ranges);
          expect_ranges<T>(feed, splits.memory(), order, ranges);
        }
      }
    }
  }
}

TEST(RowFeed, EqualsMemoryForBytes) {
  expect_equal_to_memory<float>(Element::kU8);
  expect_equal_to_memory<double>(Element::kU8);
}
TEST(RowFeed, EqualsMemoryForF32) {
  expect_equal_to_memory<float>(Element::kF32);
  expect_equal_to_memory<double>(Element::kF32);
}
TEST(RowFeed, EqualsMemoryForF64) {
  expect_equal_to_memory<float>(Element::kF64);
  expect_equal_to_memory<double>(Element::kF64);
}

TEST(RowFeed, AppliesTheColumnsScales) {
  TwoSplits splits(Element::kF32, 37, 3);
  const std::array<double, 3> scale = {0.1, -3.0, 7.5};
  const std::array<double, 3> shift = {1.0, 0.3, -2.0};
  Split memory = splits.memory();
  Split streamed = splits.streamed(5, 10);
  for (Split* split : {&memory, &streamed}) {
    split->col_scale = scale.data();
    split->col_shift = shift.data();
  }
  const Order order = order_of(streamed, true);
  const auto ranges = ranges_of(37, 7, 1, 2);
  RowFeed feed;
  feed.begin(streamed, order, ranges);
  expect_ranges<float>(feed, memory, order, ranges);
}

TEST(RowFeed, GivesASplitInMemoryAsItIs) {
  const TwoSplits splits(Element::kU8, 37, 5);
  const Order order = order_of(splits.memory(), true);
  const auto ranges = ranges_of(37, 7, 1, 2);
  RowFeed feed;
  feed.begin(splits.memory(), order, ranges);
  expect_ranges<float>(feed, splits.memory(), order, ranges);
}

// An order that is none of epoch_order's: other blocks, rows left out, and one that comes twice.
TEST(RowFeed, TakesAnyOrder) {
  const TwoSplits splits(Element::kF32, 211, 5);
  const Split streamed = splits.streamed(13, 40);
  Order order(211);
  epoch_order(3, 0, true, order);
  order.erase(order.begin() + 50, order.begin() + 90);
  order.push_back(order.front());
  order.insert(order.begin() + 3, order.front());
  const auto ranges = ranges_of(static_cast<std::int64_t>(order.size()), 50, 0, 1);
  RowFeed feed;
  feed.begin(streamed, order, ranges);
  expect_ranges<double>(feed, splits.memory(), order, ranges);
}

TEST(RowFeed, BeginsInTheMiddleOfAnEpoch) {
  const TwoSplits splits(Element::kF32, 211, 5);
  const Split streamed = splits.streamed(7, 21);
  const Order order = order_of(streamed, true);
  for (const std::int64_t first_batch : {1, 7, 12, 13}) {
    const auto ranges = ranges_of(211, 16, 1, 3, first_batch);
    RowFeed feed;
    feed.begin(streamed, order, ranges);
    expect_ranges<float>(feed, splits.memory(), order, ranges);
  }
}

TEST(RowFeed, BeginsAgainAtAnyTime) {
  const TwoSplits splits(Element::kF32, 211, 5);
  const Split streamed = splits.streamed(7, 21);
  const auto ranges = ranges_of(211, 16, 0, 2);
  std::vector<Order> orders;  // They stay while the feed reads.
  for (std::size_t taken = 0; taken <= ranges.size(); ++taken) {
    orders.push_back(order_of(streamed, true, taken));
  }
  const TwoSplits others(Element::kU8, 37, 3);
  const Split other = others.streamed(5, 10);
  const Order other_order = order_of(other, false);
  const auto other_ranges = ranges_of(37, 7, 0, 1);
  RowFeed feed;
  for (std::size_t taken = 0; taken <= ranges.size(); ++taken) {
    const Order& order = orders[taken];
    feed.begin(streamed, order, ranges);
    expect_ranges<float>(feed, splits.memory(), order, std::span(ranges).first(taken));
  }
  // Then another split, then one in memory, then nothing.
  feed.begin(other, other_order, other_ranges);
  expect_ranges<double>(feed, others.memory(), other_order, other_ranges);
  feed.begin(others.memory(), other_order, other_ranges);
  expect_ranges<double>(feed, others.memory(), other_order, other_ranges);
  feed.begin(other, other_order, {});
}

TEST(RowFeed, EndsAtAnyTime) {
  const TwoSplits splits(Element::kF32, 211, 5);
  const Split streamed = splits.streamed(7, 21);
  const Order order = order_of(streamed, true);
  const auto ranges = ranges_of(211, 16, 0, 2);
  for (std::size_t taken = 0; taken <= ranges.size(); ++taken) {
    RowFeed feed;
    feed.begin(streamed, order, ranges);
    expect_ranges<float>(feed, splits.memory(), order, std::span(ranges).first(taken));
  }
}

// In the order of the file, so that what comes before the loss is still there.
// Whatever it was that changed, before any row is given.
TEST(RowFeed, BlamesTheWorldForAFileThatChanged) {
  const TwoSplits splits(Element::kF32, 211, 5);
  const Split streamed = splits.streamed(7, 21);
  const Order order = order_of(streamed, false);
  splits.truncate(200);
  RowFeed feed;
  for (int time = 0; time < 2; ++time) {
    feed.begin(streamed, order, ranges_of(211, 16, 0, 1));
    std::vector<float> out(16 * 5);
    const Status status = feed.next(out.data(), 5);
    EXPECT_EQ(status.fault(), Fault::kWorld);
    EXPECT_EQ(status.message().find(splits.path() + ": changed since it was opened"), 0u)
        << status.message();
    EXPECT_EQ(feed.next(out.data(), 5).fault(), Fault::kWorld);
  }
}

TEST(RowFeed, MetAfterAPoolThatWasReadTheFaultIsThere) {
  const TwoSplits splits(Element::kF32, 211, 5);
  const Split streamed = splits.streamed(7, 21);
  const Order order = order_of(streamed, true);
  const auto ranges = ranges_of(211, 16, 0, 1);
  RowFeed feed;
  feed.begin(streamed, order, ranges);
  expect_ranges<float>(feed, splits.memory(), order, std::span(ranges).first(1));
  splits.truncate(0);
  std::vector<float> out(16 * 5);
  Status status;
  std::size_t given = 1;
  while (status.ok() && given < ranges.size()) {
    status = feed.next(out.data(), 5);
    ++given;
  }
  // Rows of three pools, 63, were perhaps read before.
  EXPECT_EQ(status.fault(), Fault::kWorld);
  EXPECT_LE(given, 5u);
}

// What a feed takes of memory, for ranks that use a part of each batch: never more than announced,
// nor much less. Batches may be longer than pools, when one rank uses all of a pool.
TEST(RowFeedBytes, AreWhatAFeedTakesAtMost) {
  constexpr std::int64_t kRows = 2011;
  const TwoSplits splits(Element::kF32, kRows, 50);
  EXPECT_EQ(row_feed_bytes(splits.memory(), {10, 5, 1, 1}), 0u);
  for (const auto& [block, pool, batch, ranks] : {std::array<int, 4>{7, 42, 30, 2},
                                                  {7, 42, 500, 4},
                                                  {40, 400, 90, 3},
                                                  {5000, 42, 64, 1},
                                                  {40, 0, 300, 4},
                                                  {3, 500, 11, 2},
                                                  {64, 320, 2011, 2}}) {
    const Split split = splits.streamed(block, pool);
    const Order order = order_of(split, true);
    std::uint64_t announced = 0, taken = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const std::vector<RowRange> ranges = ranges_of(kRows, batch, rank, ranks);
      const FeedShare share = {batch, ranges.front().count, kRows % batch, ranges.back().count};
      announced = std::max(announced, row_feed_bytes(split, share));
      const std::uint64_t before = allocation_count().bytes_by_new;
      RowFeed feed;
      feed.begin(split, order, ranges);
      const std::uint64_t bytes = allocation_count().bytes_by_new - before;
      EXPECT_LE(bytes, row_feed_bytes(split, share) + 4096)
          << block << " " << pool << " " << batch << " rank " << rank << " of " << ranks;
      taken = std::max(taken, bytes);
    }
    EXPECT_GE(4 * taken, announced) << block << " " << pool << " " << batch;
  }
}

TEST(RowFeedDeathTest, StopsOnRangesThatCannotBe) {
  const TwoSplits splits(Element::kU8, 37, 3);
  const Split streamed = splits.streamed(5, 10);
  const Order order = order_of(streamed, true);
  RowFeed feed;
  EXPECT_DEATH(feed.begin(streamed, order, {{0, 5}, {4, 2}}), "ranges of rows overlap");
  EXPECT_DEATH(feed.begin(streamed, order, {{0, 38}}), "a range outside of the order");
  const Order wrong = {1, 37};
  std::vector<float> out(6);
  EXPECT_DEATH(
      {
        feed.begin(streamed, wrong, {{0, 2}});
        static_cast<void>(feed.next(out.data(), 3));
      },
      "outside of the split");
  feed.begin(splits.memory(), order, {});
  EXPECT_DEATH(static_cast<void>(feed.next(out.data(), 3)), "after the last range");
}

}  // namespace
}  // namespace aesweep
