// Proves batch_norm: PyTorch's numbers for both variants (reference/batch_norm.py), gradients by
// differences through its statistics rounds, one shard against five, and what happens to batches of
// one row, columns without variance, and evaluation.
#include "tests/plugins/golden.hpp"
#include "tests/plugins/harness.hpp"
#include "tests/plugins/shards.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kRows = 7, kCols = 3;

// The inputs of the reference script.
double number(std::int64_t i, std::int64_t j, double salt) {
  const auto row = static_cast<double>(i), col = static_cast<double>(j);
  return std::sin(1.7 * row + 0.9 * col + salt) * (1.0 + col) + 0.5 * col;
}

template <class Real>
void expect_near(const std::vector<Real>& actual, const std::vector<double>& expected,
                 double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], tolerance) << "element " << i;
  }
}

aesweep_context evaluation() {
  aesweep_context context = make_context(0);
  context.mode = AESWEEP_EVAL;
  return context;
}

template <class Real>
class BatchNormOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(BatchNormOf, Scalars);

TYPED_TEST(BatchNormOf, MatchesPyTorchOverTwoStepsAndAnEvaluation) {
  using Real = TypeParam;
  for (const auto& [variant, golden] : read_golden("batch_norm")) {
    SCOPED_TRACE(variant);
    const auto expected = [&golden = golden](const char* key) { return golden.at(key); };
    Live<Real> live(AESWEEP_LAYER, "batch_norm",
                    {{"variant", variant}, {"epsilon", 1e-2}, {"momentum", 0.15}});
    live.plan(kRows, kCols);
    live.parameters()[0] = {Real(0.5), Real(-1.5), Real(2)};
    live.parameters()[1] = {Real(0.1), Real(0.2), Real(-0.3)};
    LayerBatch<Real> batch(live, kRows, 2);
    Grid<Real> x(kRows, kCols, 3, 1), y(kRows, kCols, 2, 2);
    Grid<Real> dy(kRows, kCols, 1, 0), dx(kRows, kCols, 5, 1);
    for (const double step : {0.0, 1.0}) {
      x.fill([&](auto i, auto j) { return number(i, j, step); });
      dy.fill([&](auto i, auto j) { return number(i, j, 10.0 + step); });
      batch.forward(x, y);
      batch.backward(x, y, dy, &dx);
      batch.end_step();
    }
    // Numbers of at most 12, from inputs of at most 4 that are rounded to Real: x and dy are off by
    // up to 2 eps each, which gains and slopes (up to 4) magnify, over 7 rows for the sums.
    const double once = 64.0 * kEpsilon<Real>;
    const double summed = 7.0 * once;
    expect_near(y.values(), expected("y"), once);
    expect_near(dx.values(), expected("dx"), once);
    expect_near(batch.gradients()[0], expected("dgain"), summed);
    expect_near(batch.gradients()[1], expected("dbias"), summed);
    expect_near(live.buffers()[0], expected("running_mean"), once);
    expect_near(live.buffers()[1], expected("running_spread"), once);
    x.fill([&](auto i, auto j) { return number(i, j, 5.0); });
    LayerBatch<Real> evaluated(live, kRows, 3, evaluation());
    evaluated.forward(x, y);
    expect_near(y.values(), expected("evaluated"), once);
    EXPECT_TRUE(x.canaries_intact() && y.canaries_intact());
    EXPECT_TRUE(dy.canaries_intact() && dx.canaries_intact());
  }
}

