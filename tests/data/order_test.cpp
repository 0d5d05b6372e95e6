// Proves that epoch orders are permutations, equally likely and independent between epochs and
// seeds (chi-square against fixed quantiles), and pins a few of their values.
#include "core/data/order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
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

}  // namespace
}  // namespace aesweep
