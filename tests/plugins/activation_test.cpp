// Proves the element-wise activations: values and derivatives against closed forms in long double
// over all magnitudes, f32 against f64, gradients against differences, and bits that depend neither
// on layout nor on how rows are split. The cases and their rounding bounds are in
// activation_cases.hpp.
#include "tests/plugins/activation_cases.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

// Runs body(case, live) for every case in the scalar Real.
template <class Real, class Body>
void for_each_activation(const Body& body) {
  for (const ActivationCase& c : activations()) {
    SCOPED_TRACE(c.name);
    Live<Real> live(AESWEEP_ACTIVATION, c.name, c.given);
    body(c, live);
  }
}

// Runs body(live) for every activation with each of its choices; topk has a test of its own.
template <class Real, class Body>
void for_each_of_all(const Body& body) {
  std::vector<std::pair<std::string, Values>> all = {
      {"binary", {}},
      {"binary", {{"surrogate", "identity"}}},
      {"binary", {{"surrogate", "clipped"}}},
      {"binary", {{"surrogate", "swish"}}},
      {"binary", {{"surrogate", "approx"}}},
      {"heaviside", {}},
      {"dorefa", {}},
      {"softmax", {}},
      {"bernoulli", {}},
      {"bernoulli", {{"values", "signed"}}},
      {"noisy_sigmoid", {}},
      {"slope_annealed", {}},
      {"slope_annealed", {{"function", "sigmoid"}, {"law", "exponential"}}}};
  for (const ActivationCase& c : activations()) all.emplace_back(c.name, c.given);
  for (const auto& [name, given] : all) {
    SCOPED_TRACE(name);
    Live<Real> live(AESWEEP_ACTIVATION, name, given);
    body(live);
  }
}

template <class Real>
class ActivationOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ActivationOf, Scalars);

TYPED_TEST(ActivationOf, MatchesClosedFormsOverAllMagnitudes) {
  using Real = TypeParam;
  for_each_activation<Real>([&](const ActivationCase& c, Live<Real>& live) {
    expect_closed_forms(live, c.value, c.derivative);
  });
}

TYPED_TEST(ActivationOf, KeepsNanVisible) {
  using Real = TypeParam;
  for_each_of_all<Real>([](Live<Real>& live) {
    for (const std::uint32_t mode : {AESWEEP_TRAIN, AESWEEP_EVAL}) {
      for (const std::int64_t cols : {1, 7, 64}) {
        live.plan(1, cols);
        Grid<Real> x(1, cols), y(1, cols);
        x.fill([](auto, auto) { return std::nan(""); });
        aesweep_context context = make_context(1);
        context.mode = mode;
        live.forward(context, x.in(), y.out());
        for (std::int64_t j = 0; j < cols; ++j) EXPECT_TRUE(std::isnan(y.at(0, j)));
      }
    }
  });
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
        const Long scale = c.value.scale ? c.value.scale(x32.at(i, j)) : std::abs(y64.at(i, j));
        EXPECT_NEAR(y32.at(i, j), y64.at(i, j),
                    c.value.roundings * kEpsilon<float> * static_cast<double>(scale) + kTiny<float>)
            << x32.at(i, j);
      }
    }
  }
}

TEST(Activation, GradientMatchesDifferences) {
  const std::int64_t rows = 7, cols = 7;
  for_each_activation<double>([&](const ActivationCase& c, Live<double>& live) {
    live.plan(rows, cols);
    Grid<double> x(rows, cols), y(rows, cols), dy(rows, cols), dx(rows, cols);
    // Away from kinks by more than 4h, about 1/500.
    x.fill([&](auto i, auto j) {
      double point = 1.5 * scatter(i, j);
      for (const double kink : c.kinks) {
        if (std::abs(point - kink) < 0.05) point = kink + std::copysign(0.05, point - kink);
      }
      return point;
    });
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
    // The sum has rows * cols terms below 1.6 in size.
    EXPECT_TRUE(gradient_matches(probe, x.values(), dx.values(),
                                 {.roundings = rows * cols, .magnitude = 1.6 * rows * cols}));
  });
}

TEST(Activation, FlagsSayWhatHolds) {
  for (const ActivationCase& c : activations()) {
    const std::uint32_t flags = find_component(AESWEEP_ACTIVATION, c.name).flags;
    EXPECT_EQ(flags & (AESWEEP_ELEMENTWISE | AESWEEP_SURROGATE | AESWEEP_RANDOM),
              std::uint32_t{AESWEEP_ELEMENTWISE})
        << c.name;
  }
  // These need no x in backward: the host then keeps one matrix less.
  for (const char* name : {"identity", "relu", "leaky_relu", "tanh", "sigmoid", "hard_tanh",
                           "hard_sigmoid", "leaky_tanh", "softmax", "noisy_sigmoid"}) {
    EXPECT_NE(find_component(AESWEEP_ACTIVATION, name).flags & AESWEEP_IN_PLACE, 0u) << name;
  }
}

TYPED_TEST(ActivationOf, BitsDependNeitherOnLayoutNorOnSplit) {
  using Real = TypeParam;
  for_each_of_all<Real>([](Live<Real>& live) {
    for (const std::int64_t rows : {0, 1, 37}) {
      for (const std::int64_t cols : {1, 7, 64}) {
        live.plan(rows + 1, cols);
        std::vector<Real> first_y, first_dx;
        for (const auto& [padding, offset] : {std::pair{0, 0}, {5, 0}, {16, 1}, {0, 3}}) {
          Grid<Real> x(rows, cols, padding, offset), y(rows, cols, padding + 2, offset + 1);
          Grid<Real> dy(rows, cols, padding, offset + 2), dx(rows, cols, padding + 1, offset);
          x.fill([](auto i, auto j) { return 8.0 * scatter(i, j); });
          dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
          const std::int64_t head = rows / 3;
          for (const auto& [first, count] :
               {std::pair{std::int64_t{0}, head}, {head, rows - head}}) {
            const aesweep_context context = make_context(40, static_cast<std::uint64_t>(first), 3);
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
        // Whole, and in place where it may.
        Grid<Real> x(rows, cols), dy(rows, cols);
        x.fill([](auto i, auto j) { return 8.0 * scatter(i, j); });
        dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
        const bool in_place = (live.component().flags & AESWEEP_IN_PLACE) != 0;
        const aesweep_context context = make_context(40, 0, 3);
        Grid<Real> other_y(rows, cols), other_dx(rows, cols);
        Grid<Real>&y = in_place ? x : other_y, &dx = in_place ? dy : other_dx;
        live.forward(context, x.in(), y.out());
        EXPECT_TRUE(same_bits(y.values(), first_y));
        const auto gradient = dx.out();
        live.backward(context, x.in(), y.in(), dy.in(), &gradient);
        EXPECT_TRUE(same_bits(dx.values(), first_dx));
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
