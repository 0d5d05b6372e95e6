// Proves the activations with few values and a surrogate gradient (binary, heaviside, dorefa):
// values, and each surrogate against its closed form in long double over all magnitudes.
#include "tests/plugins/activation_closed_form.hpp"

namespace aesweep::test {
namespace {

struct SurrogateCase {
  const char* name;
  Values given;
  LongFunction value;
  ClosedForm surrogate;
};

// As Larq prints it, but for cosh, which overflows: 1 + cosh(u) = (1 + e)^2 / (2 e).
Long swish_sign(Long x, Long beta) {
  const Long u = std::min(std::abs(beta * x), Long(2000)), e = std::exp(-u);
  return beta * (2 - u * std::tanh(u / 2)) * 2 * e / ((1 + e) * (1 + e));
}
Long swish_sign_size(Long x, Long beta) {
  const Long u = std::min(std::abs(beta * x), Long(2000)), e = std::exp(-u);
  return beta * (2 + u * std::tanh(u / 2)) * 2 * e / ((1 + e) * (1 + e));
}

const std::vector<SurrogateCase>& surrogates() {
  static const auto sign = [](Long x) { return x < 0 ? -1 : 1; };
  static const auto step = [](Long x) { return x > 0 ? 1 : 0; };
  static const auto window = [](Long clip) {
    return [clip](Long x) { return std::abs(x) <= clip ? 1 : 0; };
  };
  // Roundings: an exponential, the squares and quotients; sums with the result as their size, or
  // (swish) with that of their terms.
  static const std::vector<SurrogateCase> cases = {
      {"binary",
       {},
       sign,
       {[](Long x) {
          const Long e = std::exp(-2 * std::abs(x));
          return 4 * e / ((1 + e) * (1 + e));  // 1 - tanh(x)^2.
        },
        5.0}},
      {"binary", {{"surrogate", "identity"}}, sign, {[](Long) { return 1; }, 0.0}},
      {"binary", {{"surrogate", "clipped"}}, sign, {window(1), 0.0}},
      {"binary", {{"surrogate", "clipped"}, {"clip", 0.5}}, sign, {window(0.5L), 0.0}},
      {"binary",
       {{"surrogate", "swish"}, {"beta", 2.0}},
       sign,
       {[](Long x) { return swish_sign(x, 2); }, 8.0,
        [](Long x) { return swish_sign_size(x, 2); }}},
      {"binary",
       {{"surrogate", "approx"}},
       sign,
       {[](Long x) { return std::max(Long(0), 2 - 2 * std::abs(x)); }, 0.5}},
      {"heaviside", {}, step, {window(1), 0.0}},
      {"heaviside", {{"clip", 0.25}}, step, {window(0.25L), 0.0}}};
  return cases;
}

template <class Real>
class BinaryActivationOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(BinaryActivationOf, Scalars);

TYPED_TEST(BinaryActivationOf, ValuesAndSurrogatesMatchClosedForms) {
  using Real = TypeParam;
  for (const SurrogateCase& c : surrogates()) {
    SCOPED_TRACE(c.name + (c.given.empty() ? "" : " " + c.given[0].first));
    Live<Real> live(AESWEEP_ACTIVATION, c.name, c.given);
    expect_closed_forms(live, {c.value}, c.surrogate);
    EXPECT_EQ(live.component().flags,
              std::uint32_t{AESWEEP_ELEMENTWISE} | std::uint32_t{AESWEEP_SURROGATE});
  }
}

TYPED_TEST(BinaryActivationOf, DefaultsAreThePublishedOnes) {
  using Real = TypeParam;
  Live<Real> tanh(AESWEEP_ACTIVATION, "binary"),
      swish(AESWEEP_ACTIVATION, "binary", {{"surrogate", "swish"}});
  Grid<Real> x(1, 1), y(1, 1), one(1, 1), dx(1, 1);
  x.fill([](auto, auto) { return 0.0; });
  one.fill([](auto, auto) { return 1.0; });
  for (const auto& [live, slope] : {std::pair{&tanh, 1.0}, {&swish, 5.0}}) {
    live->plan(1, 1);
    live->forward(make_context(1), x.in(), y.out());
    const auto gradient = dx.out();
    live->backward(make_context(1), x.in(), y.in(), one.in(), &gradient);
    EXPECT_EQ(y.at(0, 0), Real(1));
    EXPECT_EQ(dx.at(0, 0), static_cast<Real>(slope));
  }
}

// round(n x) / n over x with halves, which go to the even neighbour, and beyond both ends.
TYPED_TEST(BinaryActivationOf, DoReFaRoundsToItsLevels) {
  using Real = TypeParam;
  for (const std::int64_t k_bit : {1, 2, 3, 8, 24}) {
    Live<Real> live(AESWEEP_ACTIVATION, "dorefa", {{"k_bit", k_bit}});
    const double n = std::exp2(static_cast<double>(k_bit)) - 1;
    const std::int64_t cols = 2 * 77;
    Grid<Real> x(1, cols), y(1, cols), one(1, cols), dx(1, cols);
    // Near m / n: off by an eighth of a step to either side, levels the same.
    const auto level = [&](std::int64_t j) {
      return std::clamp(std::floor(n * static_cast<double>(j / 2) / 76.0), 0.0, n);
    };
    x.fill([&](auto, auto j) { return (level(j) + (j % 2 == 0 ? 0.125 : -0.125)) / n; });
    one.fill([](auto, auto) { return 1.0; });
    live.plan(1, cols);
    live.forward(make_context(1), x.in(), y.out());
    const auto gradient = dx.out();
    live.backward(make_context(1), x.in(), y.in(), one.in(), &gradient);
    for (std::int64_t j = 0; j < cols; ++j) {
      // At 24 bits in single precision, x itself is off by up to half a step.
      if (k_bit < 24 || sizeof(Real) == 8) {
        EXPECT_EQ(y.at(0, j), static_cast<Real>(level(j)) / static_cast<Real>(n)) << k_bit;
      }
      EXPECT_EQ(dx.at(0, j), Real(x.at(0, j) >= 0 && x.at(0, j) <= 1 ? 1 : 0));
    }
  }
  // k_bit 1 has one half, 0.5; k_bit 2 has 1/6, 1/2 and 5/6, of which only 1/2 is exact.
  Live<Real> one_bit(AESWEEP_ACTIVATION, "dorefa", {{"k_bit", 1}}),
      two_bits(AESWEEP_ACTIVATION, "dorefa");
  Grid<Real> x(1, 6), y(1, 6);
  const double infinity = std::numeric_limits<double>::infinity();
  const double points[] = {0.5, -infinity, infinity, -3.0, 7.0, 1.0};
  x.fill([&](auto, auto j) { return points[j]; });
  one_bit.plan(1, 6).forward(make_context(1), x.in(), y.out());
  EXPECT_EQ(y.values(), (std::vector<Real>{0, 0, 1, 0, 1, 1}));
  two_bits.plan(1, 6).forward(make_context(1), x.in(), y.out());
  EXPECT_EQ(y.values(), (std::vector<Real>{Real(2) / 3, 0, 1, 0, 1, 1}));
  EXPECT_EQ(two_bits.component().flags,
            std::uint32_t{AESWEEP_ELEMENTWISE} | std::uint32_t{AESWEEP_SURROGATE});
}

}  // namespace
}  // namespace aesweep::test
