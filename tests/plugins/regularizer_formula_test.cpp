// Proves the formulas of hoyer, softmax_kl, bit_balance, decorrelation and contractive on data
// whose values are known in closed form, their behaviour at extremes, and what they refuse.
#include <algorithm>

#include "tests/plugins/penalty_batch.hpp"

namespace aesweep::test {
namespace {

template <class Real>
class FormulaOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FormulaOf, Scalars);

template <class Real>
Grid<Real> grid(const std::vector<std::vector<double>>& rows) {
  Grid<Real> y(static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size()), 3,
               1);
  y.fill([&](auto i, auto j) {
    return rows[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
  });
  return y;
}

// --- hoyer ---

TYPED_TEST(FormulaOf, HoyerIsTheRatioOfNormsAndIgnoresScaleAndZeroRows) {
  using Real = TypeParam;
  // Norms 7 and 5; 2 and sqrt 2; 3 and 3; none.
  for (const double scale : {1.0, 0x1p-60, 0x1p60}) {
    const Grid<Real> y = grid<Real>(
        {{3.0 * scale, 0.0, -4.0 * scale}, {scale, scale, 0.0}, {0.0, 3.0, 0.0}, {0, 0, 0}});
    for (const bool square : {false, true}) {
      for (const bool mean : {false, true}) {
        PenaltyLive<Real> live("hoyer", {{"coefficient", 0.5},
                                         {"form", square ? "square" : "ratio"},
                                         {"reduction", mean ? "mean" : "sum"}});
        live.plan(4, 3);
        const auto [value, gradient] = over_shards(live, y, 2);
        const double c = mean ? 0.125 : 0.5;
        const double sum = square ? 1.96 + 2.0 + 1.0 : 1.4 + std::sqrt(2.0) + 1.0;
        EXPECT_NEAR(value, c * sum, 16.0 * kEpsilon<double> * c * sum);
        // ratio: (sign x - x L1 / L2^2) / L2; square: 2 L1 / L2^2 times the bracket.
        const double factor = c / scale * (square ? 14.0 / 25.0 : 1.0 / 5.0);
        const double expected[] = {factor * (1.0 - 21.0 / 25.0), 0.0,
                                   factor * (-1.0 + 28.0 / 25.0)};
        for (std::size_t j = 0; j < 3; ++j) {
          EXPECT_NEAR(
              gradient[j], expected[j],
              2.0 * kEpsilon<Real> * std::abs(expected[j]) + 16.0 * kEpsilon<double> * factor);
        }
        for (std::size_t j = 9; j < 12; ++j) EXPECT_EQ(gradient[j], Real(0)) << "a zero row";
      }
    }
  }
}

TYPED_TEST(FormulaOf, HoyerTakesRowsBelowTheSmallestNormalNumberAsZero) {
  using Real = TypeParam;
  const double tiny = std::numeric_limits<Real>::denorm_min();
  PenaltyLive<Real> live("hoyer", {{"coefficient", 1.0}});
  live.plan(1, 2);
  const auto [value, gradient] = over_shards(live, grid<Real>({{tiny, tiny}}), 1);
  EXPECT_EQ(value, 0.0);
  EXPECT_EQ(gradient, (std::vector<Real>{0, 0}));
  const auto large =
      over_shards(live, grid<Real>({{std::numeric_limits<Real>::max() / 4, 0.0}}), 1);
  EXPECT_EQ(large.value, 1.0) << "no square overflows";
  const Real infinity = std::numeric_limits<Real>::infinity();
  EXPECT_TRUE(std::isnan(over_shards(live, grid<Real>({{infinity, 1.0}}), 1).value));
}

// --- softmax_kl ---

double kl(double rho, double r) {
  return rho * std::log(rho / r) + (1.0 - rho) * std::log((1.0 - rho) / (1.0 - r));
}

TYPED_TEST(FormulaOf, SoftmaxKlIsThatOfOneInTheBatchAndHasNoGradient) {
  using Real = TypeParam;
  constexpr std::int64_t kRows = 13, kCols = 7;
  constexpr double kCoefficient = 3.0, kRho = 0.05;
  for (const bool divided : {false, true}) {
    for (const double size : {0.0, 1.0, 1000.0}) {  // exp(1000) is beyond double.
      PenaltyLive<Real> live("softmax_kl",
                             {{"coefficient", kCoefficient}, {"divide_by_batch", divided}});
      live.plan(kRows, kCols);
      Grid<Real> y(kRows, kCols, 3, 1);
      y.fill([&](auto i, auto j) { return size * scatter(i, j); });
      const double scale = kCoefficient / (divided ? double{kRows} : 1.0);
      const double expected = scale * kCols * kl(kRho, 1.0 / kRows);
      for (const std::int64_t shards : {1, 5}) {
        const auto [value, gradient] = over_shards(live, y, shards);
        // r is a sum of 13 quotients of which each has the error of the sum in it.
        EXPECT_NEAR(value, expected, 30.0 * kEpsilon<double> * scale * kCols);
        // The factor is at most rho N / N in each unit; 1 - sum of shares is such an error.
        for (const Real g : gradient) EXPECT_NEAR(g, 0.0, 30.0 * kEpsilon<double> * scale);
      }
    }
  }
}

// With shares that do not add up to 1 in place of those of the round, the gradient is what the
// chain rule through the softmax makes of them: it is computed, not left out.
TYPED_TEST(FormulaOf, SoftmaxKlTakesItsGradientFromTheSums) {
  using Real = TypeParam;
  constexpr double kRho = 0.25, kShares = 0.5;
  const Grid<Real> y = grid<Real>({{0.0}, {1.0}, {-2.0}, {0.5}});
  PenaltyLive<Real> live("softmax_kl", {{"coefficient", 2.0}, {"rho", kRho}});
  live.plan(4, 1);
  (void)over_shards(live, y, 2);
  live.statistics(2)[0] = kShares;
  Grid<Real> gradient(4, 1);
  gradient.fill([](auto, auto) { return 0.0; });
  const auto out = gradient.out();
  const double value = live.on_activations(make_context(4), y.in(), &out);
  const double r = kShares / 4.0;
  EXPECT_NEAR(value, 2.0 * kl(kRho, r), 16.0 * kEpsilon<double>);
  const double slope = 2.0 / 4.0 * ((1.0 - kRho) / (1.0 - r) - kRho / r);
  const double sum = 1.0 + std::exp(1.0) + std::exp(-2.0) + std::exp(0.5);
  for (std::int64_t i = 0; i < 4; ++i) {
    const double share = std::exp(static_cast<double>(y.at(i, 0))) / sum;
    EXPECT_NEAR(gradient.at(i, 0), share * (slope - kShares * slope), 8.0 * kEpsilon<Real>);
  }
}

TYPED_TEST(FormulaOf, SoftmaxKlOfOneRowIsFiniteAndOfInfinitiesIsNot) {
  using Real = TypeParam;
  PenaltyLive<Real> live("softmax_kl", {{"coefficient", 1.0}});
  live.plan(3, 2);
  const double one = over_shards(live, grid<Real>({{0.5, 0.0}}), 1).value;
  const double largest = 1.0 - 1e-12;  // Where r is held; 1 - r keeps four digits there.
  EXPECT_NEAR(one, 2.0 * kl(0.05, largest), 1e-3);
  const double infinity = std::numeric_limits<Real>::infinity();
  EXPECT_TRUE(std::isfinite(over_shards(live, grid<Real>({{0, -infinity}, {1, 0}}), 1).value));
  for (const double bad : {infinity, static_cast<double>(std::nan(""))}) {
    EXPECT_TRUE(std::isnan(over_shards(live, grid<Real>({{0, bad}, {1, 0}}), 1).value)) << bad;
  }
  EXPECT_TRUE(std::isnan(over_shards(live, grid<Real>({{-infinity, 0}, {-infinity, 1}}), 1).value));
}

// --- bit_balance ---

TYPED_TEST(FormulaOf, BitBalanceIsTheSquareOfTheMeansDistanceFromTheMiddle) {
  using Real = TypeParam;
  // Means 0, 1/2, 1, -1.
  const Grid<Real> y = grid<Real>({{1, 1, 1, -1}, {-1, 1, 1, -1}, {1, 1, 1, -1}, {-1, -1, 1, -1}});
  for (const bool mean : {false, true}) {
    const double scale = mean ? 0.5 : 2.0;
    PenaltyLive<Real> live("bit_balance",
                           {{"coefficient", 2.0}, {"reduction", mean ? "mean" : "sum"}});
    live.plan(4, 4);
    const auto [value, gradient] = over_shards(live, y, 3);
    EXPECT_EQ(value, scale * (0.0 + 0.25 + 1.0 + 1.0));
    for (std::size_t i = 0; i < 4; ++i) {
      const double expected[] = {0.0, 0.5, 1.0, -1.0};
      for (std::size_t j = 0; j < 4; ++j) {
        EXPECT_EQ(gradient[4 * i + j], static_cast<Real>(scale * 2.0 * expected[j] / 4.0));
      }
    }
  }
  // The same bits in [0, 1]: the same value, and twice the slope.
  Grid<Real> unit(4, 4);
  unit.fill([&](auto i, auto j) { return 0.5 * (1.0 + static_cast<double>(y.at(i, j))); });
  PenaltyLive<Real> live("bit_balance", {{"coefficient", 2.0}, {"range", "unit"}});
  live.plan(4, 4);
  const auto [value, gradient] = over_shards(live, unit, 1);
  EXPECT_EQ(value, 2.0 * 2.25);
  EXPECT_EQ(gradient[1], Real(2.0 * 2.0 * 2.0 * 0.5 / 4.0));
}

// --- decorrelation ---

TYPED_TEST(FormulaOf, DecorrelationAddsSquaredCovariancesOffTheDiagonal) {
  using Real = TypeParam;
  // Unit 1 is twice unit 0, unit 2 is independent of both, unit 3 never changes. Far from zero, so
  // that raw products would cancel.
  const double far = 1024.0;
  const Grid<Real> y = grid<Real>(
      {{far + 1, 2, 1, 5}, {far - 1, -2, 1, 5}, {far + 1, 2, -1, 5}, {far - 1, -2, -1, 5}});
  PenaltyLive<Real> covariance("decorrelation", {{"coefficient", 3.0}});
  covariance.plan(4, 4);
  const auto [value, gradient] = over_shards(covariance, y, 2);
  EXPECT_EQ(value, 3.0 * 2.0 * 4.0) << "C(0, 1) = 2, twice";
  // 4 c / N sum over j != i of C(i, j) (x_j - mean_j)
  for (std::size_t i = 0; i < 4; ++i) {
    const double side = i % 2 == 0 ? 1.0 : -1.0;
    EXPECT_EQ(gradient[4 * i], static_cast<Real>(3.0 * 2.0 * 2.0 * side));
    EXPECT_EQ(gradient[4 * i + 1], static_cast<Real>(3.0 * 2.0 * side));
    EXPECT_EQ(gradient[4 * i + 2], Real(0));
    EXPECT_EQ(gradient[4 * i + 3], Real(0));
  }
  PenaltyLive<Real> correlation(
      "decorrelation",
      {{"coefficient", 3.0}, {"form", "correlation"}, {"epsilon", 1e-12}, {"reduction", "mean"}});
  correlation.plan(4, 4);
  const auto normalized = over_shards(correlation, y, 1);
  EXPECT_NEAR(normalized.value, 3.0 * 2.0 / 12.0, 1e-10) << "the correlation is 1, of 12 pairs";
  for (const Real g : normalized.gradient) {
    EXPECT_NEAR(g, 0.0, 4.0 * kEpsilon<Real> + 1e-10) << "and cannot grow";
  }
}

TEST(Formula, DecorrelationOfOneUnitIsZeroAndOfTooManyIsRefused) {
  PenaltyLive<float> live("decorrelation", {{"coefficient", 1.0}, {"reduction", "mean"}});
  live.plan(3, 1);
  const auto [value, gradient] = over_shards(live, grid<float>({{1}, {2}, {7}}), 1);
  EXPECT_EQ(value, 0.0);
  EXPECT_EQ(gradient, (std::vector<float>{0, 0, 0}));
  ErrorText error;
  EXPECT_EQ(live.try_plan(1, 2049, 0, error), AESWEEP_INVALID_SHAPE);
  EXPECT_EQ(error.str(),
            "decorrelation of 2049 units would exchange 32 MiB of covariances in every step; it "
            "takes at most 2048 units: use a narrower layer");
}

// --- contractive ---

struct Slope {
  const char* activation;
  std::function<double(double)> activate;
};
const std::vector<Slope>& slopes() {
  static const std::vector<Slope> all = {
      {"sigmoid", [](double x) { return 1.0 / (1.0 + std::exp(-x)); }},
      {"tanh", [](double x) { return std::tanh(x); }},
      {"relu", [](double x) { return std::max(x, 0.0); }},
      {"identity", [](double x) { return x; }}};
  return all;
}

// The squared norm of the Jacobian of h = f(x W), each entry by differences of the layer itself.
TYPED_TEST(FormulaOf, ContractiveIsTheSquaredNormOfTheLayersJacobian) {
  using Real = TypeParam;
  const std::int64_t rows = 3, inputs = 4, units = 5;
  for (const Slope& slope : slopes()) {
    SCOPED_TRACE(slope.activation);
    PenaltyLive<Real> live("contractive",
                           {{"coefficient", 0.75}, {"activation", slope.activation}});
    live.know("code/weights", inputs, units).know("code/bias", 1, units).plan(rows, units);
    auto& weights = live.parameters()[0];
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] = static_cast<Real>(scatter(static_cast<std::int64_t>(i), 0, 4));
    }
    const auto unit = [&](std::int64_t b, std::int64_t j, std::int64_t moved, double by) {
      double sum = 0.0;
      for (std::int64_t i = 0; i < inputs; ++i) {
        sum += (scatter(b, i, 5) + (i == moved ? by : 0.0)) *
               static_cast<double>(weights[static_cast<std::size_t>(i * units + j)]);
      }
      return slope.activate(sum);
    };
    double expected = 0.0;
    const double h = 1e-3;
    for (std::int64_t b = 0; b < rows; ++b) {
      for (std::int64_t j = 0; j < units; ++j) {
        for (std::int64_t i = 0; i < inputs; ++i) {
          const double entry = (unit(b, j, i, -2 * h) - 8.0 * unit(b, j, i, -h) +
                                8.0 * unit(b, j, i, h) - unit(b, j, i, 2 * h)) /
                               (12.0 * h);
          expected += entry * entry;
        }
      }
    }
    Grid<Real> y(rows, units);
    y.fill([&](auto b, auto j) { return unit(b, j, -1, 0.0); });
    // Outputs are rounded to Real; differences are right to h^4.
    EXPECT_NEAR(over_shards(live, y, 2).value, 0.75 / 3.0 * expected,
                (8.0 * kEpsilon<Real> + 1e-11) * expected);
  }
}

