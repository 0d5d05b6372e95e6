// Proves the activations that draw numbers (bernoulli, noisy_sigmoid): the draws against those of
// an independent program (reference/random_activations.py), their statistics, which mode draws,
// that a row's draws follow its place in the global batch, and gradients.
#include "tests/plugins/activation_closed_form.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kUnits = 70;
constexpr std::uint64_t kFirstRow = 1000;

// The context of the reference program.
aesweep_context reference_context(std::uint64_t first_row = kFirstRow) {
  aesweep_context context = make_context(2000, first_row, 0x100000007);
  context.stream = 0x0123456789ABCDEF;
  return context;
}

aesweep_context evaluation_context() {
  aesweep_context context = reference_context();
  context.mode = AESWEEP_EVAL;
  return context;
}

// Printed by reference/random_activations.py: units with a uniform number below 1/2, and uniform
// and normal numbers of some units, for the rows 1000 and 1001.
constexpr const char* kBelowHalf[] = {
    "1111100110100000111000001110111000101001001001010110011001010101111011",
    "1001100101010100110000001110011001000110001101111100101100001010001100"};
constexpr std::int64_t kSomeUnits[] = {0, 1, 31, 32, 69};
constexpr double kUniforms[][5] = {{0.13887185, 0.02742529, 0.86675632, 0.85034257, 0.17268163},
                                   {0.11523426, 0.73759860, 0.84427589, 0.76524514, 0.64340270}};
constexpr double kNormals[][5] = {{1.957631296132566, 0.3407146954712975, -1.6997706008013287,
                                   0.045165069993037016, 1.125238289965251},
                                  {-0.16181980455803188, -2.072532437215484, -1.6694999876831969,
                                   0.22059446970106375, -0.29713523304515815}};

double logit(double p) { return std::log(p / (1.0 - p)); }

template <class Real>
class RandomActivationOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(RandomActivationOf, Scalars);

TYPED_TEST(RandomActivationOf, BernoulliFollowsTheReferenceDraws) {
  using Real = TypeParam;
  for (const bool is_signed : {false, true}) {
    Live<Real> live(AESWEEP_ACTIVATION, "bernoulli",
                    {{"values", is_signed ? "signed" : "zero_one"}});
    live.plan(2, kUnits);
    Grid<Real> x(2, kUnits, 3, 1), y(2, kUnits, 5, 2), last(1, kUnits);
    x.fill([](auto, auto) { return 0.0; });  // p = 1/2.
    live.forward(reference_context(), x.in(), y.out());
    for (std::int64_t i = 0; i < 2; ++i) {
      for (std::int64_t j = 0; j < kUnits; ++j) {
        const Real low = is_signed ? Real(-1) : Real(0);
        EXPECT_EQ(y.at(i, j), kBelowHalf[i][j] == '1' ? Real(1) : low) << i << " " << j;
      }
    }
    EXPECT_TRUE(y.canaries_intact());
    // The second row alone, as the first of another shard.
    live.forward(reference_context(kFirstRow + 1), x.in(1, 1), last.out());
    for (std::int64_t j = 0; j < kUnits; ++j) EXPECT_EQ(last.at(0, j), y.at(1, j));
  }
}

TYPED_TEST(RandomActivationOf, BernoulliComparesWithTheProbability) {
  using Real = TypeParam;
  Live<Real> live(AESWEEP_ACTIVATION, "bernoulli", {{"slope", 2.0}});
  live.plan(2, kUnits);
  // p a little above and below each known u: 1e-5 against its 8 digits and p's rounding.
  for (const double away : {1e-5, -1e-5}) {
    Grid<Real> x(2, kUnits), y(2, kUnits);
    x.fill([](auto, auto) { return 0.0; });
    for (std::int64_t i = 0; i < 2; ++i) {
      for (int k = 0; k < 5; ++k) {
        x.at(i, kSomeUnits[k]) = static_cast<Real>(logit(kUniforms[i][k] + away) / 2.0);
      }
    }
    live.forward(reference_context(), x.in(), y.out());
    for (std::int64_t i = 0; i < 2; ++i) {
      for (const std::int64_t unit : kSomeUnits) {
        EXPECT_EQ(y.at(i, unit), away > 0 ? Real(1) : Real(0)) << i << " " << unit;
      }
    }
  }
}

