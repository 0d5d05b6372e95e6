// Code health is what its definitions say, counted bit by bit, and has its known extremes.
#include "core/codes/health.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "tests/codes/random_codes.hpp"

namespace aesweep {
namespace {

// Two passes over plain numbers: means first, then centred products.
double pearson(const PackedCodes& codes, int j, int k) {
  const auto n = static_cast<double>(codes.rows);
  double mean_j = 0.0, mean_k = 0.0, jj = 0.0, kk = 0.0, jk = 0.0;
  for (std::int64_t i = 0; i < codes.rows; ++i) {
    mean_j += codes.bit(i, j) ? 1.0 / n : 0.0;
    mean_k += codes.bit(i, k) ? 1.0 / n : 0.0;
  }
  for (std::int64_t i = 0; i < codes.rows; ++i) {
    const double a = (codes.bit(i, j) ? 1.0 : 0.0) - mean_j;
    const double b = (codes.bit(i, k) ? 1.0 : 0.0) - mean_k;
    jj += a * a;
    kk += b * b;
    jk += a * b;
  }
  return jj < 1e-9 || kk < 1e-9 ? 0.0 : jk / std::sqrt(jj * kk);
}

TEST(CodeHealth, IsWhatIsCountedBitByBit) {
  for (const int bits : {1, 7, 37, 65}) {
    PackedCodes codes = test::random_codes(203, bits, static_cast<unsigned>(bits));
    if (bits == 37) {  // Unit 5 says nothing.
      for (std::uint64_t& word : codes.words) word &= ~(std::uint64_t{1} << 5);
    }
    double entropy = 0.0, balance = 0.0, correlation = 0.0;
    std::set<std::vector<std::uint64_t>> distinct;
    for (std::int64_t i = 0; i < codes.rows; ++i) {
      distinct.insert({codes.row(i), codes.row(i) + codes.words_per_row()});
    }
    for (int j = 0; j < bits; ++j) {
      double p = 0.0;
      for (std::int64_t i = 0; i < codes.rows; ++i) p += codes.bit(i, j) ? 1.0 : 0.0;
      p /= 203.0;
      if (p > 0.0 && p < 1.0) entropy -= p * std::log2(p) + (1 - p) * std::log2(1 - p);
      balance += std::abs(2 * p - 1);
      for (int k = j + 1; k < bits; ++k) correlation += std::abs(pearson(codes, j, k));
    }
    const CodeHealth health = code_health(codes);
    EXPECT_NEAR(health.entropy, entropy / bits, 1e-12);
    EXPECT_NEAR(health.balance, balance / bits, 1e-12);
    EXPECT_NEAR(health.correlation, bits == 1 ? 0.0 : correlation / (bits * (bits - 1) / 2.0),
                1e-12);
    EXPECT_EQ(health.distinct, static_cast<std::int64_t>(distinct.size()));
    EXPECT_EQ(health.constant, bits == 37 ? 1 : 0);
  }
}

TEST(CodeHealth, AllCodesOfAFewBitsAreBest) {
  PackedCodes codes = empty_codes(16, 4);
  for (std::size_t i = 0; i < 16; ++i) codes.words[i] = i;
  const CodeHealth health = code_health(codes);
  EXPECT_EQ(health.entropy, 1.0);
  EXPECT_EQ(health.balance, 0.0);
  EXPECT_EQ(health.correlation, 0.0);
  EXPECT_EQ(health.distinct, 16);
  EXPECT_EQ(health.constant, 0);
}

TEST(CodeHealth, OneCodeAloneIsWorst) {
  const CodeHealth health = code_health(empty_codes(1, 3));
  EXPECT_EQ(health.entropy, 0.0);
  EXPECT_EQ(health.balance, 1.0);
  EXPECT_EQ(health.correlation, 0.0);
  EXPECT_EQ(health.distinct, 1);
  EXPECT_EQ(health.constant, 3);
}

// A bit and its opposite carry one bit of information between them.
TEST(CodeHealth, OppositeBitsAreFullyCorrelated) {
  PackedCodes codes = empty_codes(5, 2);
  codes.words = {1, 2, 1, 2, 2};
  EXPECT_EQ(code_health(codes).correlation, 1.0);
}

}  // namespace
}  // namespace aesweep
