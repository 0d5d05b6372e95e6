// Proves the element-wise activations: values at awkward points against closed forms, f32 against
// f64, gradients against differences, and bits that depend neither on layout nor on how rows are
// split.
#include "tests/plugins/harness.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct ActivationCase {
  const char* name;
  Values given;
  std::function<double(double)> oracle;
  double roundings_f32;  // Largest error in units of eps_f32 * |y|.
};

// Rounding bounds. identity and relu only choose; leaky_relu is one product with a slope that is
// itself rounded; tanh in f32 is a quotient of polynomials of degree 13 and 6 whose measured error
// over all floats is 2.5 eps; sigmoid is an exponential (1 eps, and half an eps from its argument's
// reduction), a sum and a quotient.
const std::vector<ActivationCase>& activations() {
  static const std::vector<ActivationCase> cases = {
      {"identity", {}, [](double x) { return x; }, 0.0},
      {"relu", {}, [](double x) { return x > 0.0 ? x : 0.0; }, 0.0},
      {"leaky_relu", {}, [](double x) { return x > 0.0 ? x : 0.01 * x; }, 1.0},
      {"leaky_relu", {{"slope", 0.25}}, [](double x) { return x > 0.0 ? x : 0.25 * x; }, 1.0},
      {"tanh", {}, [](double x) { return std::tanh(x); }, 3.0},
      {"sigmoid", {}, [](double x) { return 1.0 / (1.0 + std::exp(-x)); }, 3.0}};
  return cases;
}

// Runs body(case, live) for every case in the scalar Real.
template <class Real, class Body>
void for_each_activation(const Body& body) {
  for (const ActivationCase& c : activations()) {
    SCOPED_TRACE(c.name);
    Live<Real> live(AESWEEP_ACTIVATION, c.name, c.given);
    body(c, live);
  }
}

template <class Real>
class ActivationOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ActivationOf, Scalars);

TYPED_TEST(ActivationOf, MatchesClosedFormsAtAwkwardPoints) {
  using Real = TypeParam;
  const std::vector<double> points = {
      0.0, -0.0, 1e-30, -1e-30, 1e-4, -1e-4, 0.5,  -0.5,  1.0,   -1.0,   7.99,      -7.99,
      9.0, -9.0, 20.0,  -20.0,  87.0, -87.0, 88.8, -88.8, 1000., -1000., kInfinity, -kInfinity};
  const auto count = static_cast<std::int64_t>(points.size());
  for_each_activation<Real>([&](const ActivationCase& c, Live<Real>& live) {
    live.plan(1, count);
    Grid<Real> x(1, count), y(1, count);
    x.fill([&](std::int64_t, std::int64_t j) { return points[static_cast<std::size_t>(j)]; });
    live.forward(make_context(1), x.in(), y.out());
    for (std::int64_t j = 0; j < count; ++j) {
      const double in = static_cast<double>(x.at(0, j)), out = static_cast<double>(y.at(0, j));
      const double expected = c.oracle(in);
      if (std::isinf(expected)) {
        EXPECT_EQ(out, expected) << in;
        continue;
      }
      // f64 runs the same formula, with libm's or Eigen's functions within 2 eps. Below the
      // smallest normal number (and for exp, which Eigen cuts off near its inverse) only the size
      // is right.
      const double roundings = sizeof(Real) == sizeof(float) ? c.roundings_f32 : 4.0;
      const double tiny = 4.0 * static_cast<double>(std::numeric_limits<Real>::min());
      EXPECT_NEAR(out, expected, roundings * kEpsilon<Real> * std::abs(expected) + tiny) << in;
    }
  });
}

TYPED_TEST(ActivationOf, KeepsNanVisible) {
  using Real = TypeParam;
  for (const std::int64_t cols : {1, 7, 64}) {
    for_each_activation<Real>([&](const ActivationCase&, Live<Real>& live) {
      live.plan(1, cols);
      Grid<Real> x(1, cols), y(1, cols);
      x.fill([](auto, auto) { return std::nan(""); });
      live.forward(make_context(1), x.in(), y.out());
      for (std::int64_t j = 0; j < cols; ++j) EXPECT_TRUE(std::isnan(y.at(0, j)));
    });
  }
}

TEST(Activation, SigmoidAndTanhStayInTheirRange) {
  // Every 101st float: dense enough to meet each piece of the approximations many times.
  const std::int64_t cols = 4096;
  Live<float> sigmoid(AESWEEP_ACTIVATION, "sigmoid"), hyperbolic(AESWEEP_ACTIVATION, "tanh");
  sigmoid.plan(1, cols);
  hyperbolic.plan(1, cols);
  Grid<float> x(1, cols), s(1, cols), t(1, cols);
  for (std::uint64_t first = 0; first < (1ull << 32); first += 101 * cols) {
    x.fill([&](std::int64_t, std::int64_t j) {
      const auto bits = static_cast<std::uint32_t>(first + 101 * static_cast<std::uint64_t>(j));
      float value = 0;
      std::memcpy(&value, &bits, sizeof value);
      return std::isnan(value) ? 0.0f : value;
    });
    sigmoid.forward(make_context(1), x.in(), s.out());
    hyperbolic.forward(make_context(1), x.in(), t.out());
    for (std::int64_t j = 0; j < cols; ++j) {
      ASSERT_TRUE(s.at(0, j) >= 0.0f && s.at(0, j) <= 1.0f) << x.at(0, j);
      ASSERT_TRUE(std::abs(t.at(0, j)) <= 1.0f) << x.at(0, j);
    }
  }
}