TYPED_TEST(FormulaOf, ContractiveOfReluCountsUnitsThatAreOn) {
  using Real = TypeParam;
  PenaltyLive<Real> live("contractive",
                         {{"coefficient", 3.0}, {"activation", "relu"}, {"reduction", "sum"}});
  live.know("code/weights", 2, 2).plan(3, 2);
  live.parameters()[0] = {Real(1), Real(2), Real(3), Real(4)};  // Squared norms 10 and 20.
  std::fill(live.gradients()[0].begin(), live.gradients()[0].end(), Real(0));
  const auto [value, gradient] = over_shards(live, grid<Real>({{1, 0}, {0.5, 2}, {0, 0}}), 1);
  EXPECT_EQ(value, 3.0 * (2.0 * 10.0 + 20.0));
  for (const Real g : gradient) EXPECT_EQ(g, Real(0));
  EXPECT_EQ(live.gradients()[0], (std::vector<Real>{12, 12, 36, 24})) << "2 c W times units on";
}

TYPED_TEST(FormulaOf, ContractiveRefusesOutputsThatTheActivationCannotGive) {
  using Real = TypeParam;
  const auto answer = [](const char* activation, double output, double& value) {
    PenaltyLive<Real> live("contractive", {{"coefficient", 1.0}, {"activation", activation}});
    live.know("code/weights", 2, 5).plan(3, 5);
    Grid<Real> h(3, 5);
    h.fill([&](auto b, auto j) { return b > 0 && j == 4 ? output : 0.5; });
    const aesweep_context context = make_context(3);
    sdk::Views<Real> views{};
    views.struct_size = sizeof views;
    views.output = h.in();
    ErrorText error;
    const std::int32_t status = live.penalty().on_activations(
        live.instance(), &context, &live.memory(), &views, &value, nullptr, &error.error);
    EXPECT_EQ(status, error.str().empty() ? AESWEEP_OK : AESWEEP_NUMERIC);
    return error.str();
  };
  const auto refusal = [](const std::string& shown, const std::string& activation) {
    return "output " + shown + " (row 1, column 4) cannot be one of " + activation +
           ": set `activation` to that of the layer";
  };
  const double infinity = std::numeric_limits<double>::infinity();
  double value = 0.0;
  EXPECT_EQ(answer("sigmoid", -0.25, value), refusal("-0.25", "sigmoid"));
  EXPECT_EQ(answer("sigmoid", 1.5, value), refusal("1.5", "sigmoid"));
  EXPECT_EQ(answer("tanh", -1.5, value), refusal("-1.5", "tanh"));
  EXPECT_EQ(answer("tanh", infinity, value), refusal("inf", "tanh"));
  EXPECT_EQ(answer("relu", -0.25, value), refusal("-0.25", "relu"));
  // The ends of each range are in it.
  const std::vector<std::pair<const char*, double>> ends = {
      {"sigmoid", 0.0},   {"sigmoid", -0.0},       {"sigmoid", 1.0},
      {"tanh", -1.0},     {"tanh", 1.0},           {"relu", -0.0},
      {"relu", infinity}, {"identity", -infinity}, {"identity", 9.0}};
  for (const auto& [activation, end] : ends) EXPECT_EQ(answer(activation, end, value), "") << end;
  for (const char* activation : {"sigmoid", "tanh", "relu", "identity"}) {
    EXPECT_EQ(answer(activation, std::nan(""), value), "") << "a diverged run, not a wrong one";
  }
}

