// Proves the linear assignment against a search through all matchings, and dictionary recovery
// against closed forms: permuted, scaled, rotated, missing and zero rows.
#include "core/math/assignment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <set>
#include <vector>

#include "core/math/recovery.hpp"

namespace aesweep {
namespace {

using Matrix = std::vector<double>;

// The largest sum over rows [row, rows) with the free columns, each taking a column as long as
// there are as many columns as rows.
double search(const Matrix& score, std::int64_t rows, std::int64_t cols, std::int64_t row,
              std::uint32_t used, std::int64_t skips) {
  if (row == rows) return 0.0;
  double best = -std::numeric_limits<double>::infinity();
  for (std::int64_t c = 0; c < cols; ++c) {
    if (used >> c & 1U) continue;
    best = std::max(best, score[static_cast<std::size_t>(row * cols + c)] +
                              search(score, rows, cols, row + 1, used | 1U << c, skips));
  }
  if (skips > 0) best = std::max(best, search(score, rows, cols, row + 1, used, skips - 1));
  return best;
}

// Checks that `matching` is one, of full size; gives its sum.
double checked_sum(const Matrix& score, std::int64_t rows, std::int64_t cols,
                   const std::vector<std::int64_t>& matching) {
  EXPECT_EQ(matching.size(), static_cast<std::size_t>(rows));
  std::set<std::int64_t> used;
  double sum = 0.0;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t c = matching[static_cast<std::size_t>(r)];
    if (c < 0) continue;
    EXPECT_LT(c, cols);
    EXPECT_TRUE(used.insert(c).second) << "column " << c << " is used twice";
    sum += score[static_cast<std::size_t>(r * cols + c)];
  }
  EXPECT_EQ(used.size(), static_cast<std::size_t>(std::min(rows, cols)));
  return sum;
}

TEST(BestAssignment, MatchesASearchOfAllMatchings) {
  std::mt19937 generator(7);
  std::uniform_real_distribution<double> real(-2.0, 1.0);
  std::uniform_int_distribution<int> few(-1, 1);  // Many ties.
  for (std::int64_t rows = 0; rows <= 7; ++rows) {
    for (std::int64_t cols = 0; cols <= 7; ++cols) {
      for (int repetition = 0; repetition < 20; ++repetition) {
        Matrix score(static_cast<std::size_t>(rows * cols));
        for (double& s : score) s = repetition % 2 == 0 ? real(generator) : few(generator);
        const double best = search(score, rows, cols, 0, 0, std::max<std::int64_t>(0, rows - cols));
        // Two sums of at most 7 terms of size at most 2, in other orders: 7 roundings each.
        EXPECT_NEAR(checked_sum(score, rows, cols, best_assignment(score, rows, cols)), best,
                    14 * 14 * std::numeric_limits<double>::epsilon())
            << rows << " x " << cols;
      }
    }
  }
}

TEST(BestAssignment, FindsAHiddenPermutation) {
  constexpr std::int64_t kSize = 137;
  std::vector<std::int64_t> hidden(kSize);
  for (std::int64_t i = 0; i < kSize; ++i) hidden[static_cast<std::size_t>(i)] = i * 37 % kSize;
  std::mt19937 generator(3);
  std::uniform_real_distribution<double> real(0.0, 1.0);
  Matrix score(kSize * kSize);
  for (double& s : score) s = real(generator);
  for (std::int64_t i = 0; i < kSize; ++i) {
    score[static_cast<std::size_t>(i * kSize + hidden[static_cast<std::size_t>(i)])] += 1.0;
  }
  EXPECT_EQ(best_assignment(score, kSize, kSize), hidden);
}

TEST(BestAssignment, IsOptimalByDuality) {
  // score[r, c] = u[r] + v[c] - slack >= 0 slack, zero on a permutation: its sum is sum u + sum v.
  constexpr std::int64_t kSize = 64;
  std::mt19937 generator(5);
  std::uniform_int_distribution<int> whole(0, 1000);
  std::vector<double> u(kSize);
  std::vector<double> v(kSize);
  for (double& value : u) value = whole(generator);
  for (double& value : v) value = whole(generator);
  Matrix score(kSize * kSize);
  double best = 0.0;
  for (std::int64_t r = 0; r < kSize; ++r) {
    const auto row = static_cast<std::size_t>(r);
    best += u[row] + v[row];
    for (std::int64_t c = 0; c < kSize; ++c) {
      const double slack = c == r * 5 % kSize ? 0.0 : whole(generator) % 4;
      score[static_cast<std::size_t>(r * kSize + c)] =
          u[row] + v[static_cast<std::size_t>(c)] - slack;
    }
  }
  EXPECT_EQ(checked_sum(score, kSize, kSize, best_assignment(score, kSize, kSize)), best);
}

// rows[count, cols] of Gaussian numbers.
Matrix gaussian(std::int64_t count, std::int64_t cols, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Matrix rows(static_cast<std::size_t>(count * cols));
  for (double& value : rows) value = normal(generator);
  return rows;
}

TEST(DictionaryRecovery, IsOneForPermutedScaledAtoms) {
  constexpr std::int64_t kAtoms = 7;
  constexpr std::int64_t kCols = 37;
  const Matrix atoms = gaussian(kAtoms, kCols, 1);
  Matrix learned(atoms.size());
  for (std::int64_t a = 0; a < kAtoms; ++a) {
    const std::int64_t to = a * 3 % kAtoms;
    // Factors from 1e-160 to 1e+140: squares of such rows would underflow and overflow.
    const double factor = std::pow(10.0, 50.0 * static_cast<double>(a) - 160.0);
    for (std::int64_t c = 0; c < kCols; ++c) {
      learned[static_cast<std::size_t>(to * kCols + c)] =
          factor * atoms[static_cast<std::size_t>(a * kCols + c)];
    }
  }
  // A cosine of unit rows: at most about cols roundings.
  EXPECT_NEAR(dictionary_recovery(learned, kAtoms, atoms, kAtoms, kCols), 1.0,
              2 * kCols * std::numeric_limits<double>::epsilon());
}

TEST(DictionaryRecovery, MeasuresAngles) {
  // Each learned row is its atom turned by 60 degrees in a plane of its own.
  const Matrix atoms = {1, 0, 0, 0, 0, 0, 1, 0};
  const double s = std::sqrt(3.0) / 2.0;
  const Matrix learned = {0, 0, 0.5, s, 0.5, s, 0, 0};
  EXPECT_NEAR(dictionary_recovery(learned, 2, atoms, 2, 4), 0.5, 1e-15);
  EXPECT_NEAR(dictionary_recovery(atoms, 2, learned, 2, 4), 0.5, 1e-15);
}

TEST(DictionaryRecovery, TakesEachLearnedRowOnce) {
  const Matrix atoms = {1, 0, 1, 0};    // Twice the same atom.
  const Matrix learned = {1, 0, 0, 1};  // Found once.
  EXPECT_DOUBLE_EQ(dictionary_recovery(learned, 2, atoms, 2, 2), 0.5);
}

TEST(DictionaryRecovery, CountsSigns) {
  const Matrix atoms = {1, 0};
  EXPECT_DOUBLE_EQ(dictionary_recovery(Matrix{-2, 0}, 1, atoms, 1, 2), -1.0);
  EXPECT_DOUBLE_EQ(dictionary_recovery(Matrix{-2, 0, 0, 1}, 2, atoms, 1, 2), 0.0);
}

TEST(DictionaryRecovery, CountsMissingZeroAndBrokenRowsAsZero) {
  const Matrix atoms = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  EXPECT_EQ(dictionary_recovery({}, 0, atoms, 3, 3), 0.0);
  EXPECT_EQ(dictionary_recovery(Matrix{0, 1, 0}, 1, {}, 0, 3), 0.0);
  EXPECT_DOUBLE_EQ(dictionary_recovery(Matrix{0, 2, 0}, 1, atoms, 3, 3), 1.0 / 3.0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_DOUBLE_EQ(
      dictionary_recovery(Matrix{0, 0, 0, nan, 1, 0, infinity, 0, 0, 0, 0, 1}, 4, atoms, 3, 3),
      1.0 / 3.0);
}

TEST(DictionaryRecovery, PrefersMoreLearnedRows) {
  const Matrix atoms = gaussian(5, 16, 2);
  Matrix learned = gaussian(11, 16, 3);
  const double before = dictionary_recovery(learned, 11, atoms, 5, 16);
  learned.insert(learned.end(), atoms.begin(), atoms.end());
  EXPECT_LT(before, 0.9);
  EXPECT_NEAR(dictionary_recovery(learned, 16, atoms, 5, 16), 1.0, 1e-14);
}

// Once per atom for the cosines, once per row or column of the smaller side for the assignment.
TEST(DictionaryRecovery, SaysThatItMoves) {
  const Matrix atoms = gaussian(5, 16, 2);
  const Matrix learned = gaussian(11, 16, 3);
  int moves = 0;
  const auto moved = [&] { ++moves; };
  EXPECT_EQ(dictionary_recovery(learned, 11, atoms, 5, 16, moved),
            dictionary_recovery(learned, 11, atoms, 5, 16));
  EXPECT_EQ(moves, 5 + 5);
  moves = 0;
  static_cast<void>(dictionary_recovery(atoms, 5, learned, 11, 16, moved));
  EXPECT_EQ(moves, 11 + 5);
}

}  // namespace
}  // namespace aesweep
