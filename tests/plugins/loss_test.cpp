// Proves the losses that add a term per element (mse, binary_cross_entropy, huber, squared_hinge):
// closed forms at awkward points, long double sums, gradients against differences, shares that add
// up over shards, bits free of layout, and bad predictions. cross_entropy has a test of its own.
#include "tests/plugins/loss_live.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

struct LossCase {
  const char* name;
  Values given;
  // Term and derivative of one element, before the division by the count.
  std::function<long double(long double, long double)> term;
  std::function<long double(long double, long double)> derivative;
  bool probabilities;
  bool over_features;
  bool signs = false;  // Targets are -1 and 1.
};

const std::vector<LossCase>& losses() {
  using L = long double;
  const auto square = [](L p, L t) { return (p - t) * (p - t); };
  const auto twice = [](L p, L t) { return 2.0L * (p - t); };
  const auto entropy = [](L p, L t) {
    return -(t * std::max(std::log(p), -100.0L) + (1.0L - t) * std::max(std::log1p(-p), -100.0L));
  };
  const auto ratio = [](L p, L t) { return (p - t) / std::max(p * (1.0L - p), 1e-12L); };
  const auto logits = [](L z, L t) {
    return std::max(z, 0.0L) - z * t + std::log1p(std::exp(-std::abs(z)));
  };
  const auto excess = [](L z, L t) { return 1.0L / (1.0L + std::exp(-z)) - t; };
  const auto huber = [](L delta) {
    return [delta](L p, L t) {
      const L e = std::abs(p - t);
      return e <= delta ? e * e / 2 : delta * (e - delta / 2);
    };
  };
  const auto cut = [](L delta) {
    return [delta](L p, L t) { return std::clamp(p - t, -delta, delta); };
  };
  const auto hinge = [](L p, L s) { return std::pow(std::max(0.0L, 1 - s * p), 2); };
  const auto push = [](L p, L s) { return -2 * s * std::max(0.0L, 1 - s * p); };
  const auto unit_hinge = [=](L p, L t) { return hinge(p, 2 * t - 1); };
  const auto unit_push = [=](L p, L t) { return push(p, 2 * t - 1); };
  static const std::vector<LossCase> cases = {
      {"huber", {}, huber(1), cut(1), false, true},
      {"huber",
       {{"delta", 0.25}, {"reduction", "row_sum"}},
       huber(0.25L),
       cut(0.25L),
       false,
       false},
      {"squared_hinge", {}, hinge, push, false, true, true},
      {"squared_hinge", {{"targets", "unit"}}, unit_hinge, unit_push, false, true},
      {"squared_hinge",
       {{"targets", "unit"}, {"reduction", "row_sum"}},
       unit_hinge,
       unit_push,
       false,
       false},
      {"mse", {}, square, twice, false, true},
      {"mse", {{"reduction", "row_sum"}}, square, twice, false, false},
      {"binary_cross_entropy", {}, entropy, ratio, true, true},
      {"binary_cross_entropy", {{"reduction", "row_sum"}}, entropy, ratio, true, false},
      {"binary_cross_entropy", {{"from_logits", 1}}, logits, excess, false, true},
      {"binary_cross_entropy",
       {{"from_logits", 1}, {"reduction", "row_sum"}},
       logits,
       excess,
       false,
       false}};
  return cases;
}

template <class Real>
class LossOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(LossOf, Scalars);

double prediction(const LossCase& c, std::int64_t i, std::int64_t j) {
  const double z = scatter(i, j, 1);
  return c.probabilities ? 0.02 + 0.48 * (z + 1.0) : 3.0 * z;
}
double target(const LossCase& c, std::int64_t i, std::int64_t j) {
  const double z = scatter(i, j, 2);
  return c.signs ? std::copysign(1.0, z) : 0.5 * (z + 1.0);
}

