// The element-wise activations with a derivative of their own (no surrogate): closed forms in long
// double, and how exact each claims to be. For activation_test.cpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/plugins/activation_closed_form.hpp"

namespace aesweep::test {

struct ActivationCase {
  const char* name;
  Values given;
  ClosedForm value;
  ClosedForm derivative;
  std::vector<double> kinks = {};
};

namespace activation_cases {

inline Long sigmoid(Long x) { return 1 / (1 + std::exp(-x)); }
// sigmoid'(x), without a difference.
inline Long sigmoid_slope(Long x) {
  const Long e = std::exp(-std::abs(x));
  return e / ((1 + e) * (1 + e));
}
inline Long sech_squared(Long x) { return 4 * sigmoid_slope(2 * x); }
// The normal distribution function and its density.
inline Long normal_share(Long x) { return std::erfc(-x / std::sqrt(Long(2))) / 2; }
inline Long normal_density(Long x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<Long>);
}
// The product, 0 where either is 0: infinity times an exponential that is smaller.
inline Long times(Long a, Long b) { return a == 0 || b == 0 ? 0 : a * b; }
// sigmoid's argument in gelu's tanh form, and its derivative.
inline Long gelu_u(Long x) {
  return 2 * std::sqrt(2 / std::numbers::pi_v<Long>) * (x + Long(0.044715) * x * x * x);
}
inline Long gelu_u_slope(Long x) {
  return 2 * std::sqrt(2 / std::numbers::pi_v<Long>) * (1 + 3 * Long(0.044715) * x * x);
}
// x times the slope of sigmoid(gelu_u(x)).
inline Long gelu_bend(Long x) { return times(times(x, sigmoid_slope(gelu_u(x))), gelu_u_slope(x)); }
inline Long swish_slope(Long x, Long beta) {
  return sigmoid(beta * x) + times(beta * x, sigmoid_slope(beta * x));
}

inline constexpr Long kSeluAlpha = 1.6732632423543772848170429916717L;
inline constexpr Long kSeluScale = 1.0507009873554804934193349852946L;

// Rounding bounds, in eps. An exponential has 1, and half an eps of its argument's size where the
// argument is rounded (sizes up to 90 in single precision matter, 710 in double; beyond, the result
// is 0). Sums, products and quotients have 1/2 each, constants 1/2.
inline ActivationCase elu(Values given, Long alpha) {
  return {"elu",
          std::move(given),
          {[=](Long x) { return x > 0 ? x : alpha * std::expm1(x); }, 4.0},
          {[=](Long x) { return x > 0 ? 1 : alpha * std::exp(x); }, 2.0},
          alpha == 1 ? std::vector<double>{} : std::vector<double>{0.0}};
}
inline ActivationCase selu() {
  return {"selu",
          {},
          {[](Long x) { return kSeluScale * (x > 0 ? x : kSeluAlpha * std::expm1(x)); }, 4.0},
          {[](Long x) { return kSeluScale * (x > 0 ? 1 : kSeluAlpha * std::exp(x)); }, 3.0},
          {0.0}};
}
inline ActivationCase swish(Values given, Long beta) {
  const auto size = [=](Long x) { return std::min(std::abs(beta * x), Long(1000)); };
  return {"swish",
          std::move(given),
          {[=](Long x) { return times(x, sigmoid(beta * x)); }, 4.0},
          {[=](Long x) { return swish_slope(x, beta); }, 6.0,
           [=](Long x) { return sigmoid(beta * x) * (1 + size(x) * sigmoid(-beta * x)); }}};
}
inline ActivationCase softplus(Values given, Long b) {
  return {
      "softplus",
      std::move(given),
      {[=](Long x) { return std::max(x, Long(0)) + std::log1p(std::exp(-std::abs(b * x))) / b; },
       4.0},
      {[=](Long x) { return sigmoid(b * x); }, 3.0}};
}
inline ActivationCase gelu_exact() {
  const auto product = [](Long x) { return times(x, normal_density(x)); };
  return {"gelu",
          {},
          // An exponential, 6 products and quotients, a polynomial with terms of one size.
          {[](Long x) { return times(x, normal_share(x)); }, 4.0},
          {[=](Long x) { return normal_share(x) + product(x); }, 4.0,
           [=](Long x) { return normal_share(x) + std::abs(product(x)); }}};
}
inline ActivationCase gelu_tanh() {
  // u has 3 roundings, and an exponential makes absolute errors relative ones.
  const auto spread = [](Long x) { return 1 + std::min(std::abs(gelu_u(x)), Long(800)); };
  return {"gelu",
          {{"form", "tanh"}},
          {[](Long x) { return times(x, sigmoid(gelu_u(x))); }, 4.0,
           [=](Long x) { return times(std::abs(x), sigmoid(gelu_u(x))) * spread(x); }},
          {[](Long x) { return sigmoid(gelu_u(x)) + gelu_bend(x); }, 6.0,
           [=](Long x) { return (sigmoid(gelu_u(x)) + std::abs(gelu_bend(x))) * spread(x); }}};
}
inline ActivationCase clipped(const char* name, Long scale, Long shift, Long low) {
  return {name,
          {},
          {[=](Long x) { return std::clamp((x + shift) * scale, low, Long(1)); }, 0.5,
           [](Long) { return 1; }},
          {[=](Long x) {
             return std::abs((x + shift) * scale - (low + 1) / 2) < (1 - low) / 2 ? scale : 0;
           },
           0.0},
          {-1.0, 1.0}};
}
inline ActivationCase leaky_tanh(Values given, Long slope) {
  return {"leaky_tanh",
          std::move(given),
          {[=](Long x) {
             const Long end = std::clamp(x, Long(-1), Long(1));
             return end + times(slope, x - end);
           },
           2.0},
          {[=](Long x) { return std::abs(x) < 1 ? 1 : slope; }, 0.5},
          {-1.0, 1.0}};
}
inline ActivationCase sine(Values given, Long w) {
  return {"sine",
          std::move(given),
          {[=](Long x) { return std::sin(w * x); }, 2.0,
           [=](Long x) { return std::abs(std::sin(w * x)) + std::abs(w * x) / 4; }},
          {[=](Long x) { return w * std::cos(w * x); }, 2.0,
           [=](Long x) { return w * (1 + std::abs(w * x) / 4); }}};
}

inline const std::vector<ActivationCase>& activations() {
  static const auto one = [](Long) { return Long(1); };
  static const auto leaky = [](Values given, Long slope) {
    return ActivationCase{"leaky_relu",
                          std::move(given),
                          {[=](Long x) { return x > 0 ? x : slope * x; }, 1.0},
                          {[=](Long x) { return x > 0 ? 1 : slope; }, 0.5},
                          {0.0}};
  };
  // tanh in f32 is a quotient of polynomials of degree 13 and 6 whose measured error over all
  // floats is 2.5 eps; its and sigmoid's derivatives come from y and lose what 1 swallows.
  static const std::vector<ActivationCase> cases = {
      {"identity", {}, {[](Long x) { return x; }}, {one}},
      {"relu",
       {},
       {[](Long x) { return std::max(x, Long(0)); }},
       {[](Long x) { return x > 0 ? 1 : 0; }},
       {0.0}},
      leaky({}, 0.01L),
      leaky({{"slope", 0.25}}, 0.25L),
      {"tanh", {}, {[](Long x) { return std::tanh(x); }, 3.0}, {sech_squared, 8.0, one}},
      {"sigmoid", {}, {sigmoid, 3.0}, {sigmoid_slope, 4.0, sigmoid}},
      elu({}, 1),
      elu({{"alpha", 0.25}}, 0.25L),
      selu(),
      swish({}, 1),
      swish({{"beta", 2.0}}, 2),
      softplus({}, 1),
      softplus({{"sharpness", 4.0}}, 4),
      gelu_exact(),
      gelu_tanh(),
      clipped("hard_tanh", 1, 0, -1),
      clipped("hard_sigmoid", 0.5L, 1, 0),
      leaky_tanh({}, 0.2L),
      leaky_tanh({{"slope", 0.0}}, 0),
      sine({}, 1),
      sine({{"frequency", 4.0}}, 4)};
  return cases;
}

}  // namespace activation_cases

using activation_cases::activations;

}  // namespace aesweep::test
