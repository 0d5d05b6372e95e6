// Proves that gemm multiplies row-major matrices of every form, against a plain triple loop in
// double with the error bound of a dot product; and that the fingerprint is stable within a
// process.
#include "core/math/gemm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "core/math/fingerprint.hpp"

namespace aesweep {
namespace {

template <class T>
void check(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
           double beta) {
  constexpr std::int64_t kPadding = 3;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  const std::int64_t lda = (ta ? m : k) + kPadding;
  const std::int64_t ldb = (tb ? k : n) + kPadding;
  const std::int64_t ldc = n + kPadding;
  const auto filled = [&](std::int64_t rows, std::int64_t ld) {
    std::vector<T> v(static_cast<std::size_t>(rows * ld) + 1);
    for (T& x : v) x = static_cast<T>(uniform(random));
    return v;
  };
  const auto a = filled(ta ? k : m, lda);
  const auto b = filled(tb ? n : k, ldb);
  auto c = filled(m, ldc);
  const auto before = c;
  gemm<T>(ta, tb, m, n, k, static_cast<T>(alpha), a.data(), lda, b.data(), ldb,
          static_cast<T>(beta), c.data(), ldc);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < ldc; ++j) {
      const auto at = static_cast<std::size_t>(i * ldc + j);
      if (j >= n) {
        EXPECT_EQ(c[at], before[at]) << "padding was written";
        continue;
      }
      double sum = 0.0;
      double magnitude = 0.0;
      for (std::int64_t l = 0; l < k; ++l) {
        const double x = a[static_cast<std::size_t>(ta ? l * lda + i : i * lda + l)];
        const double y = b[static_cast<std::size_t>(tb ? j * ldb + l : l * ldb + j)];
        sum += x * y;
        magnitude += std::abs(x * y);
      }
      const double old = beta == 0.0 ? 0.0 : beta * static_cast<double>(before[at]);
      // k products and additions, then scale and add: k + 3 roundings at most.
      const double bound = static_cast<double>(k + 3) * std::numeric_limits<T>::epsilon() *
                           (std::abs(alpha) * magnitude + std::abs(old));
      EXPECT_NEAR(static_cast<double>(c[at]), alpha * sum + old, bound);
    }
  }
}

TEST(Gemm, AllFormsAgreeWithATripleLoop) {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const auto& [m, n, k] : {std::tuple{1, 1, 1}, {7, 37, 5}, {64, 33, 100}, {37, 1, 64}}) {
        for (const auto& [alpha, beta] : {std::pair{1.0, 0.0}, {1.0, 1.0}, {-0.5, 2.0}}) {
          check<float>(ta, tb, m, n, k, alpha, beta);
          check<double>(ta, tb, m, n, k, alpha, beta);
        }
      }
    }
  }
}

TEST(Gemm, EmptyProductsAreDefined) {
  std::vector<float> c = {1.0f, 2.0f};
  const float unused = 0.0f;
  gemm<float>(false, false, 0, 2, 3, 1.0f, &unused, 3, &unused, 2, 0.0f, c.data(), 2);
  EXPECT_EQ(c[0], 1.0f);
  gemm<float>(false, false, 1, 2, 0, 1.0f, &unused, 1, &unused, 2, 0.0f, c.data(), 2);
  EXPECT_EQ(c[0], 0.0f);
  EXPECT_EQ(c[1], 0.0f);
}

// With beta = 0, what was in c does not matter, not even NaN.
TEST(Gemm, BetaZeroDoesNotReadC) {
  const std::vector<float> ones(64 * 64, 1.0f);
  std::vector<float> c(64 * 64, std::numeric_limits<float>::quiet_NaN());
  gemm<float>(false, false, 64, 64, 64, 1.0f, ones.data(), 64, ones.data(), 64, 0.0f, c.data(), 64);
  for (const float x : c) EXPECT_EQ(x, 64.0f);
}

TEST(Fingerprint, IsSixteenHexDigitsAndStable) {
  EXPECT_EQ(numeric_fingerprint().size(), 16u);
  EXPECT_EQ(numeric_fingerprint().find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(numeric_fingerprint(), numeric_fingerprint());
  EXPECT_FALSE(blas_description().empty());
}

}  // namespace
}  // namespace aesweep
