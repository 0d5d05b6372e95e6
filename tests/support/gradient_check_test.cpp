// Proves that the gradient oracle accepts right gradients and refuses wrong ones, on functions with
// known derivatives, and that it refuses to judge at a kink.
#include "tests/support/gradient_check.hpp"

#include <cmath>

namespace aesweep::test {
namespace {

double wave(std::span<const double> x) {
  return std::sin(3.0 * x[0]) * std::exp(x[1]) + x[0] * x[1] * x[1];
}

std::vector<double> wave_gradient(std::span<const double> x) {
  return {3.0 * std::cos(3.0 * x[0]) * std::exp(x[1]) + x[1] * x[1],
          std::sin(3.0 * x[0]) * std::exp(x[1]) + 2.0 * x[0] * x[1]};
}

TEST(GradientCheck, AcceptsTheDerivative) {
  for (const std::vector<double>& x :
       {std::vector<double>{0.3, -0.7}, {0.0, 0.0}, {37.0, 1.5}, {-1e-9, 1e-3}}) {
    EXPECT_TRUE(gradient_matches(wave, x, wave_gradient(x), {.roundings = 10}));
  }
}

TEST(GradientCheck, RefusesASmallError) {
  const std::vector<double> x = {0.3, -0.7};
  for (const std::size_t wrong : {0u, 1u}) {
    std::vector<double> gradient = wave_gradient(x);
    gradient[wrong] *= 1.0 + 1e-9;
    EXPECT_FALSE(gradient_matches(wave, x, gradient, {.roundings = 10}));  // It has ten operations.
  }
}

TEST(GradientCheck, RefusesNanAndWrongSizes) {
  const std::vector<double> x = {0.3, -0.7};
  EXPECT_FALSE(gradient_matches(wave, x, std::vector<double>{std::nan(""), 0.0}));
  EXPECT_FALSE(gradient_matches(wave, x, std::vector<double>{0.0}));
  const auto nan = [](std::span<const double>) { return std::nan(""); };
  EXPECT_FALSE(gradient_matches(nan, x, wave_gradient(x)));
}

TEST(GradientCheck, RefusesToJudgeAtAKink) {
  const auto kink = [](std::span<const double> x) { return std::abs(x[0]); };
  const std::vector<double> x = {1e-4};
  EXPECT_FALSE(gradient_matches(kink, x, std::vector<double>{1.0}));
  const std::vector<double> away = {0.5};
  EXPECT_TRUE(gradient_matches(kink, away, std::vector<double>{1.0}));
}

TEST(GradientCheck, LooksAtTheGivenCoordinatesOnly) {
  const std::vector<double> x = {0.3, -0.7};
  std::vector<double> gradient = wave_gradient(x);
  gradient[0] += 1.0;
  EXPECT_TRUE(gradient_matches(wave, x, gradient, {.coordinates = {1}}));
  EXPECT_FALSE(gradient_matches(wave, x, gradient, {.coordinates = {0}}));
}

}  // namespace
}  // namespace aesweep::test