TYPED_TEST(LossOf, MatchesLongDoubleOnAnyLayoutWithEqualBits) {
  using Real = TypeParam;
  for (const LossCase& c : losses()) {
    for (const std::int64_t rows : {0, 1, 37}) {
      for (const std::int64_t cols : {1, 7, 64}) {
        SCOPED_TRACE(std::string(c.name) + " " + std::to_string(rows) + " x " +
                     std::to_string(cols));
        LossLive<Real> live(c.name, c.given);
        live.plan(37, cols, cols);
        const double count = 40.0 * (c.over_features ? static_cast<double>(cols) : 1.0);
        double first_value = 0.0;
        std::vector<Real> first_gradient;
        for (const auto& [padding, offset] : {std::pair{0, 0}, {5, 1}, {16, 3}}) {
          Grid<Real> p(rows, cols, padding, offset), t(rows, cols, padding + 1, offset + 1);
          Grid<Real> g(rows, cols, padding + 2, offset + 2);
          p.fill([&](auto i, auto j) { return prediction(c, i, j); });
          t.fill([&](auto i, auto j) { return target(c, i, j); });
          const auto out = g.out();
          const double value = live.evaluate(make_context(40), p.in(), t.in(), &out);
          EXPECT_EQ(live.evaluate(make_context(40), p.in(), t.in()), value);
          EXPECT_TRUE(p.canaries_intact() && t.canaries_intact() && g.canaries_intact());
          if (offset == 0) {
            first_value = value;
            first_gradient = g.values();
          }
          EXPECT_EQ(value, first_value);
          EXPECT_TRUE(same_bits(g.values(), first_gradient));
          // Each term, of at most 9 here, has at most 8 roundings in Real; sums are in double.
          long double sum = 0;
          for (std::int64_t i = 0; i < rows; ++i) {
            for (std::int64_t j = 0; j < cols; ++j) {
              sum += c.term(p.at(i, j), t.at(i, j));
              const double expected = static_cast<double>(c.derivative(p.at(i, j), t.at(i, j)));
              EXPECT_NEAR(g.at(i, j), expected / count,
                          8.0 * kEpsilon<Real> * std::max(1.0, std::abs(expected)) / count);
            }
          }
          EXPECT_NEAR(value, static_cast<double>(sum) / count,
                      8.0 * kEpsilon<Real> * 9.0 * static_cast<double>(rows * cols) / count);
        }
      }
    }
  }
}

TEST(Loss, GradientMatchesDifferences) {
  const std::int64_t rows = 5, cols = 7;
  for (const LossCase& c : losses()) {
    SCOPED_TRACE(c.name);
    LossLive<double> live(c.name, c.given);
    live.plan(rows, cols, cols);
    Grid<double> p(rows, cols), t(rows, cols), g(rows, cols);
    p.fill([&](auto i, auto j) { return prediction(c, i, j); });
    t.fill([&](auto i, auto j) { return target(c, i, j); });
    const auto out = g.out();
    live.evaluate(make_context(rows), p.in(), t.in(), &out);
    const auto loss = [&](std::span<const double> point) {
      Grid<double> at(rows, cols);
      at.fill([&](auto i, auto j) { return point[static_cast<std::size_t>(i * cols + j)]; });
      return live.evaluate(make_context(rows), at.in(), t.in());
    };
    EXPECT_TRUE(gradient_matches(loss, p.values(), g.values()));
  }
}

TYPED_TEST(LossOf, SharesOfShardsAddUp) {
  using Real = TypeParam;
  const std::int64_t rows = 37, cols = 7;
  for (const LossCase& c : losses()) {
    LossLive<Real> live(c.name, c.given);
    live.plan(rows, cols, cols);
    Grid<Real> p(rows, cols), t(rows, cols), whole(rows, cols), parts(rows, cols);
    p.fill([&](auto i, auto j) { return prediction(c, i, j); });
    t.fill([&](auto i, auto j) { return target(c, i, j); });
    const auto out = whole.out();
    const double value = live.evaluate(make_context(rows), p.in(), t.in(), &out);
    double sum = 0.0;
    for (std::int64_t first = 0; first < rows; first += 8) {
      const std::int64_t count = std::min<std::int64_t>(8, rows - first);
      const auto part = parts.out(first, count);
      sum += live.evaluate(make_context(rows, static_cast<std::uint64_t>(first)),
                           p.in(first, count), t.in(first, count), &part);
    }
    EXPECT_NEAR(sum, value, 300.0 * kEpsilon<double> * value);  // Two orders of 259 doubles.
    EXPECT_TRUE(same_bits(whole.values(), parts.values()));
  }
}

