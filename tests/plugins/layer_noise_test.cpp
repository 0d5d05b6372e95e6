// Proves dropout, masking_noise and gaussian_noise: against the reference Philox number by number,
// the same noise for a sample whatever shard it is in, gradients by differences, statistics over
// 2^18 draws, evaluation as the identity, and what is not finite.
#include "core/sdk/philox.hpp"
#include "tests/plugins/harness.hpp"
#include "tests/plugins/shards.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

constexpr std::uint64_t kStep = (std::uint64_t{3} << 32) + 5;  // Both words of the counter count.
constexpr std::uint64_t kStream = 0x123456789ABCDEF0u;

aesweep_context noisy(std::uint32_t mode = AESWEEP_TRAIN) {
  aesweep_context context = make_context(0, 0, kStep);
  context.mode = mode;
  context.stream = kStream;
  return context;
}

PhiloxBlock block_of(std::int64_t row, std::int64_t unit) {
  return philox(stream_key(kStream, 0), batch_counter(kStep, static_cast<std::uint64_t>(row),
                                                      static_cast<std::uint64_t>(unit)));
}

bool kept(std::int64_t row, std::int64_t unit, double rate) {
  const std::uint32_t word = block_of(row, unit)[static_cast<std::size_t>(unit % 4)];
  return static_cast<double>(uniform_float(word)) >= rate;
}

double normal(std::int64_t row, std::int64_t unit) {
  return standard_normals(block_of(row, unit))[static_cast<std::size_t>(unit % 4)];
}

// A layer and what it should make of element (row, unit) = v in training.
struct NoiseCase {
  const char* name;
  Values given;
  std::function<double(double v, std::int64_t row, std::int64_t unit)> value;
  std::function<double(double dy, std::int64_t row, std::int64_t unit)> gradient;
};

const std::vector<NoiseCase>& cases() {
  const auto dropped = [](double rate, double factor) {
    return [rate, factor](double v, std::int64_t i, std::int64_t j) {
      return kept(i, j, rate) ? v * factor : 0.0;
    };
  };
  const auto multiplied = [](double v, std::int64_t i, std::int64_t j) {
    return v * (1.0 + 0.5 * normal(i, j));
  };
  const auto passed = [](double v, std::int64_t, std::int64_t) { return v; };
  static const std::vector<NoiseCase> all = {
      {"dropout", {{"rate", 0.3}}, dropped(0.3, 1.0 / 0.7), dropped(0.3, 1.0 / 0.7)},
      {"dropout", {{"rate", 0.0}}, passed, passed},
      {"masking_noise", {{"rate", 0.3}}, dropped(0.3, 1.0), dropped(0.3, 1.0)},
      {"masking_noise", {{"rate", 1.0}}, dropped(1.0, 1.0), dropped(1.0, 1.0)},
      {"gaussian_noise",
       {{"sigma", 0.5}},
       [](double v, std::int64_t i, std::int64_t j) { return v + 0.5 * normal(i, j); },
       passed},
      {"gaussian_noise", {{"sigma", 0.5}, {"form", "multiplicative"}}, multiplied, multiplied}};
  return all;
}

template <class Real>
class NoiseOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(NoiseOf, Scalars);

// Both passes of the case over a batch in shards.
template <class Real>
std::pair<std::vector<Real>, std::vector<Real>> run(const NoiseCase& c, std::int64_t rows,
                                                    std::int64_t cols, std::int64_t shards,
                                                    std::uint32_t mode = AESWEEP_TRAIN) {
  Live<Real> live(AESWEEP_LAYER, c.name, c.given);
  live.plan(rows, cols);
  EXPECT_EQ(live.planned().output_cols, cols);
  EXPECT_EQ(live.planned().kept_bytes, 0u) << "the noise is made again in backward";
  Grid<Real> x(rows, cols, shards, 1), y(rows, cols, 2, shards);
  Grid<Real> dy(rows, cols, 1, 3), dx(rows, cols, 3, 2);
  x.fill([](auto i, auto j) { return scatter(i, j, 1); });
  dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
  LayerBatch<Real> batch(live, rows, shards, noisy(mode));
  batch.forward(x, y);
  if (mode == AESWEEP_TRAIN) {
    batch.backward(x, y, dy, &dx);
    batch.backward(x, y, dy, nullptr);
  }
  EXPECT_TRUE(x.canaries_intact() && y.canaries_intact());
  EXPECT_TRUE(dy.canaries_intact() && dx.canaries_intact());
  return {y.values(), dx.values()};
}

