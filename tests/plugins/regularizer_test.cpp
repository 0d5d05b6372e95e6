// Proves of all regularizers: gradients by differences through their statistics rounds and with
// respect to a layer's weights, one shard against five, empty shards, NaN. Of l1, l2, elastic_net
// and kl_sparsity: their formulas, on activations and on parameters. The others' formulas are in
// regularizer_formula_test.cpp.
#include "tests/plugins/penalty_batch.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

template <class Real>
class RegularizerOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(RegularizerOf, Scalars);

struct TermCase {
  const char* name;
  Values given;
  std::function<double(double)> term;
  std::function<double(double)> derivative;
};
const std::vector<TermCase>& terms() {
  const auto sign = [](double x) { return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0); };
  static const std::vector<TermCase> cases = {
      {"l1",
       {{"coefficient", 0.75}},
       [](double x) { return 0.75 * std::abs(x); },
       [sign](double x) { return 0.75 * sign(x); }},
      {"l2",
       {{"coefficient", 0.75}},
       [](double x) { return 0.375 * x * x; },
       [](double x) { return 0.75 * x; }},
      {"elastic_net",
       {{"l1", 0.5}, {"l2", 0.25}},
       [](double x) { return 0.5 * std::abs(x) + 0.125 * x * x; },
       [sign](double x) { return 0.5 * sign(x) + 0.25 * x; }}};
  return cases;
}

Values with_reduction(const TermCase& c, const char* reduction) {
  Values given = c.given;
  given.emplace_back("reduction", reduction);
  return given;
}

TYPED_TEST(RegularizerOf, PenalizesActivationsOnAnyLayoutWithEqualBits) {
  using Real = TypeParam;
  constexpr double kBatchRows = 40.0;
  for (const TermCase& c : terms()) {
    for (const auto& [reduction, divisor] :
         {std::pair{"auto", kBatchRows}, {"mean", kBatchRows}, {"sum", 1.0}}) {
      for (const std::int64_t rows : {0, 1, 37}) {
        for (const std::int64_t cols : {1, 7, 64}) {
          SCOPED_TRACE(std::string(c.name) + " " + reduction);
          PenaltyLive<Real> live(c.name, with_reduction(c, reduction));
          live.plan(37, cols);
          double first_value = 0.0;
          std::vector<Real> first_gradient;
          for (const auto& [padding, offset] : {std::pair{0, 0}, {5, 1}, {16, 3}}) {
            Grid<Real> y(rows, cols, padding, offset), g(rows, cols, padding + 1, offset + 2);
            y.fill([](auto i, auto j) { return (i + j) % 5 == 0 ? 0.0 : scatter(i, j); });
            g.fill([](auto, auto) { return 2.0; });  // Gradients are added to what is there.
            const auto out = g.out();
            const double value = live.on_activations(make_context(40), y.in(), &out);
            EXPECT_EQ(live.on_activations(make_context(40), y.in()), value);
            EXPECT_TRUE(y.canaries_intact() && g.canaries_intact());
            if (offset == 0) first_value = value, first_gradient = g.values();
            EXPECT_EQ(value, first_value);
            EXPECT_TRUE(same_bits(g.values(), first_gradient));
            double sum = 0.0;
            const double scale = 1.0 / divisor;
            for (std::int64_t i = 0; i < rows; ++i) {
              for (std::int64_t j = 0; j < cols; ++j) {
                sum += c.term(y.at(i, j));
                EXPECT_NEAR(g.at(i, j), 2.0 + scale * c.derivative(y.at(i, j)),
                            3.0 * kEpsilon<Real>);  // Two roundings of at most 2.75.
              }
            }
            // Terms are exact or one rounding in double; two orders of the sum.
            EXPECT_NEAR(value, scale * sum,
                        static_cast<double>(rows * cols + 4) * kEpsilon<double> * scale * sum);
          }
        }
      }
    }
  }
}

TYPED_TEST(RegularizerOf, PenalizesParametersByBlocks) {
  using Real = TypeParam;
  const std::size_t count = 203;
  for (const TermCase& c : terms()) {
    for (const auto& [reduction, divisor] :
         {std::pair{"auto", 1.0}, {"sum", 1.0}, {"mean", 203.0}}) {
      SCOPED_TRACE(std::string(c.name) + " " + reduction);
      PenaltyLive<Real> live(c.name, with_reduction(c, reduction));
      live.plan(1, 1);
      std::vector<Real> w, whole(count, Real(1)), cut(count, Real(1));
      double expected = 0.0;
      for (std::size_t i = 0; i < count; ++i) {
        w.push_back(static_cast<Real>(scatter(static_cast<std::int64_t>(i))));
        expected += c.term(w[i]) / divisor;
      }
      aesweep_block block = make_block(count);
      block.rows = 7;
      block.cols = 29;
      const double value = live.on_block(block, w.data(), whole.data());
      EXPECT_EQ(live.on_block(block, w.data(), nullptr), value);
      double sum = 0.0;
      for (std::size_t first = 0; first < count; first += 37) {
        block.first = first;
        block.count = std::min<std::size_t>(37, count - first);
        sum += live.on_block(block, w.data() + first, cut.data() + first);
      }
      EXPECT_NEAR(value, expected, 300.0 * kEpsilon<double> * expected);
      EXPECT_NEAR(sum, expected, 300.0 * kEpsilon<double> * expected);
      EXPECT_TRUE(same_bits(whole, cut)) << "gradients are element-wise";
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_NEAR(whole[i], 1.0 + c.derivative(w[i]) / divisor, 3.0 * kEpsilon<Real>);
      }
    }
  }
}