// Weighted sum of the outputs, as a function of x, gain and bias.
TEST(BatchNorm, GradientMatchesDifferencesThroughItsRounds) {
  const std::int64_t rows = 11, cols = 4;
  for (const char* variant : {"variance", "deviation"}) {
    for (const char* affine : {"yes", "no"}) {
      for (const std::int64_t shards : {1, 4}) {
        SCOPED_TRACE(std::string(variant) + ", affine " + affine);
        const bool learns = affine == std::string("yes");
        Live<double> live(
            AESWEEP_LAYER, "batch_norm",
            {{"variant", variant}, {"epsilon", 0.125}, {"affine", std::int64_t{learns ? 1 : 0}}});
        live.plan(rows, cols);
        ASSERT_EQ(live.parameters().size(), learns ? 2u : 0u);
        LayerBatch<double> batch(live, rows, shards);
        Grid<double> x(rows, cols), y(rows, cols), dy(rows, cols), dx(rows, cols);
        dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
        std::vector<double> point;
        for (std::int64_t k = 0; k < rows * cols; ++k) point.push_back(scatter(k, 1));
        if (learns) {
          for (std::int64_t k = 0; k < 2 * cols; ++k) point.push_back(scatter(k, 3));
        }
        const auto set = [&](std::span<const double> at) {
          const auto element = [&](std::int64_t k) { return at[static_cast<std::size_t>(k)]; };
          x.fill([&](auto i, auto j) { return element(i * cols + j); });
          for (std::int64_t k = 0; learns && k < 2 * cols; ++k) {
            live.parameters()[static_cast<std::size_t>(k / cols)]
                             [static_cast<std::size_t>(k % cols)] = element(rows * cols + k);
          }
        };
        const auto weighted = [&](std::span<const double> at) {
          set(at);
          batch.forward(x, y);
          double sum = 0.0;
          for (std::int64_t i = 0; i < rows; ++i) {
            for (std::int64_t j = 0; j < cols; ++j) sum += y.at(i, j) * dy.at(i, j);
          }
          return sum;
        };
        (void)weighted(point);
        batch.backward(x, y, dy, &dx);
        std::vector<double> gradient = dx.values();
        for (const auto& tensor : batch.gradients()) {
          gradient.insert(gradient.end(), tensor.begin(), tensor.end());
        }
        GradientCheckOptions options;
        options.magnitude = 20.0;
        EXPECT_TRUE(gradient_matches(weighted, point, gradient, options));
      }
    }
  }
}

TYPED_TEST(BatchNormOf, FiveShardsGiveWhatOneGives) {
  using Real = TypeParam;
  for (const std::int64_t cols : {1, 7, 64}) {
    std::vector<std::vector<double>> all[2];
    for (const std::int64_t shards : {1, 5}) {
      Live<Real> live(AESWEEP_LAYER, "batch_norm");
      live.plan(37, cols);
      LayerBatch<Real> batch(live, 37, shards);
      Grid<Real> x(37, cols, shards, 1), y(37, cols), dy(37, cols), dx(37, cols, 0, shards);
      x.fill([](auto i, auto j) { return 3.0 + scatter(i, j, 1); });
      dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
      batch.forward(x, y);
      batch.backward(x, y, dy, &dx);
      batch.end_step();
      for (const auto& part : {y.values(), dx.values(), live.buffers()[0], live.buffers()[1]}) {
        all[shards == 1 ? 0 : 1].emplace_back(part.begin(), part.end());
      }
      for (const auto& part : batch.gradients()) all[shards == 1 ? 0 : 1].push_back(part);
    }
    // Outputs of at most 4 are rounded to Real once; before that, means of at most 4 are sums of 37
    // in another order, so off by 37 / 2 * 4 eps each, over a spread of 0.5. Parameter gradients
    // add up 37 of those, and each of five parts is rounded.
    const double output = 8.0 * kEpsilon<Real> + 300.0 * kEpsilon<double>;
    for (std::size_t k = 0; k < all[0].size(); ++k) {
      expect_near(all[1][k], all[0][k], k < 4 ? output : 37.0 * output);
    }
  }
}

TYPED_TEST(BatchNormOf, OneRowAndColumnsWithoutVarianceAreFinite) {
  using Real = TypeParam;
  for (const char* variant : {"variance", "deviation"}) {
    for (const std::int64_t rows : {1, 6}) {
      SCOPED_TRACE(std::string(variant) + ", rows " + std::to_string(rows));
      Live<Real> live(AESWEEP_LAYER, "batch_norm", {{"variant", variant}, {"momentum", 1.0}});
      live.plan(rows, 5);
      live.parameters()[1][2] = Real(0.75);
      LayerBatch<Real> batch(live, rows, rows);
      Grid<Real> x(rows, 5), y(rows, 5), dy(rows, 5), dx(rows, 5);
      x.fill([](auto, auto j) { return 0.1 * static_cast<double>(j); });
      dy.fill([](auto i, auto j) { return scatter(i, j); });
      batch.forward(x, y);
      batch.backward(x, y, dy, &dx);
      batch.end_step();
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < 5; ++j) {
          // The mean of equal numbers is off by at most a few roundings of 0.4 in double, over a
          // spread of 1e-5 or more.
          EXPECT_NEAR(y.at(i, j), j == 2 ? 0.75 : 0.0, 1e-10);
          EXPECT_TRUE(std::isfinite(dx.at(i, j)));
          if (rows > 1) continue;
          EXPECT_EQ(dx.at(i, j), Real(0)) << "y does not depend on x";
        }
      }
      EXPECT_NEAR(live.buffers()[0][4], 0.4, 4.0 * kEpsilon<Real>) << "momentum 1: the batch's";
      EXPECT_NEAR(live.buffers()[1][4], 0.0, 1e-15);
    }
  }
}

