// Proves softmax: rows against long double, also far out; infinities; gradients against differences
// and against the closed form. Layout, splits and NaN are in activation_test.cpp.
#include "tests/plugins/harness.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

template <class Real>
std::vector<long double> reference(const Grid<Real>& x, std::int64_t row) {
  long double most = x.at(row, 0), sum = 0;
  for (std::int64_t j = 0; j < x.cols(); ++j) most = std::max<long double>(most, x.at(row, j));
  std::vector<long double> y;
  for (std::int64_t j = 0; j < x.cols(); ++j) y.push_back(std::exp(x.at(row, j) - most));
  for (const long double e : y) sum += e;
  for (long double& e : y) e /= sum;
  return y;
}

template <class Real>
class SoftmaxOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(SoftmaxOf, Scalars);

TYPED_TEST(SoftmaxOf, RowsMatchLongDoubleOnAnyScale) {
  using Real = TypeParam;
  for (const std::int64_t rows : {0, 1, 5}) {
    for (const std::int64_t cols : {1, 7, 37, 64, 300}) {
      for (const double scale : {1.0, 40.0, 1e4, 1e30}) {
        Live<Real> live(AESWEEP_ACTIVATION, "softmax");
        live.plan(5, cols);
        Grid<Real> x(rows, cols, 1, 1), y(rows, cols, 2, 2);
        // Negative, too: the largest of a row must not be taken from the end of a chunk.
        x.fill([&](auto i, auto j) { return scale * (scatter(i, j) - 2.0); });
        live.forward(make_context(5), x.in(), y.out());
        EXPECT_TRUE(x.canaries_intact() && y.canaries_intact());
        for (std::int64_t i = 0; i < rows; ++i) {
          const auto expected = reference(x, i);
          double sum = 0.0;
          for (std::int64_t j = 0; j < cols; ++j) {
            // exp (1 eps), half an eps of its argument from the subtraction of the largest (sizes
            // up to 90 in f32 and 710 in f64 matter), total and quotient.
            const double most = sizeof(Real) == 4 ? 90.0 : 710.0;
            const double argument = std::min(most, 2.0 * scale);
            const auto share = static_cast<double>(expected[static_cast<std::size_t>(j)]);
            EXPECT_NEAR(y.at(i, j), share,
                        (2.5 + 0.5 * argument) * kEpsilon<Real> * share +
                            4.0 * static_cast<double>(std::numeric_limits<Real>::min()));
            sum += y.at(i, j);
          }
          EXPECT_NEAR(sum, 1.0, 3.0 * kEpsilon<Real>);
        }
      }
    }
  }
}

TYPED_TEST(SoftmaxOf, InfiniteLargestShareEvenlyAndNanTakesTheRow) {
  using Real = TypeParam;
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const double most = static_cast<double>(std::numeric_limits<Real>::max());
  Live<Real> live(AESWEEP_ACTIVATION, "softmax");
  live.plan(6, 4);
  const std::vector<std::vector<double>> in = {{inf, 1, -inf, most},     {inf, 1, inf, -inf},
                                               {-inf, -inf, -inf, -inf}, {-inf, 0, -most, 0.0},
                                               {most, most, 0, 1},       {0, nan, inf, 1}};
  const std::vector<std::vector<double>> expected = {{1, 0, 0, 0},         {0.5, 0, 0.5, 0},
                                                     {.25, .25, .25, .25}, {0, 0.5, 0, 0.5},
                                                     {0.5, 0.5, 0, 0},     {nan, nan, nan, nan}};
  Grid<Real> x(6, 4), y(6, 4);
  x.fill(
      [&](auto i, auto j) { return in[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)]; });
  live.forward(make_context(6), x.in(), y.out());
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      const Real got = y.at(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
      if (std::isnan(expected[i][j])) {
        EXPECT_TRUE(std::isnan(got)) << i << " " << j;
      } else {
        EXPECT_EQ(got, static_cast<Real>(expected[i][j])) << i << " " << j;
      }
    }
  }
}

TYPED_TEST(SoftmaxOf, GradientMatchesTheClosedForm) {
  using Real = TypeParam;
  const std::int64_t rows = 3, cols = 37;
  Live<Real> live(AESWEEP_ACTIVATION, "softmax");
  live.plan(rows, cols);
  Grid<Real> x(rows, cols), y(rows, cols, 1, 2), dy(rows, cols, 3, 1), dx(rows, cols, 2, 3);
  x.fill([](auto i, auto j) { return 3.0 * scatter(i, j); });
  dy.fill([](auto i, auto j) { return scatter(i, j, 1); });
  live.forward(make_context(rows), x.in(), y.out());
  const auto gradient = dx.out();
  live.backward(make_context(rows), x.in(), y.in(), dy.in(), &gradient);
  for (std::int64_t i = 0; i < rows; ++i) {
    long double mean = 0;
    for (std::int64_t j = 0; j < cols; ++j)
      mean += static_cast<long double>(y.at(i, j)) * dy.at(i, j);
    for (std::int64_t j = 0; j < cols; ++j) {
      const double expected = static_cast<double>(y.at(i, j) * (dy.at(i, j) - mean));
      // The mean, the difference and the product are rounded; both terms are below 1.
      EXPECT_NEAR(dx.at(i, j), expected, 2.0 * kEpsilon<Real> * static_cast<double>(y.at(i, j)));
    }
  }
}

TEST(Softmax, GradientMatchesDifferences) {
  const std::int64_t rows = 3, cols = 9;
  Live<double> live(AESWEEP_ACTIVATION, "softmax");
  live.plan(rows, cols);
  Grid<double> x(rows, cols), y(rows, cols), dy(rows, cols), dx(rows, cols);
  x.fill([](auto i, auto j) { return 2.0 * scatter(i, j); });
  dy.fill([](auto i, auto j) { return scatter(i, j, 1); });
  live.forward(make_context(rows), x.in(), y.out());
  const auto gradient = dx.out();
  live.backward(make_context(rows), x.in(), y.in(), dy.in(), &gradient);
  const auto probe = [&](std::span<const double> point) {
    Grid<double> at(rows, cols), out(rows, cols);
    at.fill([&](auto i, auto j) { return point[static_cast<std::size_t>(i * cols + j)]; });
    live.forward(make_context(rows), at.in(), out.out());
    double sum = 0.0;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) sum += dy.at(i, j) * out.at(i, j);
    }
    return sum;
  };
  EXPECT_TRUE(gradient_matches(probe, x.values(), dx.values(),
                               {.roundings = rows * cols, .magnitude = 1.0 * rows}));
}

}  // namespace
}  // namespace aesweep::test
