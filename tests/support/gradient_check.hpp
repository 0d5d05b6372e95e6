// Compares a gradient with 4th-order central differences of its function, in double.
//
// The one gradient oracle of the tests, for single components and for whole networks. It knows
// nothing of either: the function takes a point and gives a number.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace aesweep::test {

using ScalarFunction = std::function<double(std::span<const double>)>;

struct GradientCheckOptions {
  // Upper bound of the rounding error of one evaluation, in units of eps * magnitude: about the
  // longest chain of dependent operations, such as the length of the longest sum.
  double roundings = 100.0;
  // Size of the terms that the function adds up; 0 takes the largest |f| met, which is right unless
  // large terms of both signs cancel.
  double magnitude = 0.0;
  // Which coordinates to look at; empty means all.
  std::vector<std::size_t> coordinates = {};
};

// With h = eps^(1/5) max(1, |x_i|) and
//   D(h) = (f(x - 2h) - 8 f(x - h) + 8 f(x + h) - f(x + 2h)) / 12h
// the two errors of D are
//   rounding    (1 + 8 + 8 + 1) / 12h * roundings * eps * magnitude = 1.5 roundings eps magnitude /
//   h truncation  C h^4 + higher orders; since D(2h) - D(h) = 15 C h^4, it is |D(2h) - D(h)| / 15
//   to
//               leading order, doubled here for the higher ones
// The tolerance is their sum plus roundings * eps * |g_i| for the gradient's own rounding. Where
// the truncation estimate exceeds 1e-6 of the largest gradient entry the function is not smooth at
// that scale (a kink within 4h of x, say): that is a failure too, since any gradient would pass.
[[nodiscard]] ::testing::AssertionResult gradient_matches(const ScalarFunction& function,
                                                          std::span<const double> x,
                                                          std::span<const double> gradient,
                                                          const GradientCheckOptions& options = {});

}  // namespace aesweep::test