// y is high where u < p, and so low where they are equal: z whose probability, by sigmoid, is a
// unit's u are looked for among the neighbours of its logit.
TYPED_TEST(RandomActivationOf, BernoulliGivesLowWhereTheProbabilityIsTheDraw) {
  using Real = TypeParam;
  const std::int64_t candidates = 401;
  Live<Real> sigmoid(AESWEEP_ACTIVATION, "sigmoid"), live(AESWEEP_ACTIVATION, "bernoulli");
  sigmoid.plan(1, candidates);
  live.plan(1, kUnits);
  Grid<Real> z(1, candidates), p(1, candidates), x(1, kUnits), y(1, kUnits);
  x.fill([](auto, auto) { return 0.0; });
  int equal = 0;
  for (int k = 0; k < 5; ++k) {
    const double u = std::round(kUniforms[0][k] * 0x1p24) * 0x1p-24;
    z.fill([&](auto, auto j) {
      return logit(u) * (1.0 + static_cast<double>(j - 200) * kEpsilon<Real> / 2.0);
    });
    sigmoid.forward(make_context(1), z.in(), p.out());
    for (std::int64_t j = 0; j < candidates; ++j) {
      x.at(0, kSomeUnits[k]) = z.at(0, j);
      live.forward(reference_context(), x.in(), y.out());
      EXPECT_EQ(y.at(0, kSomeUnits[k]), static_cast<Real>(u) < p.at(0, j) ? Real(1) : Real(0));
      equal += p.at(0, j) == static_cast<Real>(u) ? 1 : 0;
    }
  }
  EXPECT_GT(equal, 0);
}

// Rows of 1000 units at p = 0.3: the number of ones is binomial, within 5 standard deviations; two
// steps, two streams and two rows differ in 2 p (1 - p) of the units.
TEST(RandomActivation, BernoulliDrawsAreIndependentWithTheRightMean) {
  const std::int64_t rows = 100, cols = 1000;
  const double n = static_cast<double>(rows * cols), p = 0.3, differ = 2 * p * (1 - p);
  Live<float> live(AESWEEP_ACTIVATION, "bernoulli");
  live.plan(rows, cols);
  Grid<float> x(rows, cols), y(rows, cols);
  x.fill([&](auto, auto) { return logit(p); });
  const auto draw = [&](const aesweep_context& context) {
    live.forward(context, x.in(), y.out());
    return y.values();
  };
  aesweep_context next = reference_context(), other = reference_context();
  next.step += 1;
  other.stream += 1;
  const auto first = draw(reference_context());
  double ones = 0;
  for (const float value : first) ones += value;
  EXPECT_NEAR(ones, p * n, 5 * std::sqrt(n * p * (1 - p)));
  for (const aesweep_context& context :
       {next, other, reference_context(kFirstRow + static_cast<std::uint64_t>(rows))}) {
    const auto second = draw(context);
    double unequal = 0;
    for (std::size_t i = 0; i < first.size(); ++i) unequal += first[i] != second[i];
    EXPECT_NEAR(unequal, differ * n, 5 * std::sqrt(n * differ * (1 - differ)));
  }
}

TYPED_TEST(RandomActivationOf, BernoulliIsAThresholdInEvaluation) {
  using Real = TypeParam;
  const Long least = std::numeric_limits<Real>::denorm_min();
  Live<Real> live(AESWEEP_ACTIVATION, "bernoulli", {{"values", "signed"}});
  const ClosedForm threshold{[](Long z) { return z >= 0 ? 1 : -1; }};
  const ClosedForm surrogate{[](Long z) {
                               const Long e = std::exp(-std::abs(z));
                               return 2 * e / ((1 + e) * (1 + e));
                             },
                             4.0};
  expect_closed_forms(live, threshold, surrogate, evaluation_context());
  Grid<Real> x(1, 2), y(1, 2);
  x.fill([&](auto, auto j) { return j == 0 ? -least : -0.0L; });
  live.plan(1, 2).forward(evaluation_context(), x.in(), y.out());
  EXPECT_EQ(y.values(), (std::vector<Real>{-1, 1}));
}

TYPED_TEST(RandomActivationOf, BernoulliHasTheSlopeOfItsMean) {
  using Real = TypeParam;
  Live<Real> live(AESWEEP_ACTIVATION, "bernoulli", {{"slope", 2.0}});
  EXPECT_EQ(live.component().flags,
            std::uint32_t{AESWEEP_RANDOM} | std::uint32_t{AESWEEP_SURROGATE});
  const std::int64_t cols = 41;
  Grid<Real> x(1, cols), y(1, cols), dy(1, cols), dx(1, cols);
  live.plan(1, cols);
  x.fill([](auto, auto j) { return 0.5 * static_cast<double>(j - 20); });
  dy.fill([](auto, auto j) { return scatter(0, j); });
  live.forward(reference_context(), x.in(), y.out());
  const auto gradient = dx.out();
  live.backward(reference_context(), x.in(), y.in(), dy.in(), &gradient);
  for (std::int64_t j = 0; j < cols; ++j) {
    const double z = 2.0 * static_cast<double>(x.at(0, j)), e = std::exp(-std::abs(z));
    const double expected = 2.0 * e / ((1 + e) * (1 + e)) * static_cast<double>(dy.at(0, j));
    EXPECT_NEAR(dx.at(0, j), expected, 6.0 * kEpsilon<Real> * std::abs(expected));
    EXPECT_TRUE(y.at(0, j) == Real(0) || y.at(0, j) == Real(1));
  }
}