TYPED_TEST(LossOf, CrossEntropyFollowsPytorchAtTheEnds) {
  using Real = TypeParam;
  LossLive<Real> live("binary_cross_entropy", {{"reduction", "row_sum"}});
  live.plan(1, 1, 1);
  struct End {
    double p, t, value, gradient;
  };
  const std::vector<End> ends = {{0.0, 0.0, 0.0, 0.0},     {1.0, 1.0, 0.0, 0.0},
                                 {0.0, 1.0, 100.0, -1e12}, {1.0, 0.0, 100.0, 1e12},
                                 {0.0, 0.5, 50.0, -5e11},  {0.5, 0.5, std::log(2.0), 0.0}};
  for (const End& end : ends) {
    Grid<Real> p(1, 1), t(1, 1), g(1, 1);
    p.at(0, 0) = static_cast<Real>(end.p);
    t.at(0, 0) = static_cast<Real>(end.t);
    const auto out = g.out();
    EXPECT_NEAR(live.evaluate(make_context(1), p.in(), t.in(), &out), end.value,
                4.0 * kEpsilon<Real> * end.value);
    EXPECT_NEAR(g.at(0, 0), end.gradient, 4.0 * kEpsilon<Real> * std::abs(end.gradient));
  }
}

TYPED_TEST(LossOf, HuberAndHingeAtTheEnds) {
  using Real = TypeParam;
  const double infinity = std::numeric_limits<double>::infinity();
  struct End {
    const char* name;
    double p, t, value, gradient;
  };
  const std::vector<End> ends = {{"huber", 2.0, 1.0, 0.5, 1.0},  // |e| = delta.
                                 {"huber", 1e30, 0.0, 1e30 - 0.5, 1.0},
                                 {"huber", -infinity, 0.0, infinity, -1.0},
                                 {"squared_hinge", 1.0, 1.0, 0.0, 0.0},
                                 {"squared_hinge", 0.0, -1.0, 1.0, 2.0},
                                 {"squared_hinge", -3.0, 1.0, 16.0, -8.0},
                                 {"squared_hinge", infinity, 1.0, 0.0, 0.0},
                                 {"squared_hinge", infinity, -1.0, infinity, infinity}};
  for (const End& end : ends) {
    SCOPED_TRACE(end.name + std::to_string(end.p));
    LossLive<Real> live(end.name, {});
    live.plan(1, 1, 1);
    Grid<Real> p(1, 1), t(1, 1), g(1, 1);
    p.at(0, 0) = static_cast<Real>(end.p);
    t.at(0, 0) = static_cast<Real>(end.t);
    const auto out = g.out();
    const double value = live.evaluate(make_context(1), p.in(), t.in(), &out);
    if (std::isinf(end.value)) {
      EXPECT_EQ(value, end.value);
    } else {
      EXPECT_NEAR(value, end.value, kEpsilon<Real> * end.value);
    }
    EXPECT_EQ(g.at(0, 0), static_cast<Real>(end.gradient));
  }
}

// One-hot rows cost what rows of -1 and 1 do.
TYPED_TEST(LossOf, HingeOfUnitTargetsIsThatOfSignedOnes) {
  using Real = TypeParam;
  const std::int64_t rows = 7, cols = 10;
  LossLive<Real> of_unit("squared_hinge", {{"targets", "unit"}}), of_signed("squared_hinge", {});
  of_unit.plan(rows, cols, cols);
  of_signed.plan(rows, cols, cols);
  Grid<Real> p(rows, cols), hot(rows, cols), ends(rows, cols), a(rows, cols), b(rows, cols);
  p.fill([](auto i, auto j) { return 2.0 * scatter(i, j); });
  hot.fill([](auto i, auto j) { return j == 3 * i % 10 ? 1.0 : 0.0; });
  ends.fill([](auto i, auto j) { return j == 3 * i % 10 ? 1.0 : -1.0; });
  const auto out_a = a.out(), out_b = b.out();
  EXPECT_EQ(of_unit.evaluate(make_context(rows), p.in(), hot.in(), &out_a),
            of_signed.evaluate(make_context(rows), p.in(), ends.in(), &out_b));
  EXPECT_TRUE(same_bits(a.values(), b.values()));
}

