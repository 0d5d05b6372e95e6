// Proves l1, l2 and kl_sparsity: long double sums, gradients against differences, reductions on
// activations and on parameters, shares and statistics over 1 and 5 shards, bits free of layout.
#include "tests/plugins/harness.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

template <class Real>
class PenaltyLive : public Live<Real> {
 public:
  PenaltyLive(const std::string& name, const Values& given)
      : Live<Real>(AESWEEP_REGULARIZER, name, given) {}

  [[nodiscard]] const auto& penalty() const {
    return this->template table<typename sdk::Abi<Real>::RegularizerTable>();
  }

  // Adds the shard's part to the statistics of round 0.
  void accumulate(const aesweep_context& context, const sdk::ConstMatrix<Real>& output) {
    const auto views = views_of(output);
    this->memory().statistic = this->statistics().data();
    this->call(penalty().accumulate, &context, std::uint32_t{0}, &this->memory(), &views);
    this->memory().statistic = nullptr;
  }

  double on_activations(const aesweep_context& context, const sdk::ConstMatrix<Real>& output,
                        const sdk::Matrix<Real>* gradient = nullptr) {
    const auto views = views_of(output);
    double value = std::nan("");
    this->call(penalty().on_activations, &context, &this->memory(), &views, &value, gradient);
    return value;
  }

  double on_block(const aesweep_block& block, const Real* w, Real* gradient) {
    const aesweep_context context = make_context(1);
    double value = std::nan("");
    this->call(penalty().on_parameter_block, &context, &block, w, &value, gradient);
    return value;
  }

 private:
  static sdk::Views<Real> views_of(const sdk::ConstMatrix<Real>& output) {
    sdk::Views<Real> views{};
    views.struct_size = sizeof views;
    views.output = output;
    return views;
  }
};

template <class Real>
class RegularizerOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(RegularizerOf, Scalars);

struct TermCase {
  const char* name;
  std::function<double(double)> term;
  std::function<double(double)> derivative;
};
const std::vector<TermCase>& terms() {
  static const std::vector<TermCase> cases = {
      {"l1", [](double x) { return std::abs(x); },
       [](double x) { return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0); }},
      {"l2", [](double x) { return 0.5 * x * x; }, [](double x) { return x; }}};
  return cases;
}

