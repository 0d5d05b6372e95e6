// Functions of chunks that Eigen lacks, has in one precision only, or has inexactly. All run as
// vector loops in both precisions and give NaN for NaN. Not part of plugin.hpp: include it where
// it is needed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/sdk/chunks.hpp"

namespace aesweep::sdk {

// out[lane] = f(in[lane]...), f from numbers to a number. For choices (`x > 0 ? x : y`): Eigen's
// select leaves the vector path and drags the expressions under it along, so compute those first.
template <class Real, class F, class... In>
[[nodiscard]] Chunk<Real> each_lane(const F& f, const In&... in) {
  Chunk<Real> out;
  for (int lane = 0; lane < kChunk<Real>; ++lane) out.data()[lane] = f(in.data()[lane]...);
  return out;
}

// c[0] + c[1] x + c[2] x^2 + ...
template <class Real, std::size_t size>
[[nodiscard]] Chunk<Real> polynomial(const Chunk<Real>& x, const std::array<Real, size>& c) {
  Chunk<Real> sum = Chunk<Real>::Constant(c[size - 1]);
  for (std::size_t i = size - 1; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// exp(x), with 0 in place of numbers below the smallest normal one (Eigen's ends at about that).
template <class Real>
[[nodiscard]] Chunk<Real> exp_or_zero(const Chunk<Real>& x) {
  constexpr Real kLeast = sizeof(Real) == sizeof(float) ? Real(-87.3) : Real(-708.3);
  const Chunk<Real> e = x.exp();
  return each_lane<Real>([](Real in, Real out) { return in < kLeast ? Real(0) : out; }, x, e);
}

namespace detail {

// Printed by tests/plugins/reference/function_coefficients.py.
template <class Real>
inline constexpr auto kExpm1 = [] {
  if constexpr (std::is_same_v<Real, float>) {
    return std::array{0.49999999f, 0.166665628f, 0.04164993f, 0.00823822135f, 0.00116428703f};
  } else {
    return std::array{0.5,
                      0.16666666666666538,
                      0.04166666666658176,
                      0.0083333333311557019,
                      0.0013888888604959755,
                      0.00019841248546681163,
                      2.4800612832459925e-05,
                      2.7529613436538965e-06,
                      2.7077661631340097e-07,
                      2.0367831165025622e-08};
  }
}();
template <class Real>
inline constexpr auto kLog1p = [] {
  if constexpr (std::is_same_v<Real, float>) {
    return std::array{1.0f, 0.333331608f, 0.200122976f, 0.139825789f, 0.140788892f};
  } else {
    return std::array{1.0,
                      0.33333333333333076,
                      0.20000000000092874,
                      0.14285714272727057,
                      0.11111112040373837,
                      0.090908704162524029,
                      0.076933070211520044,
                      0.066501870163373125,
                      0.060550843640346089,
                      0.0416225325593041,
                      0.085220817813906988};
  }
}();

}  // namespace detail

// exp(x) - 1 for x <= 0, within 3 eps of itself: near 0 the polynomial x + x^2 p(x), so that the
// 1 does not swallow x.
template <class Real>
[[nodiscard]] Chunk<Real> expm1_of_negative(const Chunk<Real>& x) {
  const Chunk<Real> far = x.exp() - Real(1);
  const Chunk<Real> near = x + x * (x * polynomial(x, detail::kExpm1<Real>));
  return each_lane<Real>([](Real in, Real a, Real b) { return in < Real(-0.5) ? a : b; }, x, far,
                         near);
}

// ln(1 + u) for u in [0, 1], within 3 eps of itself: 2 atanh(s), s = u / (2 + u).
template <class Real>
[[nodiscard]] Chunk<Real> log1p_of_unit(const Chunk<Real>& u) {
  const Chunk<Real> s = u / (u + Real(2));
  const Chunk<Real> square = s * s;
  return (s + s) * polynomial(square, detail::kLog1p<Real>);
}

// 1 / (1 + exp(-x)). Exact to 3 eps for small results, too, where Eigen's logistic is not.
template <class Real>
[[nodiscard]] Chunk<Real> sigmoid(const Chunk<Real>& x) {
  return Real(1) / (Real(1) + (-x).exp());
}

// The derivative of sigmoid, s (1 - s), without the difference: e / (1 + e)^2, e = exp(-|x|).
template <class Real>
[[nodiscard]] Chunk<Real> sigmoid_slope(const Chunk<Real>& x) {
  const Chunk<Real> far = -x.abs();
  const Chunk<Real> e = exp_or_zero<Real>(far);
  return e / (Real(1) + e).square();
}

// The derivative of the sign-swish by its argument, which stands for that of a sign: (2 - u tanh(u
// / 2)) / (1 + cosh u). 1 at 0, 0 at the infinities. With e = exp(-|u|), tanh(|u| / 2) = (1 - e) /
// (1
// + e) and 1 + cosh u = (1 + e)^2 / (2 e): nothing overflows.
template <class Real>
[[nodiscard]] Chunk<Real> sign_swish_slope(const Chunk<Real>& u) {
  constexpr Real kFar = 1000;  // From here on e is 0, be u infinite.
  const Chunk<Real> size = each_lane<Real>(
      [](Real in) {
        const Real positive = in < Real(0) ? -in : in;
        return positive > kFar ? kFar : positive;
      },
      u);
  const Chunk<Real> negative = -size;
  const Chunk<Real> e = exp_or_zero<Real>(negative);
  const Chunk<Real> one_plus = Real(1) + e;
  const Chunk<Real> inside = Real(2) - size * (Real(1) - e) / one_plus;
  return Real(2) * e * inside / one_plus.square();
}

// The largest of x[0, count); minus infinity if there is none. NaN is passed over.
template <class Real>
[[nodiscard]] Real largest(const Real* x, std::int64_t count) {
  constexpr Real kLeast = -std::numeric_limits<Real>::infinity();
  constexpr auto kLarger = [](Real a, Real b) { return b > a ? b : a; };
  Chunk<Real> lanes = Chunk<Real>::Constant(kLeast);
  const std::int64_t whole = count / kChunk<Real> * kChunk<Real>;
  for (std::int64_t i = 0; i < whole; i += kChunk<Real>) {
    for (int lane = 0; lane < kChunk<Real>; ++lane) {
      lanes.data()[lane] = kLarger(lanes.data()[lane], x[i + lane]);
    }
  }
  Real most = kLeast;
  for (int lane = 0; lane < kChunk<Real>; ++lane) most = kLarger(most, lanes.data()[lane]);
  for (std::int64_t i = whole; i < count; ++i) most = kLarger(most, x[i]);
  return most;
}

}  // namespace aesweep::sdk
