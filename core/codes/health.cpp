#include "core/codes/health.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

// columns[bit, words]: bit i of a column is that of row i.
struct Columns {
  std::size_t words = 0;
  std::vector<std::uint64_t> values;

  explicit Columns(const PackedCodes& codes)
      : words((static_cast<std::size_t>(codes.rows) + 63) / 64),
        values(words * static_cast<std::size_t>(codes.bits), 0) {
    for (std::int64_t i = 0; i < codes.rows; ++i) {
      const std::size_t word = static_cast<std::size_t>(i) / 64;
      for (int j = 0; j < codes.bits; ++j) {
        values[static_cast<std::size_t>(j) * words + word] |= std::uint64_t{codes.bit(i, j)}
                                                              << (i % 64);
      }
    }
  }

  [[nodiscard]] const std::uint64_t* column(int j) const {
    return values.data() + static_cast<std::size_t>(j) * words;
  }
  // Rows with both bits.
  [[nodiscard]] std::int64_t both(int j, int k) const {
    const std::uint64_t* a = column(j);
    const std::uint64_t* b = column(k);
    std::int64_t count = 0;
    for (std::size_t w = 0; w < words; ++w) count += std::popcount(a[w] & b[w]);
    return count;
  }
};

double entropy(double p) {
  if (p <= 0.0 || p >= 1.0) return 0.0;
  return -p * std::log2(p) - (1.0 - p) * std::log2(1.0 - p);
}

std::int64_t distinct_codes(const PackedCodes& codes) {
  const std::size_t words = codes.words_per_row();
  std::vector<std::int64_t> order(static_cast<std::size_t>(codes.rows));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return std::lexicographical_compare(codes.row(a), codes.row(a) + words, codes.row(b),
                                        codes.row(b) + words);
  });
  const auto last = std::unique(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return std::equal(codes.row(a), codes.row(a) + words, codes.row(b));
  });
  return last - order.begin();
}

// Sum over pairs j < k of |correlation|, each row of pairs added by itself.
double correlation_sum(const Columns& columns, std::span<const std::int64_t> ones,
                       std::int64_t rows, const std::function<void()>& progress) {
  const auto n = static_cast<double>(rows);
  const auto spread = [&](std::size_t j) {
    return static_cast<double>(ones[j]) * static_cast<double>(rows - ones[j]);
  };
  double total = 0.0;
  for (std::size_t j = 0; j < ones.size(); ++j) {
    double sum = 0.0;
    for (std::size_t k = j + 1; k < ones.size(); ++k) {
      const double spreads = spread(j) * spread(k);
      if (spreads == 0.0) continue;
      const auto both = static_cast<double>(columns.both(static_cast<int>(j), static_cast<int>(k)));
      const double covariance =
          n * both - static_cast<double>(ones[j]) * static_cast<double>(ones[k]);
      sum += std::min(1.0, std::abs(covariance) / std::sqrt(spreads));
    }
    total += sum;
    if (progress) progress();
  }
  return total;
}

}  // namespace

CodeHealth code_health(const PackedCodes& codes, const std::function<void()>& progress) {
  AESWEEP_CHECK(codes.rows >= 1, "the health of codes is that of at least one");
  const Columns columns(codes);
  if (progress) progress();
  CodeHealth health;
  std::vector<std::int64_t> ones;
  for (int j = 0; j < codes.bits; ++j) {
    ones.push_back(columns.both(j, j));
    const double p = static_cast<double>(ones.back()) / static_cast<double>(codes.rows);
    health.entropy += entropy(p);
    health.balance += std::abs(2.0 * p - 1.0);
    health.constant += ones.back() == 0 || ones.back() == codes.rows ? 1 : 0;
  }
  const auto bits = static_cast<double>(codes.bits);
  health.entropy /= bits;
  health.balance /= bits;
  if (codes.bits > 1) {
    health.correlation =
        correlation_sum(columns, ones, codes.rows, progress) / (bits * (bits - 1.0) / 2.0);
  }
  health.distinct = distinct_codes(codes);
  return health;
}

}  // namespace aesweep