TEST(Formula, ContractiveRefusesLayersThatAreNotDense) {
  const auto text_of = [](const char* name, std::int64_t rows, std::int64_t cols) {
    PenaltyLive<float> live("contractive", {{"coefficient", 1.0}});
    if (name != nullptr) live.know(name, rows, cols);
    ErrorText error;
    EXPECT_EQ(live.try_plan(4, 8, 0, error), AESWEEP_INVALID_SHAPE);
    return error.str();
  };
  EXPECT_EQ(text_of(nullptr, 0, 0),
            "contractive needs the weights of a dense layer, and this layer has no learned tensor");
  EXPECT_EQ(text_of("norm/gain", 1, 8),
            "contractive needs the weights of a dense layer with 8 columns, and this layer's first "
            "tensor is norm/gain, 1 x 8");
  EXPECT_EQ(text_of("code/weights", 3, 7),
            "contractive needs the weights of a dense layer with 8 columns, and this layer's first "
            "tensor is code/weights, 3 x 7");
}

TEST(Formula, BadParametersAreRefused) {
  struct Case {
    const char* name;
    Values given;
    const char* text;
  };
  const std::vector<Case> cases = {
      {"hoyer", {{"coefficient", -1.0}}, "coefficient: -1 is not in [0, inf]"},
      {"hoyer", {{"form", "sum"}}, "form: sum is not one of ratio, square"},
      {"elastic_net", {{"l1", -1.0}}, "l1: -1 is not in [0, inf]"},
      {"elastic_net", {{"l2", -1.0}}, "l2: -1 is not in [0, inf]"},
      {"softmax_kl", {{"rho", 1.0}}, "rho: 1 is not in (0, 1)"},
      {"bit_balance", {{"range", "bits"}}, "range: bits is not one of symmetric, unit"},
      {"decorrelation", {{"epsilon", 0.0}}, "epsilon: 0 is not in (0, inf]"},
      {"contractive",
       {{"activation", "elu"}},
       "activation: elu is not one of sigmoid, tanh, relu, identity"}};
  for (const Case& c : cases) {
    const Created created =
        create(find_component(AESWEEP_REGULARIZER, c.name), AESWEEP_F64, c.given);
    EXPECT_EQ(created.status, AESWEEP_INVALID_PARAMETER);
    EXPECT_EQ(created.text, c.text);
  }
}

}  // namespace
}  // namespace aesweep::test