TYPED_TEST(NoiseOf, MatchesTheReferencePhiloxOnAnyShards) {
  using Real = TypeParam;
  for (const NoiseCase& c : cases()) {
    SCOPED_TRACE(c.name);
    for (const std::int64_t rows : {0, 1, 37}) {
      for (const std::int64_t cols : {1, 7, 64, 70}) {
        const auto [y, dx] = run<Real>(c, rows, cols, 1);
        for (std::int64_t i = 0; i < rows; ++i) {
          for (std::int64_t j = 0; j < cols; ++j) {
            const auto at = static_cast<std::size_t>(i * cols + j);
            const double value = c.value(static_cast<Real>(scatter(i, j, 1)), i, j);
            const double gradient = c.gradient(static_cast<Real>(scatter(i, j, 2)), i, j);
            // The factor and the product are rounded.
            EXPECT_NEAR(y[at], value, 2.0 * kEpsilon<Real> * std::abs(value));
            EXPECT_NEAR(dx[at], gradient, 2.0 * kEpsilon<Real> * std::abs(gradient));
          }
        }
        const auto [y5, dx5] = run<Real>(c, rows, cols, 5);
        EXPECT_TRUE(same_bits(y, y5) && same_bits(dx, dx5)) << "the noise is the sample's";
      }
    }
  }
}

TYPED_TEST(NoiseOf, EvaluationIsTheIdentity) {
  using Real = TypeParam;
  for (const NoiseCase& c : cases()) {
    SCOPED_TRACE(c.name);
    Grid<Real> x(5, 37);
    x.fill([](auto i, auto j) { return scatter(i, j, 1); });
    EXPECT_TRUE(same_bits(run<Real>(c, 5, 37, 2, AESWEEP_EVAL).first, x.values()));
  }
}

TEST(Noise, GradientMatchesDifferences) {
  const std::int64_t rows = 5, cols = 7;
  for (const NoiseCase& c : cases()) {
    SCOPED_TRACE(c.name);
    Live<double> live(AESWEEP_LAYER, c.name, c.given);
    live.plan(rows, cols);
    LayerBatch<double> batch(live, rows, 2, noisy());
    Grid<double> x(rows, cols), y(rows, cols), dy(rows, cols), dx(rows, cols);
    x.fill([](auto i, auto j) { return scatter(i, j, 1); });
    dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
    const std::vector<double> point = x.values();
    const auto weighted = [&](std::span<const double> at) {
      x.fill([&](auto i, auto j) { return at[static_cast<std::size_t>(i * cols + j)]; });
      batch.forward(x, y);
      double sum = 0.0;
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < cols; ++j) sum += y.at(i, j) * dy.at(i, j);
      }
      return sum;
    };
    batch.forward(x, y);
    batch.backward(x, y, dy, &dx);
    GradientCheckOptions options;
    options.magnitude = 50.0;
    EXPECT_TRUE(gradient_matches(weighted, point, dx.values(), options));
  }
}

TYPED_TEST(NoiseOf, StepsRowsAndStreamsHaveNoiseOfTheirOwn) {
  using Real = TypeParam;
  for (const NoiseCase& c : cases()) {
    if (c.value(0.5, 0, 0) == 0.5 || c.given[0].second == Value(1.0)) continue;  // No noise.
    SCOPED_TRACE(c.name);
    Live<Real> live(AESWEEP_LAYER, c.name, c.given);
    live.plan(1, 64);
    Grid<Real> x(1, 64), y(1, 64);
    x.fill([](auto, auto) { return 0.5; });
    std::vector<std::vector<Real>> all;
    for (const int change : {0, 1, 2, 3}) {
      aesweep_context context = noisy();
      if (change == 1) context.step += std::uint64_t{1} << 32;
      if (change == 2) context.first_row += 1;
      if (change == 3) context.stream += 1;
      live.forward(context, x.in(), y.out());
      for (const auto& other : all) EXPECT_FALSE(same_bits(other, y.values()));
      all.push_back(y.values());
    }
  }
}