TEST(Activation, SinglePrecisionFollowsDouble) {
  const std::int64_t rows = 37, cols = 64;
  for (const ActivationCase& c : activations()) {
    SCOPED_TRACE(c.name);
    Live<float> single(AESWEEP_ACTIVATION, c.name, c.given);
    Live<double> twice(AESWEEP_ACTIVATION, c.name, c.given);
    single.plan(rows, cols);
    twice.plan(rows, cols);
    Grid<float> x32(rows, cols), y32(rows, cols);
    Grid<double> x64(rows, cols), y64(rows, cols);
    x32.fill([](auto i, auto j) { return 12.0 * scatter(i, j); });
    x64.fill([&](auto i, auto j) { return x32.at(i, j); });
    single.forward(make_context(rows), x32.in(), y32.out());
    twice.forward(make_context(rows), x64.in(), y64.out());
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) {
        EXPECT_NEAR(y32.at(i, j), y64.at(i, j),
                    c.roundings_f32 * kEpsilon<float> * std::abs(y64.at(i, j)))
            << x32.at(i, j);
      }
    }
  }
}

TEST(Activation, GradientMatchesDifferences) {
  const std::int64_t rows = 7, cols = 7;
  for_each_activation<double>([&](const ActivationCase&, Live<double>& live) {
    live.plan(rows, cols);
    Grid<double> x(rows, cols), y(rows, cols), dy(rows, cols), dx(rows, cols);
    // Away from the kink of the relus by more than 4h, about 1/500.
    x.fill([](auto i, auto j) { return scatter(i, j) + (scatter(i, j) > 0 ? 0.1 : -0.1); });
    dy.fill([](auto i, auto j) { return scatter(i, j, 1); });
    const aesweep_context context = make_context(rows);
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
    // The sum has rows * cols terms below 1.1 in size.
    EXPECT_TRUE(gradient_matches(probe, x.values(), dx.values(),
                                 {.roundings = rows * cols, .magnitude = 1.1 * rows * cols}));
  });
}

TYPED_TEST(ActivationOf, BitsDependNeitherOnLayoutNorOnSplit) {
  using Real = TypeParam;
  for_each_activation<Real>([&](const ActivationCase&, Live<Real>& live) {
    for (const std::int64_t rows : {0, 1, 37}) {
      for (const std::int64_t cols : {1, 7, 64}) {
        live.plan(rows + 1, cols);
        const aesweep_context context = make_context(40);
        std::vector<Real> first_y, first_dx;
        for (const auto& [padding, offset] : {std::pair{0, 0}, {5, 0}, {16, 1}, {0, 3}}) {
          Grid<Real> x(rows, cols, padding, offset), y(rows, cols, padding + 2, offset + 1);
          Grid<Real> dy(rows, cols, padding, offset + 2), dx(rows, cols, padding + 1, offset);
          x.fill([](auto i, auto j) { return 8.0 * scatter(i, j); });
          dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
          const std::int64_t head = rows / 3;
          for (const auto& [first, count] :
               {std::pair{std::int64_t{0}, head}, {head, rows - head}}) {
            live.forward(context, x.in(first, count), y.out(first, count));
            const auto part = dx.out(first, count);
            live.backward(context, x.in(first, count), y.in(first, count), dy.in(first, count),
                          &part);
          }
          EXPECT_TRUE(x.canaries_intact() && y.canaries_intact());
          EXPECT_TRUE(dy.canaries_intact() && dx.canaries_intact());
          if (padding == 0 && offset == 0) {
            first_y = y.values();
            first_dx = dx.values();
          }
          EXPECT_TRUE(same_bits(y.values(), first_y)) << rows << " x " << cols;
          EXPECT_TRUE(same_bits(dx.values(), first_dx)) << rows << " x " << cols;
        }
        // Whole, and in place.
        Grid<Real> x(rows, cols), y(rows, cols), dy(rows, cols);
        x.fill([](auto i, auto j) { return 8.0 * scatter(i, j); });
        dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
        ASSERT_TRUE((live.component().flags & AESWEEP_IN_PLACE) != 0);
        live.forward(context, x.in(), x.out());
        EXPECT_TRUE(same_bits(x.values(), first_y));
        const auto in_place = dy.out();
        live.backward(context, x.in(), x.in(), dy.in(), &in_place);
        EXPECT_TRUE(same_bits(dy.values(), first_dx));
      }
    }
  });
}

TEST(Activation, RefusesWrongShapes) {
  Live<float> live(AESWEEP_ACTIVATION, "relu");
  live.plan(8, 7);
  Grid<float> narrow(3, 6), right(3, 7), tall(9, 7), short_one(2, 7);
  const aesweep_context context = make_context(9);
  const auto forward = [&](const Grid<float>& x, Grid<float>& y) {
    ErrorText error;
    const auto in = x.in();
    const auto out = y.out();
    const std::int32_t status = live.transform().forward(live.instance(), &context, &live.memory(),
                                                         &in, &out, &error.error);
    return std::pair(status, error.str());
  };
  EXPECT_EQ(forward(narrow, right).first, AESWEEP_INVALID_SHAPE);
  EXPECT_EQ(forward(right, narrow).first, AESWEEP_INVALID_SHAPE);
  EXPECT_EQ(forward(right, short_one).first, AESWEEP_INVALID_SHAPE);
  EXPECT_EQ(forward(tall, tall), std::pair(std::int32_t{AESWEEP_INVALID_SHAPE},
                                           std::string("x: 9 rows, planned for at most 8")));
}

}  // namespace
}  // namespace aesweep::test