// Every regularizer on activations, with the parameters to try it with. Contractive gets weights.
struct PenaltyCase {
  const char* name;
  Values given;
};
const std::vector<PenaltyCase>& penalties() {
  static const std::vector<PenaltyCase> all = {
      {"l1", {{"coefficient", 0.5}}},
      {"l2", {{"coefficient", 0.5}, {"reduction", "sum"}}},
      {"elastic_net", {{"l1", 0.5}, {"l2", 0.25}}},
      {"hoyer", {{"coefficient", 0.5}}},
      {"hoyer", {{"coefficient", 0.5}, {"form", "square"}, {"reduction", "sum"}}},
      {"kl_sparsity", {{"coefficient", 0.5}, {"rho", 0.2}}},
      {"kl_sparsity", {{"coefficient", 0.5}, {"reduction", "mean"}, {"range", "symmetric"}}},
      {"softmax_kl", {{"coefficient", 0.5}}},
      {"softmax_kl", {{"coefficient", 0.5}, {"rho", 0.2}, {"divide_by_batch", true}}},
      {"bit_balance", {{"coefficient", 0.5}}},
      {"bit_balance", {{"coefficient", 0.5}, {"range", "unit"}, {"reduction", "mean"}}},
      {"decorrelation", {{"coefficient", 2.0}}},
      {"decorrelation",
       {{"coefficient", 2.0}, {"form", "correlation"}, {"epsilon", 1e-2}, {"reduction", "mean"}}},
      {"contractive", {{"coefficient", 0.5}, {"activation", "sigmoid"}}},
      {"contractive", {{"coefficient", 0.5}, {"activation", "tanh"}, {"reduction", "sum"}}}};
  return all;
}

constexpr std::int64_t kInputs = 3;  // Of the layer that the penalty is on.

template <class Real>
void plan_with_weights(PenaltyLive<Real>& live, std::int64_t rows, std::int64_t cols) {
  live.know("code/weights", kInputs, cols).know("code/bias", 1, cols).plan(rows, cols);
  auto& weights = live.parameters()[0];
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<Real>(scatter(static_cast<std::int64_t>(i), 0, 3));
  }
  for (auto& tensor : live.gradients()) std::fill(tensor.begin(), tensor.end(), Real(0));
}

// Outputs in (0.1, 0.9).
double output(std::int64_t i, std::int64_t j) { return 0.1 + 0.4 * (scatter(i, j) + 1.0); }

TYPED_TEST(RegularizerOf, FiveShardsGiveWhatOneGives) {
  using Real = TypeParam;
  for (const auto& [name, given] : penalties()) {
    SCOPED_TRACE(name);
    Grid<Real> y(37, 7, 3, 1);
    y.fill(output);
    PenaltyLive<Real> one(name, given), five(name, given);
    plan_with_weights(one, 37, 7);
    plan_with_weights(five, 37, 7);
    const auto whole = over_shards(one, y, 1), cut = over_shards(five, y, 5);
    // Two orders of sums of 259 doubles, of which the squares for decorrelation cancel to a tenth.
    EXPECT_NEAR(cut.value, whole.value, 3000.0 * kEpsilon<double> * whole.value);
    // Gradients are products of seven terms of at most 1, of such sums, with at most 37 rows' parts
    // for the weights'.
    for (std::size_t i = 0; i < whole.gradient.size(); ++i) {
      EXPECT_NEAR(cut.gradient[i], whole.gradient[i],
                  16.0 * kEpsilon<Real> + 3000.0 * kEpsilon<double>);
    }
    for (std::size_t i = 0; i < one.gradients()[0].size(); ++i) {
      EXPECT_NEAR(five.gradients()[0][i], one.gradients()[0][i], 37.0 * kEpsilon<Real>);
    }
  }
}

TEST(Regularizer, GradientMatchesDifferencesThroughItsRounds) {
  const std::int64_t rows = 11, cols = 7;
  for (const auto& [name, given] : penalties()) {
    if (std::string(name) == "softmax_kl") continue;  // It has none: regularizer_formula_test.
    for (const std::int64_t shards : {1, 5}) {
      SCOPED_TRACE(name);
      PenaltyLive<double> live(name, given);
      plan_with_weights(live, rows, cols);
      Grid<double> y(rows, cols);
      y.fill(output);
      std::vector<double> gradient = over_shards(live, y, shards).gradient;
      std::vector<double> point = y.values();
      const auto& dw = live.gradients()[0];
      const std::vector<double> w = live.parameters()[0];
      gradient.insert(gradient.end(), dw.begin(), dw.end());
      point.insert(point.end(), w.begin(), w.end());
      const auto penalty = [&](std::span<const double> at) {
        auto next = at.begin();
        y.fill([&](auto, auto) { return *next++; });
        for (double& weight : live.parameters()[0]) weight = *next++;
        return over_shards(live, y, shards).value;
      };
      EXPECT_TRUE(gradient_matches(penalty, point, gradient));
    }
  }
}