TEST(Noise, HasTheRightStatistics) {
  const std::int64_t rows = 256, cols = 1024;
  const double count = static_cast<double>(rows * cols);
  const auto moments = [&](const char* name, const Values& given) {
    Live<float> live(AESWEEP_LAYER, name, given);
    live.plan(rows, cols);
    Grid<float> x(rows, cols), y(rows, cols);
    x.fill([](auto, auto) { return 1.0; });
    LayerBatch<float>(live, rows, 4, noisy()).forward(x, y);
    double sum = 0.0, square = 0.0, zeros = 0.0;
    for (const float v : y.values()) {
      sum += v;
      square += (v - 1.0) * (v - 1.0);
      zeros += v == 0.0f ? 1.0 : 0.0;
    }
    return std::array<double, 3>{sum / count, square / count, zeros / count};
  };
  // Five standard deviations of a mean of `count` draws.
  const double five = 5.0 / std::sqrt(count);
  const auto dropout = moments("dropout", {{"rate", 0.2}});
  EXPECT_NEAR(dropout[2], 0.2, five * std::sqrt(0.2 * 0.8));
  EXPECT_NEAR(dropout[0], 1.0, five * std::sqrt(0.2 / 0.8)) << "the expectation is kept";
  const auto masked = moments("masking_noise", {{"rate", 0.6}});
  EXPECT_NEAR(masked[2], 0.6, five * std::sqrt(0.6 * 0.4));
  EXPECT_NEAR(masked[0], 0.4, five * std::sqrt(0.6 * 0.4)) << "nothing is rescaled";
  for (const char* form : {"additive", "multiplicative"}) {
    const auto noise = moments("gaussian_noise", {{"sigma", 0.5}, {"form", form}});
    EXPECT_NEAR(noise[0], 1.0, five * 0.5);
    EXPECT_NEAR(noise[1], 0.25, five * 0.25 * std::sqrt(2.0)) << "the variance of n^2 is 2";
  }
}

TYPED_TEST(NoiseOf, WhatIsDroppedIsZeroAndWhatIsKeptStaysNotFinite) {
  using Real = TypeParam;
  for (const char* name : {"dropout", "masking_noise"}) {
    for (const double special : {std::nan(""), std::numeric_limits<double>::infinity()}) {
      Live<Real> live(AESWEEP_LAYER, name, {{"rate", 0.5}});
      live.plan(1, 40);
      Grid<Real> x(1, 40), y(1, 40);
      x.fill([&](auto, auto) { return special; });
      live.forward(noisy(), x.in(), y.out());
      for (std::int64_t j = 0; j < 40; ++j) {
        if (kept(0, j, 0.5)) {
          EXPECT_FALSE(std::isfinite(y.at(0, j)));
        } else {
          EXPECT_EQ(y.at(0, j), Real(0));
        }
      }
    }
  }
}

TEST(Noise, RefusesBadRates) {
  const auto text_of = [](const char* name, const Values& given) {
    const Created created = create(find_component(AESWEEP_LAYER, name), AESWEEP_F32, given);
    EXPECT_EQ(created.status, AESWEEP_INVALID_PARAMETER);
    return created.text;
  };
  EXPECT_EQ(text_of("dropout", {{"rate", 1.0}}), "rate: 1 is not in [0, 1)");
  EXPECT_EQ(text_of("masking_noise", {{"rate", -0.5}}), "rate: -0.5 is not in [0, 1]");
  EXPECT_EQ(text_of("gaussian_noise", {{"sigma", -1.0}}), "sigma: -1 is not in [0, inf]");
}

}  // namespace
}  // namespace aesweep::test
