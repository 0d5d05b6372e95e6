#include "tests/support/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace aesweep::test {
namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();

struct Difference {
  double derivative = 0.0;
  double magnitude = 0.0;  // Largest |f| met.
};

Difference central_difference(const ScalarFunction& function, std::vector<double>& point,
                              std::size_t i, double h) {
  const double center = point[i];
  Difference d;
  const auto at = [&](double offset) {
    point[i] = center + offset;
    const double value = function(point);
    d.magnitude = std::max(d.magnitude, std::abs(value));
    return value;
  };
  const double outer = at(-2.0 * h) - at(2.0 * h);
  const double inner = at(h) - at(-h);
  point[i] = center;
  d.derivative = (outer + 8.0 * inner) / (12.0 * h);
  return d;
}

// A step of about eps^(1/5) |x|, such that x + 4h and x - 4h are exact.
double exact_step(double x) {
  const double wanted = std::pow(kEps, 0.2) * std::max(1.0, std::abs(x));
  return std::exp2(std::floor(std::log2(wanted)));
}

}  // namespace

::testing::AssertionResult gradient_matches(const ScalarFunction& function,
                                            std::span<const double> x,
                                            std::span<const double> gradient,
                                            const GradientCheckOptions& options) {
  if (x.size() != gradient.size()) {
    return ::testing::AssertionFailure()
           << "the gradient has " << gradient.size() << " entries, the point " << x.size();
  }
  std::vector<std::size_t> coordinates = options.coordinates;
  if (coordinates.empty()) {
    for (std::size_t i = 0; i < x.size(); ++i) coordinates.push_back(i);
  }
  double largest = 0.0;
  for (const double g : gradient) largest = std::max(largest, std::abs(g));

  std::vector<double> point(x.begin(), x.end());
  for (const std::size_t i : coordinates) {
    const double h = exact_step(x[i]);
    const Difference fine = central_difference(function, point, i, h);
    const Difference coarse = central_difference(function, point, i, 2.0 * h);
    const double magnitude =
        options.magnitude > 0.0 ? options.magnitude : std::max(fine.magnitude, coarse.magnitude);
    const double rounding = options.roundings * kEps * (1.5 * magnitude / h);
    const double truncation = 2.0 / 15.0 * std::abs(coarse.derivative - fine.derivative);
    if (!(truncation <= 1e-6 * largest + rounding)) {
      return ::testing::AssertionFailure()
             << "coordinate " << i << ": the function is not smooth near x = " << x[i]
             << ": differences with h = " << h << " and 2h are " << fine.derivative << " and "
             << coarse.derivative;
    }
    const double tolerance =
        rounding + truncation + options.roundings * kEps * std::abs(gradient[i]);
    if (!(std::abs(gradient[i] - fine.derivative) <= tolerance)) {
      return ::testing::AssertionFailure()
             << "coordinate " << i << " at x = " << x[i] << ": the gradient is " << gradient[i]
             << ", the difference " << fine.derivative << ", apart by "
             << gradient[i] - fine.derivative << ", tolerance " << tolerance;
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace aesweep::test
