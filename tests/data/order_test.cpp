// Proves that epoch orders are permutations, equally likely and independent between epochs and
// seeds (chi-square against fixed quantiles), that orders by blocks keep a pool's rows to its
// blocks and mix blocks and rows alike, and pins a few of their values.
#include "core/data/order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

namespace aesweep {
namespace {

using Rows = std::vector<std::int64_t>;

Rows order(std::uint64_t seed, std::uint64_t epoch, std::size_t count, bool shuffle = true) {
  Rows rows(count, -1);
  epoch_order(seed, epoch, shuffle, rows);
  return rows;
}

Rows file_order(std::size_t count) {
  Rows rows(count);
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return rows;
}

TEST(EpochOrder, IsAPermutation) {
  for (const std::size_t count : {0, 1, 2, 7, 37, 60'000}) {
    Rows rows = order(1, 2, count);
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(rows, file_order(count));
  }
}

TEST(EpochOrder, IsTheFilesWithoutShuffle) {
  EXPECT_EQ(order(1, 2, 37, false), file_order(37));
  EXPECT_EQ(order(1, 2, 0, false), file_order(0));
}

TEST(EpochOrder, DependsOnSeedAndEpochAlone) {
  const Rows first = order(1, 0, 100);
  EXPECT_EQ(first, order(1, 0, 100));
  EXPECT_NE(first, order(1, 1, 100));
  EXPECT_NE(first, order(2, 0, 100));
  EXPECT_NE(first, order(1, std::uint64_t{1} << 32, 100));
  EXPECT_NE(first, order(std::uint64_t{1} << 32 | 1, 0, 100));
}

// All 24 orders of 4 rows over 24,000 epochs: chi-square with 23 degrees of freedom is above 49.7
// once in a thousand times. The draws are fixed, so the test is too.
TEST(EpochOrder, MakesEveryOrderEquallyLikely) {
  constexpr int kEpochs = 24'000;
  std::map<Rows, int> counts;
  for (std::uint64_t epoch = 0; epoch < kEpochs; ++epoch) ++counts[order(7, epoch, 4)];
  ASSERT_EQ(counts.size(), 24u);
  double chi_square = 0.0;
  for (const auto& [rows, count] : counts) {
    const double off = count - kEpochs / 24.0;
    chi_square += off * off / (kEpochs / 24.0);
  }
  EXPECT_LT(chi_square, 49.7);
}

// Where 37 rows land over 10,000 epochs: 37 x 37 cells, (37 - 1)^2 = 1296 degrees of freedom,
// normal to within this test's needs: mean 1296, standard deviation sqrt(2592) = 51; 3.1 of them is
// 1:1000.
TEST(EpochOrder, PutsEveryRowEverywhere) {
  constexpr std::size_t kRows = 37;
  constexpr int kEpochs = 10'000;
  std::vector<int> counts(kRows * kRows);
  for (std::uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const Rows rows = order(3, epoch, kRows);
    for (std::size_t place = 0; place < kRows; ++place) {
      ++counts[place * kRows + static_cast<std::size_t>(rows[place])];
    }
  }
  const double expected = static_cast<double>(kEpochs) / kRows;
  double chi_square = 0.0;
  for (const int count : counts) {
    chi_square += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_square, 1296 + 3.1 * 51);
  EXPECT_GT(chi_square, 1296 - 3.1 * 51);
}

// How often two neighbouring epochs agree on a place: Poisson with mean 1 per pair.
TEST(EpochOrder, IsIndependentBetweenEpochs) {
  constexpr int kPairs = 2'000;
  int agreements = 0;
  for (std::uint64_t epoch = 0; epoch < kPairs; ++epoch) {
    const Rows a = order(9, epoch, 101);
    const Rows b = order(9, epoch + 1, 101);
    for (std::size_t place = 0; place < a.size(); ++place) agreements += a[place] == b[place];
  }
  // Standard deviation sqrt(2000) = 45.
  EXPECT_NEAR(agreements, kPairs, 3.1 * 45);
}

// Printed by tests/data/philox_reference.py, from Philox's definition. A change of them changes the
// results of every shuffled trial.
TEST(EpochOrder, KeepsItsValues) {
  EXPECT_EQ(order(0, 0, 7), (Rows{4, 3, 0, 2, 1, 5, 6}));
  EXPECT_EQ(order(42, 3, 7), (Rows{5, 6, 0, 3, 4, 2, 1}));
  const Rows large = order(1, 0, 60'000);
  EXPECT_EQ((Rows{large[0], large[1], large[30'000], large[59'999]}),
            (Rows{54'858, 16'651, 51'315, 33'637}));
  // At these two places the first word is refused, which a bias of 1 in 70,000 would not show.
  const Rows refused = order(1, 6, 60'000);
  EXPECT_EQ((Rows{refused[48'159], refused[59'252]}), (Rows{45'211, 1'048}));
}

Rows block_order(std::uint64_t seed, std::uint64_t epoch, std::size_t count,
                 std::int64_t block_rows, std::int64_t pool_rows, bool shuffle = true) {
  Rows rows(count, -1);
  epoch_order(seed, epoch, shuffle, block_rows, pool_rows, rows);
  return rows;
}

TEST(BlockOrder, WithoutBlocksIsTheOrderOfTheWholeSplit) {
  EXPECT_EQ(block_order(42, 3, 37, 0, 0), order(42, 3, 37));
  EXPECT_EQ(block_order(42, 3, 37, 0, 12), order(42, 3, 37));
}

TEST(BlockOrder, IsTheFilesWithoutShuffle) {
  EXPECT_EQ(block_order(1, 2, 37, 5, 10, false), file_order(37));
}

// Counts every pool's rows by their block: all rows of the block, so many blocks, except that the
// last pool has those that are left.
TEST(BlockOrder, KeepsThePoolsToWholeBlocks) {
  struct Case {
    std::size_t count;
    std::int64_t block_rows;
    std::int64_t pool_rows;
    std::size_t pool_blocks;
  };
  constexpr std::size_t kAll = 1'000'000;
  const std::vector<Case> cases = {{0, 5, 10, 2},    {1, 5, 10, 2},           {37, 5, 10, 2},
                                   {37, 5, 14, 2},   {37, 5, 3, 1},           {37, 1, 1, 1},
                                   {37, 1, 7, 7},    {37, 40, 80, 2},         {37, 37, 37, 1},
                                   {40, 5, 10, 2},   {37, 36, 72, 2},         {1001, 7, 100, 14},
                                   {37, 5, 0, kAll}, {60'000, 334, 5'000, 14}};
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.count << " " << c.block_rows << " " << c.pool_rows);
    for (std::uint64_t epoch = 0; epoch < 7; ++epoch) {
      const Rows rows = block_order(3, epoch, c.count, c.block_rows, c.pool_rows);
      Rows sorted = rows;
      std::sort(sorted.begin(), sorted.end());
      ASSERT_EQ(sorted, file_order(c.count));
      const auto count = static_cast<std::int64_t>(c.count);
      const Rows bounds = pool_bounds(rows, count, c.block_rows, c.pool_rows);
      ASSERT_EQ(bounds.front(), 0);
      ASSERT_EQ(bounds.back(), count);
      for (std::size_t p = 0; p + 1 < bounds.size(); ++p) {
        std::map<std::int64_t, std::int64_t> of_block;
        for (std::int64_t i = bounds[p]; i < bounds[p + 1]; ++i) {
          ++of_block[rows[static_cast<std::size_t>(i)] / c.block_rows];
        }
        for (const auto& [block, found] : of_block) {
          ASSERT_EQ(found, std::min(c.block_rows, count - block * c.block_rows));
        }
        if (p + 2 < bounds.size()) {
          ASSERT_EQ(of_block.size(), c.pool_blocks);
        } else {
          ASSERT_LE(of_block.size(), c.pool_blocks);
        }
      }
    }
  }
}

TEST(PoolBounds, OfTheFilesOrder) {
  EXPECT_EQ(pool_bounds(file_order(37), 37, 5, 10), (Rows{0, 10, 20, 30, 37}));
  EXPECT_EQ(pool_bounds(file_order(36), 36, 5, 10), (Rows{0, 10, 20, 30, 36}));
  EXPECT_EQ(pool_bounds(file_order(37), 37, 5, 0), (Rows{0, 37}));
  EXPECT_EQ(pool_bounds({}, 37, 5, 10), (Rows{0}));
}

// Some of a split's rows, some of them twice.
TEST(PoolBounds, CutOtherOrdersIntoPiecesNoLongerThanAPool) {
  const Rows rows = {36, 1, 1, 36, 36, 4, 9, 36, 20, 21, 36, 36, 36, 0};
  const Rows bounds = pool_bounds(rows, 37, 5, 10);
  EXPECT_EQ(bounds.front(), 0);
  EXPECT_EQ(bounds.back(), 14);
  for (std::size_t p = 0; p + 1 < bounds.size(); ++p) {
    EXPECT_GT(bounds[p + 1], bounds[p]);
    EXPECT_LE(bounds[p + 1], bounds[p] + 10);
  }
}

// 10 blocks of 4 rows, the last of 1, in 4 pools of 3, 3, 3 and 1 blocks, over 40,000 epochs: which
// block is in which pool (27 degrees of freedom; above 55.5 once in a thousand times), and which
// row of its block stands at which place of a first pool without the short block (12 places, at
// most 36 degrees of freedom; 68.0).
TEST(BlockOrder, PutsEveryBlockInEveryPoolAndEveryRowAtEveryPlace) {
  constexpr int kEpochs = 40'000;
  std::map<std::pair<std::int64_t, std::size_t>, int> block_in_pool;
  std::map<std::pair<std::int64_t, std::size_t>, int> row_at_place;
  int full = 0;
  for (std::uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const Rows rows = block_order(5, epoch, 37, 4, 12);
    const Rows bounds = pool_bounds(rows, 37, 4, 12);
    ASSERT_EQ(bounds.size(), 5u);
    for (std::size_t p = 0; p < 4; ++p) {
      for (std::int64_t i = bounds[p]; i < bounds[p + 1]; ++i) {
        const std::int64_t row = rows[static_cast<std::size_t>(i)];
        if (row % 4 == 0) ++block_in_pool[{row / 4, p}];
      }
    }
    if (bounds[1] != 12) continue;
    ++full;
    for (std::size_t i = 0; i < 12; ++i) ++row_at_place[{rows[i] % 4, i}];
  }
  double chi_square = 0.0;
  for (std::int64_t block = 0; block < 10; ++block) {
    for (std::size_t pool = 0; pool < 4; ++pool) {
      const double expected = kEpochs * (pool < 3 ? 0.3 : 0.1);
      const double off = block_in_pool[{block, pool}] - expected;
      chi_square += off * off / expected;
    }
  }
  EXPECT_LT(chi_square, 55.5);
  chi_square = 0.0;
  for (std::int64_t row = 0; row < 4; ++row) {
    for (std::size_t place = 0; place < 12; ++place) {
      const double off = row_at_place[{row, place}] - full / 4.0;
      chi_square += off * off / (full / 4.0);
    }
  }
  EXPECT_LT(chi_square, 68.0);
}

TEST(BlockOrder, DependsOnSeedAndEpoch) {
  const Rows first = block_order(1, 0, 100, 10, 30);
  EXPECT_EQ(first, block_order(1, 0, 100, 10, 30));
  EXPECT_NE(first, block_order(1, 1, 100, 10, 30));
  EXPECT_NE(first, block_order(2, 0, 100, 10, 30));
  EXPECT_NE(first, block_order(1, std::uint64_t{1} << 32, 100, 10, 30));
}

// Printed by tests/data/philox_reference.py.
TEST(BlockOrder, KeepsItsValues) {
  EXPECT_EQ(block_order(0, 0, 11, 2, 5), (Rows{8, 9, 0, 1, 6, 7, 10, 3, 4, 5, 2}));
  EXPECT_EQ(block_order(42, std::uint64_t{1} << 33, 11, 3, 1),
            (Rows{2, 1, 0, 6, 7, 8, 3, 4, 5, 9, 10}));
  EXPECT_EQ(block_order(7, 5, 11, 4, 0), (Rows{3, 5, 0, 1, 8, 6, 7, 9, 10, 2, 4}));
}

}  // namespace
}  // namespace aesweep