TYPED_TEST(RegularizerOf, PenalizesActivationsOnAnyLayoutWithEqualBits) {
  using Real = TypeParam;
  constexpr double kBatchRows = 40.0, kCoefficient = 0.75;
  for (const TermCase& c : terms()) {
    for (const auto& [reduction, divisor] :
         {std::pair{"auto", kBatchRows}, {"mean", kBatchRows}, {"sum", 1.0}}) {
      for (const std::int64_t rows : {0, 1, 37}) {
        for (const std::int64_t cols : {1, 7, 64}) {
          SCOPED_TRACE(std::string(c.name) + " " + reduction);
          PenaltyLive<Real> live(c.name, {{"coefficient", kCoefficient}, {"reduction", reduction}});
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
            const double scale = kCoefficient / divisor;
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
      PenaltyLive<Real> live(c.name, {{"coefficient", 0.5}, {"reduction", reduction}});
      live.plan(1, 1);
      std::vector<Real> w, whole(count, Real(1)), cut(count, Real(1));
      double expected = 0.0;
      for (std::size_t i = 0; i < count; ++i) {
        w.push_back(static_cast<Real>(scatter(static_cast<std::int64_t>(i))));
        expected += 0.5 / divisor * c.term(w[i]);
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
        EXPECT_NEAR(whole[i], 1.0 + 0.5 / divisor * c.derivative(w[i]), 2.0 * kEpsilon<Real>);
      }
    }
  }
}

// Value and gradient of a penalty on a batch cut into `shards` shards, statistics included.
template <class Real>
std::pair<double, std::vector<Real>> over_shards(PenaltyLive<Real>& live, const Grid<Real>& y,
                                                 std::int64_t shards) {
  const std::int64_t rows = y.rows();
  Grid<Real> gradient(rows, y.cols(), 2, 1);
  gradient.fill([](auto, auto) { return 0.0; });
  live.plan(rows, y.cols());
  const auto for_each_shard = [&](const auto& body) {
    for (std::int64_t s = 0; s < shards; ++s) {
      const std::int64_t first = rows * s / shards, count = rows * (s + 1) / shards - first;
      body(make_context(static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(first)), first,
           count);
    }
  };
  if (live.planned().round_count > 0) {
    for_each_shard([&](const aesweep_context& context, std::int64_t first, std::int64_t count) {
      live.accumulate(context, y.in(first, count));
    });
  }
  double value = 0.0;
  for_each_shard([&](const aesweep_context& context, std::int64_t first, std::int64_t count) {
    const auto part = gradient.out(first, count);
    value += live.on_activations(context, y.in(first, count), &part);
  });
  EXPECT_TRUE(gradient.canaries_intact());
  return {value, gradient.values()};
}

TYPED_TEST(RegularizerOf, FiveShardsGiveWhatOneGives) {
  using Real = TypeParam;
  for (const char* name : {"l1", "l2", "kl_sparsity"}) {
    SCOPED_TRACE(name);
    PenaltyLive<Real> live(name, {{"coefficient", 0.5}});
    Grid<Real> y(37, 7, 3, 1);
    y.fill([](auto i, auto j) { return 0.1 + 0.4 * (scatter(i, j) + 1.0); });
    const auto [value, gradient] = over_shards(live, y, 1);
    const auto [value5, gradient5] = over_shards(live, y, 5);
    // Two orders of a sum of 259 doubles. The statistics of kl are summed row by row either way, so
    // the gradients have equal bits.
    EXPECT_NEAR(value5, value, 300.0 * kEpsilon<double> * value);
    EXPECT_TRUE(same_bits(gradient5, gradient));
  }
}

TEST(Regularizer, GradientMatchesDifferences) {
  const std::int64_t rows = 11, cols = 7;
  const std::vector<std::pair<std::string, Values>> all = {
      {"l1", {{"coefficient", 0.5}}},
      {"l2", {{"coefficient", 0.5}, {"reduction", "sum"}}},
      {"kl_sparsity", {{"coefficient", 0.5}, {"rho", 0.2}}},
      {"kl_sparsity", {{"coefficient", 0.5}, {"reduction", "mean"}, {"range", "symmetric"}}}};
  for (const auto& [name, given] : all) {
    for (const std::int64_t shards : {1, 5}) {
      SCOPED_TRACE(name);
      PenaltyLive<double> live(name, given);
      Grid<double> y(rows, cols);
      y.fill([](auto i, auto j) { return 0.1 + 0.4 * (scatter(i, j) + 1.0); });
      const auto gradient = over_shards(live, y, shards).second;
      const auto penalty = [&](std::span<const double> point) {
        Grid<double> at(rows, cols);
        at.fill([&](auto i, auto j) { return point[static_cast<std::size_t>(i * cols + j)]; });
        return over_shards(live, at, shards).first;
      };
      EXPECT_TRUE(gradient_matches(penalty, y.values(), gradient));
    }
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

TYPED_TEST(RegularizerOf, NanReachesTheValue) {
  using Real = TypeParam;
  for (const char* name : {"l1", "l2", "kl_sparsity"}) {
    SCOPED_TRACE(name);
    PenaltyLive<Real> live(name, {{"coefficient", 0.5}});
    Grid<Real> y(3, 40);
    y.fill([](auto, auto) { return 0.5; });
    y.at(2, 37) = static_cast<Real>(std::nan(""));
    EXPECT_TRUE(std::isnan(over_shards(live, y, 1).first));
  }
}

TEST(Regularizer, KlIsCountedOnTheFirstShardAndNotOfferedOnParameters) {
  PenaltyLive<double> live("kl_sparsity", {{"coefficient", 1.0}});
  live.plan(2, 1);
  Grid<double> y(2, 1);
  y.fill([](auto, auto) { return 0.5; });
  live.accumulate(make_context(2), y.in());
  EXPECT_GT(live.on_activations(make_context(2, 0), y.in(0, 1)), 0.0);
  EXPECT_EQ(live.on_activations(make_context(2, 1), y.in(1, 1)), 0.0);
  EXPECT_EQ(live.penalty().on_parameter_block, nullptr);
}

}  // namespace
}  // namespace aesweep::test