TYPED_TEST(RandomActivationOf, InfinitiesAreCertain) {
  using Real = TypeParam;
  const double infinity = std::numeric_limits<double>::infinity();
  for (const char* name : {"bernoulli", "noisy_sigmoid"}) {
    Live<Real> live(AESWEEP_ACTIVATION, name);
    Grid<Real> x(2, 64), y(2, 64);
    x.fill([&](auto i, auto) { return i == 0 ? -infinity : infinity; });
    live.plan(2, 64);
    for (const aesweep_context& context : {reference_context(), evaluation_context()}) {
      live.forward(context, x.in(), y.out());
      for (std::int64_t j = 0; j < 64; ++j) {
        EXPECT_EQ(y.at(0, j), Real(0));
        EXPECT_EQ(y.at(1, j), Real(1));
      }
    }
  }
}

TYPED_TEST(RandomActivationOf, NoisySigmoidAddsTheReferenceNormals) {
  using Real = TypeParam;
  const double sigma = 0.5, z = 0.25;
  Live<Real> live(AESWEEP_ACTIVATION, "noisy_sigmoid", {{"sigma", sigma}});
  live.plan(2, kUnits);
  Grid<Real> x(2, kUnits, 1, 1), y(2, kUnits, 2, 3);
  x.fill([&](auto, auto) { return z; });
  live.forward(reference_context(), x.in(), y.out());
  for (std::int64_t i = 0; i < 2; ++i) {
    for (int k = 0; k < 5; ++k) {
      const double expected = 1.0 / (1.0 + std::exp(-(z + sigma * kNormals[i][k])));
      // Three roundings of the argument, which is below 2, and three of the result.
      EXPECT_NEAR(y.at(i, kSomeUnits[k]), expected, 8.0 * kEpsilon<Real> * expected);
    }
  }
}

// 100,000 numbers: mean and variance within 5 standard deviations of theirs, 1 / sqrt(n) and
// sqrt(2 / n).
TEST(RandomActivation, NoisySigmoidHasTheMomentsOfItsNoise) {
  const std::int64_t rows = 100, cols = 1000;
  const double n = static_cast<double>(rows * cols);
  Live<double> live(AESWEEP_ACTIVATION, "noisy_sigmoid", {{"sigma", 2.0}});
  live.plan(rows, cols);
  Grid<double> x(rows, cols), y(rows, cols);
  x.fill([](auto, auto) { return 1.0; });
  live.forward(reference_context(), x.in(), y.out());
  double sum = 0, squares = 0;
  for (const double value : y.values()) {
    const double noise = (logit(value) - 1.0) / 2.0;
    sum += noise;
    squares += noise * noise;
  }
  EXPECT_NEAR(sum / n, 0.0, 5.0 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1.0, 5.0 * std::sqrt(2.0 / n));
}

TYPED_TEST(RandomActivationOf, NoisySigmoidIsSigmoidInEvaluation) {
  using Real = TypeParam;
  Live<Real> live(AESWEEP_ACTIVATION, "noisy_sigmoid", {{"sigma", 3.0}});
  const auto sigmoid = [](Long x) { return 1 / (1 + std::exp(-x)); };
  const auto slope = [](Long x) {
    const Long e = std::exp(-std::abs(x));
    return e / ((1 + e) * (1 + e));
  };
  // The slope is y (1 - y), whose difference has the rounding of y.
  expect_closed_forms(live, {sigmoid, 3.0}, {slope, 4.0, sigmoid}, evaluation_context());
}

TEST(RandomActivation, NoisySigmoidGradientMatchesDifferencesAtTheNoisyPoint) {
  const std::int64_t rows = 3, cols = 37;
  Live<double> live(AESWEEP_ACTIVATION, "noisy_sigmoid", {{"sigma", 1.5}});
  live.plan(rows, cols);
  Grid<double> x(rows, cols), y(rows, cols), dy(rows, cols), dx(rows, cols);
  x.fill([](auto i, auto j) { return 2.0 * scatter(i, j); });
  dy.fill([](auto i, auto j) { return scatter(i, j, 1); });
  live.forward(reference_context(), x.in(), y.out());
  const auto gradient = dx.out();
  live.backward(reference_context(), x.in(), y.in(), dy.in(), &gradient);
  const auto probe = [&](std::span<const double> point) {
    Grid<double> at(rows, cols), out(rows, cols);
    at.fill([&](auto i, auto j) { return point[static_cast<std::size_t>(i * cols + j)]; });
    live.forward(reference_context(), at.in(), out.out());
    double sum = 0.0;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) sum += dy.at(i, j) * out.at(i, j);
    }
    return sum;
  };
  EXPECT_TRUE(gradient_matches(probe, x.values(), dx.values(),
                               {.roundings = rows * cols, .magnitude = 1.0 * rows * cols}));
}

}  // namespace
}  // namespace aesweep::test
