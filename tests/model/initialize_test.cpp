// Proves that initial values follow their declared distribution and depend on seed, name and
// element alone: moments against the closed forms, f32 against f64, a prefix against the whole.
#include "core/model/initialize.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace aesweep {
namespace {

Tensor tensor(std::uint32_t init, double a, double b) {
  Tensor t;
  t.name = "code/weights";
  t.init = init;
  t.init_a = a;
  t.init_b = b;
  return t;
}

template <class T>
std::vector<T> draw(const Tensor& t, std::uint64_t seed, std::size_t count) {
  std::vector<T> values(count);
  initialize_tensor<T>(t, seed, values);
  return values;
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

Moments moments(const std::vector<double>& values) {
  Moments m;
  for (const double v : values) m.mean += v;
  m.mean /= static_cast<double>(values.size());
  for (const double v : values) m.variance += (v - m.mean) * (v - m.mean);
  m.variance /= static_cast<double>(values.size());
  return m;
}

constexpr std::size_t kCount = 100003;  // Not a multiple of a block of four.

TEST(Initialize, UniformHasItsRangeAndMoments) {
  const auto values = draw<double>(tensor(AESWEEP_INIT_UNIFORM, -2.0, 4.0), 1, kCount);
  for (const double v : values) {
    ASSERT_GE(v, -2.0);
    ASSERT_LT(v, 4.0);
  }
  const Moments m = moments(values);
  // Five standard errors: sd 6 / sqrt(12) for the mean; the variance's own sd is 3 sqrt(4 / 5)
  // sd^2.
  EXPECT_NEAR(m.mean, 1.0, 5.0 * std::sqrt(3.0 / kCount));
  EXPECT_NEAR(m.variance, 3.0, 5.0 * 3.0 * std::sqrt(0.8 / kCount));
}

TEST(Initialize, NormalHasItsMoments) {
  const Moments m = moments(draw<double>(tensor(AESWEEP_INIT_NORMAL, 0.5, 0.1), 1, kCount));
  EXPECT_NEAR(m.mean, 0.5, 5.0 * 0.1 / std::sqrt(kCount));
  EXPECT_NEAR(m.variance, 0.01, 5.0 * 0.01 * std::sqrt(2.0 / kCount));
}

TEST(Initialize, ConstantIsConstant) {
  for (const float v : draw<float>(tensor(AESWEEP_INIT_CONSTANT, 0.25, 9.0), 1, 7)) {
    EXPECT_EQ(v, 0.25f);
  }
}

TEST(Initialize, AnElementDependsOnSeedNameAndIndexAlone) {
  const Tensor t = tensor(AESWEEP_INIT_NORMAL, 0.0, 1.0);
  const auto whole = draw<double>(t, 5, 101);
  for (const std::size_t count : {1, 2, 3, 4, 5, 37}) {
    const auto prefix = draw<double>(t, 5, count);
    EXPECT_TRUE(std::equal(prefix.begin(), prefix.end(), whole.begin())) << count;
  }
  EXPECT_NE(draw<double>(t, 6, 4), draw<double>(t, 5, 4));
  Tensor other = t;
  other.name = "output/weights";
  EXPECT_NE(draw<double>(other, 5, 4), draw<double>(t, 5, 4));
}

TEST(Initialize, SinglePrecisionIsTheRoundedDouble) {
  for (const std::uint32_t init : {AESWEEP_INIT_UNIFORM, AESWEEP_INIT_NORMAL}) {
    const auto exact = draw<double>(tensor(init, -1.0, 1.0), 3, 64);
    const auto single = draw<float>(tensor(init, -1.0, 1.0), 3, 64);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_EQ(single[i], static_cast<float>(exact[i]));
    }
  }
}

}  // namespace
}  // namespace aesweep
