// Compares an element-wise activation with closed forms in long double over all magnitudes.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tests/plugins/harness.hpp"

namespace aesweep::test {

using Long = long double;
using LongFunction = std::function<Long(Long)>;

// An error is allowed to be roundings * eps * scale; the scale is the size of the result, or that
// of the terms it is the sum of. Below the smallest normal number only the size is right.
struct ClosedForm {
  LongFunction formula;
  double roundings = 0.0;
  LongFunction scale = {};
};

// Numbers of all kinds: a coarse walk through the bit patterns of Real, so every magnitude down to
// the denormal ones and both infinities, and a fine one where activations bend.
template <class Real>
const std::vector<Real>& numbers() {
  static const std::vector<Real> all = [] {
    using Bits = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;
    constexpr int kPatterns = 100'000;
    constexpr Bits kStep = std::numeric_limits<Bits>::max() / kPatterns;
    std::vector<Real> numbers;
    for (int i = 0; i < kPatterns; ++i) {
      const Real value = std::bit_cast<Real>(static_cast<Bits>(kStep * static_cast<Bits>(i)));
      if (!std::isnan(value)) numbers.push_back(value);
    }
    for (int i = -50'000; i <= 50'000; ++i) {
      numbers.push_back(static_cast<Real>(i * 0.003));          // Up to 150.
      numbers.push_back(static_cast<Real>(i * 0.0001 + 1e-9));  // Up to 5.
    }
    const auto most = std::numeric_limits<Real>::max();
    const auto infinity = std::numeric_limits<Real>::infinity();
    for (const Real value : {Real(0), Real(1), most, infinity}) {
      numbers.push_back(value);
      numbers.push_back(-value);
    }
    return numbers;
  }();
  return all;
}

// Below the smallest normal number only the size is right, and exponentials end there; what they
// are multiplied with (x, or gelu's slope of u) is below 1000 at that place.
template <class Real>
constexpr double kTiny = 4000.0 * static_cast<double>(std::numeric_limits<Real>::min());

// Compares results for numbers() with the closed form; says where they are furthest apart.
template <class Real>
void expect_closed_form(const ClosedForm& form, const std::vector<Real>& x,
                        const std::vector<Real>& results) {
  double worst = 0.0;
  Real at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Long expected = form.formula(x[i]), got = results[i];
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(got)) << x[i];
      continue;
    }
    ASSERT_FALSE(std::isnan(got)) << x[i];
    ASSERT_TRUE(!std::isinf(got) || std::isinf(x[i])) << x[i];
    if (std::isinf(expected) || std::isinf(got)) {
      ASSERT_EQ(got, expected) << x[i];
      continue;
    }
    const Long most = std::numeric_limits<Real>::max();
    const Long error = std::abs(got - std::clamp(expected, -most, most));
    if (error <= kTiny<Real>) continue;
    const Long scale = form.scale ? form.scale(x[i]) : std::abs(expected);
    const auto roundings = static_cast<double>(error / (kEpsilon<Real> * scale));
    if (roundings > worst) worst = roundings, at = x[i];
  }
  EXPECT_LE(worst, form.roundings) << "at " << at;
}

// Compares forward, and backward at dy = 1, with their closed forms.
template <class Real>
void expect_closed_forms(Live<Real>& live, const ClosedForm& value, const ClosedForm& derivative,
                         const aesweep_context& context = make_context(1)) {
  const std::vector<Real>& x = numbers<Real>();
  const auto count = static_cast<std::int64_t>(x.size());
  const auto in = [count](const std::vector<Real>& row) {
    return sdk::ConstMatrix<Real>{row.data(), nullptr, 1, count, count};
  };
  const auto out = [count](std::vector<Real>& row) {
    return sdk::Matrix<Real>{row.data(), nullptr, 1, count, count};
  };
  live.plan(1, count);
  const std::vector<Real> ones(x.size(), Real(1));
  std::vector<Real> y(x.size()), dx(x.size());
  live.forward(context, in(x), out(y));
  {
    SCOPED_TRACE("value");
    expect_closed_form(value, x, y);
  }
  const auto gradient = out(dx);
  live.backward(context, in(x), in(y), in(ones), &gradient);
  SCOPED_TRACE("derivative");
  expect_closed_form(derivative, x, dx);
}

}  // namespace aesweep::test