TYPED_TEST(RegularizerOf, AddsToGradients) {
  using Real = TypeParam;
  for (const auto& [name, given] : penalties()) {
    SCOPED_TRACE(name);
    PenaltyLive<Real> live(name, given);
    plan_with_weights(live, 4, 5);
    Grid<Real> y(4, 5), g(4, 5, 3, 1);
    y.fill(output);
    g.fill([](auto, auto) { return 2.0; });
    const auto from_zero = over_shards(live, y, 1);
    const std::vector<Real> dw = live.gradients()[0];
    for (auto& tensor : live.gradients()) std::fill(tensor.begin(), tensor.end(), Real(2));
    (void)over_shards(live, y, 1);
    const auto out = g.out();
    (void)live.on_activations(make_context(4), y.in(), &out);
    for (std::size_t i = 0; i < from_zero.gradient.size(); ++i) {
      EXPECT_NEAR(g.values()[i], 2.0 + from_zero.gradient[i], 16.0 * kEpsilon<Real>);
    }
    for (std::size_t i = 0; i < dw.size(); ++i) {
      EXPECT_NEAR(live.gradients()[0][i], 2.0 + dw[i], 8.0 * kEpsilon<Real>);
    }
    EXPECT_TRUE(g.canaries_intact());
  }
}

TYPED_TEST(RegularizerOf, EmptyShardsAddNothingAndNanReachesTheValue) {
  using Real = TypeParam;
  for (const auto& [name, given] : penalties()) {
    SCOPED_TRACE(name);
    Grid<Real> y(3, 40);
    y.fill(output);
    PenaltyLive<Real> live(name, given);
    plan_with_weights(live, 3, 40);
    EXPECT_TRUE(std::isfinite(over_shards(live, y, 7).value)) << "four of seven shards are empty";
    y.at(2, 37) = static_cast<Real>(std::nan(""));
    EXPECT_TRUE(std::isnan(over_shards(live, y, 1).value));
  }
}

TYPED_TEST(RegularizerOf, KlMatchesItsFormula) {
  using Real = TypeParam;
  // Four rows; the means are 1/4, 1/2, 3/4 (exact), one unit is off and one on in every row.
  Grid<Real> y(4, 5);
  const double columns[] = {0.25, 0.5, 0.75, 0.0, 1.0};
  const auto kl = [](double rho, double r) {
    return rho * std::log(rho / r) + (1.0 - rho) * std::log((1.0 - rho) / (1.0 - r));
  };
  for (const bool symmetric : {false, true}) {
    y.fill([&](auto, auto j) { return symmetric ? 2.0 * columns[j] - 1.0 : columns[j]; });
    PenaltyLive<Real> live(
        "kl_sparsity",
        {{"coefficient", 3.0}, {"rho", 0.25}, {"range", symmetric ? "symmetric" : "unit"}});
    live.plan(4, 5);
    double expected = 0.0;
    const auto [value, gradient] = over_shards(live, y, 1);
    for (std::int64_t j = 0; j < 5; ++j) {
      const double r = std::min(std::max(columns[j], 1e-6), 1.0 - 1e-6);
      expected += 3.0 * kl(0.25, r);
      const double slope = 3.0 / 4.0 * (symmetric ? 0.5 : 1.0) * (0.75 / (1.0 - r) - 0.25 / r);
      EXPECT_NEAR(gradient[static_cast<std::size_t>(j)], slope,
                  4.0 * kEpsilon<Real> * std::abs(slope));
    }
    EXPECT_NEAR(value, expected, 20.0 * kEpsilon<double> * expected);
    EXPECT_EQ(gradient[0], Real(0)) << "at rho";
    EXPECT_LT(gradient[3], Real(0)) << "a unit that is never on is pushed up";
    EXPECT_GT(gradient[4], Real(0)) << "a unit that is always on is pushed down";
  }
}

TEST(Regularizer, BatchWideValuesAreCountedOnTheFirstShardAndNotOfferedOnParameters) {
  for (const char* name : {"kl_sparsity", "softmax_kl", "bit_balance", "decorrelation"}) {
    SCOPED_TRACE(name);
    PenaltyLive<double> live(name, {{"coefficient", 1.0}});
    live.plan(2, 2);
    Grid<double> y(2, 2);
    y.fill([](auto i, auto j) { return 0.25 + 0.5 * static_cast<double>(i) + scatter(j) / 8.0; });
    EXPECT_GT(over_shards(live, y, 2).value, 0.0);
    EXPECT_GT(live.on_activations(make_context(2, 0), y.in(0, 1)), 0.0);
    EXPECT_EQ(live.on_activations(make_context(2, 1), y.in(1, 1)), 0.0);
    EXPECT_EQ(live.penalty().on_parameter_block, nullptr);
  }
}

}  // namespace
}  // namespace aesweep::test