TEST(BatchNorm, RunningVarianceIsBiasedOrNotAsAsked) {
  struct Case {
    const char *variant, *running;
    double expected;
  };
  // x is 0, 0, 3: mean 1, squares 6; biased variance 2, unbiased 3.
  for (const Case& c : {Case{"variance", "auto", 3.0},
                        {"variance", "biased", 2.0},
                        {"variance", "unbiased", 3.0},
                        {"deviation", "auto", std::sqrt(2.0)},
                        {"deviation", "unbiased", std::sqrt(3.0)}}) {
    SCOPED_TRACE(std::string(c.variant) + " " + c.running);
    Live<double> live(AESWEEP_LAYER, "batch_norm",
                      {{"variant", c.variant}, {"running", c.running}, {"momentum", 0.25}});
    live.plan(3, 1);
    LayerBatch<double> batch(live, 3, 1);
    Grid<double> x(3, 1), y(3, 1);
    x.fill([](auto i, auto) { return i == 2 ? 3.0 : 0.0; });
    batch.forward(x, y);
    EXPECT_EQ(live.buffers()[1][0], 1.0) << "forward changes no buffer";
    batch.end_step();
    EXPECT_EQ(live.buffers()[0][0], 0.25);
    EXPECT_NEAR(live.buffers()[1][0], 0.75 + 0.25 * c.expected, 4.0 * kEpsilon<double>);
  }
}

TEST(BatchNorm, EvaluationReadsBuffersAndNoStatistics) {
  Live<float> live(AESWEEP_LAYER, "batch_norm", {{"variant", "deviation"}, {"epsilon", 0.5}});
  live.plan(2, 1);
  ASSERT_STREQ(live.planned().tensors[3].name, "running_deviation");
  live.buffers()[0][0] = 2.0f;
  live.buffers()[1][0] = 1.5f;
  Grid<float> x(2, 1), y(2, 1);
  x.fill([](auto i, auto) { return i == 0 ? 2.0 : 6.0; });
  LayerBatch<float> batch(live, 2, 1, evaluation());
  batch.forward(x, y);
  EXPECT_EQ(y.at(0, 0), 0.0f);
  EXPECT_EQ(y.at(1, 0), 2.0f);
  EXPECT_TRUE(std::isnan(live.statistics(0)[0])) << "its rounds are for training only";
}

TYPED_TEST(BatchNormOf, NanStaysInItsColumnAndEmptyShardsAddNothing) {
  using Real = TypeParam;
  Live<Real> live(AESWEEP_LAYER, "batch_norm");
  live.plan(3, 2);
  LayerBatch<Real> batch(live, 3, 5);  // Two of five shards are empty.
  Grid<Real> x(3, 2), y(3, 2), dy(3, 2), dx(3, 2);
  x.fill([](auto i, auto j) { return scatter(i, j); });
  dy.fill([](auto i, auto j) { return scatter(i, j, 1); });
  x.at(1, 0) = static_cast<Real>(std::nan(""));
  batch.forward(x, y);
  batch.backward(x, y, dy, &dx);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::isnan(y.at(i, 0)) && std::isnan(dx.at(i, 0)));
    EXPECT_TRUE(std::isfinite(y.at(i, 1)) && std::isfinite(dx.at(i, 1)));
  }
}

TEST(BatchNorm, DoesNotCancelFarFromZero) {
  // Deviations of 1e-3 around 4096, in single precision: the inputs are exact multiples of 2^-11.
  Live<float> live(AESWEEP_LAYER, "batch_norm", {{"epsilon", 1e-12}});
  live.plan(4, 1);
  LayerBatch<float> batch(live, 4, 2);
  Grid<float> x(4, 1), y(4, 1);
  x.fill([](auto i, auto) { return 4096.0 + (i % 2 == 0 ? 0x1p-11 : -0x1p-11); });
  batch.forward(x, y);
  for (std::int64_t i = 0; i < 4; ++i) EXPECT_NEAR(y.at(i, 0), i % 2 == 0 ? 1.0 : -1.0, 1e-5);
}

TEST(BatchNorm, RefusesBadParameters) {
  const auto text_of = [](const Values& given) {
    const Created created = create(find_component(AESWEEP_LAYER, "batch_norm"), AESWEEP_F32, given);
    EXPECT_EQ(created.status, AESWEEP_INVALID_PARAMETER);
    return created.text;
  };
  EXPECT_EQ(text_of({{"epsilon", 0.0}}), "epsilon: 0 is not in (0, inf]");
  EXPECT_EQ(text_of({{"momentum", 0.0}}), "momentum: 0 is not in (0, 1]");
  EXPECT_EQ(text_of({{"variant", "std"}}), "variant: std is not one of variance, deviation");
}

}  // namespace
}  // namespace aesweep::test
