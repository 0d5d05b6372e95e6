// Proves slope_annealed: its slope at chosen places of training, in both modes; values and
// derivatives against closed forms over all magnitudes; gradients against differences.
#include "tests/plugins/activation_closed_form.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

aesweep_context at_step(std::uint64_t train_step, std::uint64_t total_steps,
                        aesweep_mode mode = AESWEEP_TRAIN) {
  aesweep_context context = make_context(64);
  context.mode = mode;
  // In evaluation, step is the batch of the split, and says nothing of training.
  context.step = mode == AESWEEP_TRAIN ? train_step : 77;
  context.train_step = train_step;
  context.total_steps = total_steps;
  return context;
}

template <class Real>
class SlopeAnnealedOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(SlopeAnnealedOf, Scalars);

TYPED_TEST(SlopeAnnealedOf, SlopeFollowsItsLawInBothModes) {
  using Real = TypeParam;
  struct Place {
    const char* law;
    std::uint64_t step, total;
    double slope;
  };
  // From 0.5 to 8: linear 0.5 + 7.5 t, exponential 0.5 * 16^t.
  const std::vector<Place> places = {
      {"linear", 0, 100, 0.5},       {"linear", 10, 100, 1.25},      {"linear", 50, 100, 4.25},
      {"linear", 100, 100, 8.0},     {"linear", 101, 100, 8.0},      {"linear", 0, 0, 8.0},
      {"exponential", 0, 100, 0.5},  {"exponential", 25, 100, 1.0},  {"exponential", 50, 100, 2.0},
      {"exponential", 75, 100, 4.0}, {"exponential", 100, 100, 8.0}, {"exponential", 900, 100, 8.0},
      {"exponential", 0, 0, 8.0}};
  for (const Place& place : places) {
    for (const bool tanh : {true, false}) {
      for (const aesweep_mode mode : {AESWEEP_TRAIN, AESWEEP_EVAL}) {
        SCOPED_TRACE(place.law + std::to_string(place.step));
        Live<Real> live(AESWEEP_ACTIVATION, "slope_annealed",
                        {{"function", tanh ? "tanh" : "sigmoid"},
                         {"law", place.law},
                         {"slope_start", 0.5},
                         {"slope_end", 8.0}});
        live.plan(1, 7);
        Grid<Real> x(1, 7), y(1, 7);
        x.fill([](auto, auto j) { return 0.0625 * static_cast<double>(j - 3); });
        live.forward(at_step(place.step, place.total, mode), x.in(), y.out());
        for (std::int64_t j = 0; j < 7; ++j) {
          const double z = place.slope * static_cast<double>(x.at(0, j));
          const double expected = tanh ? std::tanh(z) : 1.0 / (1.0 + std::exp(-z));
          // The slope's power (libm, 1 eps), the product and the function (3 eps).
          EXPECT_NEAR(y.at(0, j), expected, 6.0 * kEpsilon<Real> * std::abs(expected));
        }
      }
    }
  }
}

TYPED_TEST(SlopeAnnealedOf, MatchesClosedFormsOverAllMagnitudes) {
  using Real = TypeParam;
  const auto slope_of_sigmoid = [](Long x) {
    const Long e = std::exp(-std::abs(x));
    return e / ((1 + e) * (1 + e));
  };
  // Slope 4, exact: a quarter of the way from 1 to 256 by the exponential law.
  const Values given = {{"law", "exponential"}, {"slope_end", 256.0}};
  Values of_sigmoid = given;
  of_sigmoid.push_back({"function", "sigmoid"});
  Live<Real> tanh(AESWEEP_ACTIVATION, "slope_annealed", given);
  Live<Real> sigmoid(AESWEEP_ACTIVATION, "slope_annealed", of_sigmoid);
  expect_closed_forms(tanh, {[](Long x) { return std::tanh(4 * x); }, 3.0},
                      {[&](Long x) { return 16 * slope_of_sigmoid(8 * x); }, 5.0}, at_step(1, 4));
  expect_closed_forms(sigmoid, {[](Long x) { return 1 / (1 + std::exp(-4 * x)); }, 3.0},
                      {[&](Long x) { return 4 * slope_of_sigmoid(4 * x); }, 5.0}, at_step(1, 4));
}

TEST(SlopeAnnealed, GradientMatchesDifferences) {
  const std::int64_t rows = 3, cols = 37;
  for (const char* function : {"tanh", "sigmoid"}) {
    Live<double> live(AESWEEP_ACTIVATION, "slope_annealed", {{"function", function}});
    live.plan(rows, cols);
    const aesweep_context context = at_step(30, 100);
    Grid<double> x(rows, cols), y(rows, cols), dy(rows, cols), dx(rows, cols);
    x.fill([](auto i, auto j) { return scatter(i, j); });
    dy.fill([](auto i, auto j) { return scatter(i, j, 1); });
    live.forward(context, x.in(), y.out());
    const auto gradient = dx.out();
    live.backward(context, x.in(), y.in(), dy.in(), &gradient);
    const auto probe = [&](std::span<const double> point) {
      Grid<double> at(rows, cols), out(rows, cols);
      at.fill([&](auto i, auto j) { return point[static_cast<std::size_t>(i * cols + j)]; });
      live.forward(context, at.in(), out.out());
      double sum = 0.0;
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < cols; ++j) sum += dy.at(i, j) * out.at(i, j);
      }
      return sum;
    };
    EXPECT_TRUE(gradient_matches(probe, x.values(), dx.values(),
                                 {.roundings = rows * cols, .magnitude = 1.0 * rows * cols}));
  }
}

}  // namespace
}  // namespace aesweep::test
