// Proves that the activation printed in docs/plugins.md is right as a reader would build it: closed
// form, gradient, layout, and that its library names itself like its file.
#include "tests/plugins/harness.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

const aesweep_component& smooth_leaky() {
  const aesweep_plugin_entry& entry = plugin_entry(AESWEEP_EXAMPLE);
  EXPECT_STREQ(entry.id, "smooth_leaky");
  EXPECT_EQ(entry.component_count, 1u);
  return *entry.components[0];
}

TEST(DocumentedExample, GivesTheClosedForm) {
  Live<float> live(smooth_leaky(), {{"slope", 0.25}});
  live.plan(1, 7);
  Grid<float> x(1, 7, 3, 1), y(1, 7, 2, 2);
  const double points[] = {-1000.0, -20.0, -1.0, 0.0, 1.0, 20.0, 1000.0};
  x.fill([&](auto, auto j) { return points[j]; });
  live.forward(make_context(1), x.in(), y.out());
  for (std::int64_t j = 0; j < 7; ++j) {
    const double in = points[j];
    const double softplus = std::max(in, 0.0) + std::log1p(std::exp(-std::abs(in)));
    const double expected = 0.25 * in + 0.75 * softplus;
    // exp, log1p, two sums and two products: six roundings, each of a number no larger than these.
    const double scale = 0.25 * std::abs(in) + 0.75 * softplus;
    EXPECT_NEAR(y.at(0, j), expected, 6.0 * kEpsilon<float> * scale) << in;
  }
  EXPECT_TRUE(x.canaries_intact() && y.canaries_intact());
}

TEST(DocumentedExample, GradientMatchesDifferences) {
  Live<double> live(smooth_leaky(), {{"slope", 0.25}});
  live.plan(1, 7);
  Grid<double> x(1, 7), y(1, 7), ones(1, 7), dx(1, 7);
  x.fill([](auto, auto j) { return 2.0 * scatter(0, j); });
  ones.fill([](auto, auto) { return 1.0; });
  live.forward(make_context(1), x.in(), y.out());
  const auto gradient = dx.out();
  live.backward(make_context(1), x.in(), y.in(), ones.in(), &gradient);
  const auto sum = [&](std::span<const double> point) {
    Grid<double> at(1, 7), out(1, 7);
    at.fill([&](auto, auto j) { return point[static_cast<std::size_t>(j)]; });
    live.forward(make_context(1), at.in(), out.out());
    double total = 0.0;
    for (const double value : out.values()) total += value;
    return total;
  };
  EXPECT_TRUE(gradient_matches(sum, x.values(), dx.values(), {.roundings = 10}));
}

}  // namespace
}  // namespace aesweep::test