// The one-hot rows of labels, above all, are no signed targets. Between signs, and in a row's last
// chunk, too.
TYPED_TEST(LossOf, HingeNamesTheFirstTargetThatIsNotASign) {
  using Real = TypeParam;
  const auto answer = [](const std::string& targets, double bad, double& value) {
    LossLive<Real> live("squared_hinge", {{"targets", targets}});
    live.plan(3, 37, 37);
    Grid<Real> p(3, 37), t(3, 37);
    p.fill([](auto i, auto j) { return scatter(i, j); });
    t.fill([&](auto i, auto j) {
      return i > 0 && j == 36 ? bad : std::copysign(1.0, scatter(i, j, 1));
    });
    ErrorText error;
    const aesweep_context context = make_context(3);
    const auto in = p.in(), aim = t.in();
    const auto& table = live.template table<typename sdk::Abi<Real>::LossTable>();
    const std::int32_t status = table.evaluate(live.instance(), &context, &live.memory(), &in, &aim,
                                               nullptr, &value, nullptr, &error.error);
    EXPECT_EQ(status, error.str().empty() ? AESWEEP_OK : AESWEEP_NUMERIC);
    return error.str();
  };
  const auto place = [](const char* shown) {
    return std::string("target ") + shown +
           " (row 1, column 36) is neither -1 nor 1: for targets of 0 and 1 set targets: unit";
  };
  double value = 0.0;
  EXPECT_EQ(answer("signed", 0.0, value), place("0"));
  EXPECT_EQ(answer("signed", 0.5, value), place("0.5"));
  EXPECT_EQ(answer("signed", 2.0, value), place("2"));
  EXPECT_EQ(answer("signed", -std::numeric_limits<double>::infinity(), value), place("-inf"));
  EXPECT_EQ(answer("unit", 0.5, value), "");
  EXPECT_EQ(answer("signed", -1.0, value), "");
  EXPECT_TRUE(std::isfinite(value));
  EXPECT_EQ(answer("signed", std::nan(""), value), "") << "a diverged run, not a wrong one";
  EXPECT_TRUE(std::isnan(value));
}

TYPED_TEST(LossOf, LogitsStayFiniteFarOut) {
  using Real = TypeParam;
  LossLive<Real> live("binary_cross_entropy", {{"from_logits", 1}});
  live.plan(1, 4, 4);
  Grid<Real> z(1, 4), t(1, 4), g(1, 4);
  const double far[] = {1000.0, -1000.0, 1000.0, -1000.0}, wanted[] = {1.0, 0.0, 0.0, 1.0};
  z.fill([&](auto, auto j) { return far[j]; });
  t.fill([&](auto, auto j) { return wanted[j]; });
  const auto out = g.out();
  EXPECT_EQ(live.evaluate(make_context(1), z.in(), t.in(), &out), 500.0);
  const double expected[] = {0.0, 0.0, 0.25, -0.25};
  for (std::int64_t j = 0; j < 4; ++j) {
    EXPECT_NEAR(g.at(0, j), expected[j], 1e-37);  // exp is cut off near the smallest number.
  }
}

TYPED_TEST(LossOf, NanPassesAndImpossibleProbabilitiesAreNamed) {
  using Real = TypeParam;
  for (const LossCase& c : losses()) {
    LossLive<Real> live(c.name, c.given);
    live.plan(2, 40, 40);
    Grid<Real> p(2, 40), t(2, 40);
    p.fill([&](auto i, auto j) { return prediction(c, i, j); });
    t.fill([&](auto i, auto j) { return target(c, i, j); });
    p.at(1, 35) = static_cast<Real>(std::nan(""));
    EXPECT_TRUE(std::isnan(live.evaluate(make_context(2), p.in(), t.in())));
    if (!c.probabilities) continue;
    for (const auto& [bad, name] : {std::pair{-0.25, "-0.25"}, {1.5, "1.5"}}) {
      p.at(1, 35) = static_cast<Real>(bad);
      ErrorText error;
      double value = 0.0;
      const aesweep_context context = make_context(2);
      const auto in = p.in(), aim = t.in();
      const auto& table = live.template table<typename sdk::Abi<Real>::LossTable>();
      EXPECT_EQ(table.evaluate(live.instance(), &context, &live.memory(), &in, &aim, nullptr,
                               &value, nullptr, &error.error),
                AESWEEP_NUMERIC);
      EXPECT_EQ(error.str(), std::string("prediction ") + name +
                                 " (row 1, column 35) is not in [0, 1]: end the network with "
                                 "sigmoid, or set from_logits: true");
    }
  }
}

TEST(Loss, RefusesUnequalWidths) {
  for (const char* name :
       {"mse", "binary_cross_entropy", "cross_entropy", "huber", "squared_hinge"}) {
    Live<float> live(AESWEEP_LOSS, name);
    ErrorText error;
    EXPECT_EQ(live.try_plan(4, 10, 784, error), AESWEEP_INVALID_SHAPE);
    EXPECT_EQ(error.str(),
              "the prediction has 10 columns and the target 784: give the last layer that width "
              "(units: 0 does)");
  }
}

}  // namespace
}  // namespace aesweep::test
