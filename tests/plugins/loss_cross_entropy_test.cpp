// Proves cross_entropy, and huber beside it, against PyTorch (loss_golden.inc); cross_entropy
// against long double also where the loss is tiny or huge, at infinities and of probabilities;
// gradients against differences; shares of shards; bits free of layout.
#include "tests/plugins/loss_live.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

using Rows = std::vector<std::vector<double>>;
using Long = long double;

struct Golden {
  std::string name;
  Rows prediction, target;
  double value;
  Rows gradient;
};

const std::vector<Golden>& goldens() {
  static const std::vector<Golden> all = {
#include "tests/plugins/loss_golden.inc"
  };
  return all;
}

template <class Real>
Grid<Real> grid(const Rows& rows) {
  Grid<Real> grid(static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size()),
                  3, 1);
  return grid.fill([&](auto i, auto j) {
    return rows[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
  });
}

template <class Real>
class CrossEntropyOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CrossEntropyOf, Scalars);

TYPED_TEST(CrossEntropyOf, FollowsPytorch) {
  using Real = TypeParam;
  for (const Golden& golden : goldens()) {
    SCOPED_TRACE(golden.name);
    const bool huber = golden.name.rfind("huber", 0) == 0;
    Values given;
    if (huber) given = {{"delta", std::stod(golden.name.substr(6))}};
    LossLive<Real> live(huber ? "huber" : "cross_entropy", given);
    const Grid<Real> p = grid<Real>(golden.prediction), t = grid<Real>(golden.target);
    Grid<Real> g(p.rows(), p.cols(), 1, 2);
    live.plan(p.rows(), p.cols(), p.cols());
    const auto out = g.out();
    const double value = live.evaluate(make_context(3), p.in(), t.in(), &out);
    // Predictions are exact in float. Exponents are exact, too; an exponential, a product and a
    // share of PyTorch's own roundings remain, relative to terms of at most the value's size and
    // (gradient) 1 / 3.
    EXPECT_NEAR(value, golden.value, 4.0 * kEpsilon<Real> * golden.value);
    for (std::int64_t i = 0; i < p.rows(); ++i) {
      for (std::int64_t j = 0; j < p.cols(); ++j) {
        const double expected =
            golden.gradient[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
        EXPECT_NEAR(g.at(i, j), expected, 4.0 * kEpsilon<Real> / 3.0) << i << " " << j;
      }
    }
  }
}

// Logits from moderate to huge, targets that are soft or one-hot, at the largest logit or
// elsewhere.
TYPED_TEST(CrossEntropyOf, MatchesLongDoubleOnAnyLayoutWithEqualBits) {
  using Real = TypeParam;
  for (const std::int64_t cols : {1, 2, 10, 37, 64}) {
    for (const double scale : {0.01, 1.0, 20.0, 1000.0}) {
      for (const std::int64_t rows : {0, 1, 37}) {
        LossLive<Real> live("cross_entropy", {});
        live.plan(37, cols, cols);
        double first_value = 0.0;
        std::vector<Real> first_gradient;
        for (const auto& [padding, offset] : {std::pair{0, 0}, {5, 1}, {16, 3}}) {
          Grid<Real> z(rows, cols, padding, offset), t(rows, cols, padding + 1, offset + 1);
          Grid<Real> g(rows, cols, padding + 2, offset + 2);
          // On a grid of sixteenths: differences of logits are exact.
          z.fill([&](auto i, auto j) { return std::round(16.0 * scale * scatter(i, j)) / 16.0; });
          t.fill([&](auto i, auto j) {
            return i % 2 == 0 ? (j == i % cols ? 1.0 : 0.0) : 0.5 * (scatter(i, j, 1) + 1.0);
          });
          const auto out = g.out();
          const double value = live.evaluate(make_context(40), z.in(), t.in(), &out);
          EXPECT_EQ(live.evaluate(make_context(40), z.in(), t.in()), value);
          EXPECT_TRUE(z.canaries_intact() && t.canaries_intact() && g.canaries_intact());
          if (offset == 0) first_value = value, first_gradient = g.values();
          EXPECT_EQ(value, first_value);
          EXPECT_TRUE(same_bits(g.values(), first_gradient));
          Long sum = 0;
          for (std::int64_t i = 0; i < rows; ++i) {
            Long most = z.at(i, 0), total = 0, targets = 0;
            for (std::int64_t j = 0; j < cols; ++j) most = std::max<Long>(most, z.at(i, j));
            for (std::int64_t j = 0; j < cols; ++j) {
              total += std::exp(z.at(i, j) - most);
              targets += t.at(i, j);
            }
            for (std::int64_t j = 0; j < cols; ++j) {
              const Long share = std::exp(z.at(i, j) - most) / total, wanted = t.at(i, j);
              sum += wanted * (std::log(total) - (z.at(i, j) - most));
              // Six roundings of terms of these sizes, and the total's.
              EXPECT_NEAR(
                  g.at(i, j), static_cast<double>((targets * share - wanted) / 40),
                  4.0 * kEpsilon<Real> * static_cast<double>(targets * share + wanted) / 40.0 +
                      1e-38);
            }
          }
          // An exponential's error in the logarithm of the total; the rest is in double.
          const auto expected = static_cast<double>(sum / 40);
          EXPECT_NEAR(value, expected,
                      1.5 * kEpsilon<Real> * (expected + 1.0) + 40 * kEpsilon<double> * expected);
        }
      }
    }
  }
}

// A row whose wanted class leads by `lead`: loss ln(1 + (D - 1) exp(-lead)), in full precision
// where 1 - softmax would be 0.
TYPED_TEST(CrossEntropyOf, KeepsTheDigitsOfASmallLoss) {
  using Real = TypeParam;
  const std::int64_t cols = 10;
  for (const double lead : {5.0, 20.0, 60.0, 80.0}) {
    LossLive<Real> live("cross_entropy", {});
    live.plan(1, cols, cols);
    Grid<Real> z(1, cols), t(1, cols), g(1, cols);
    z.fill([&](auto, auto j) { return j == 3 ? 1.0 + lead : 1.0; });
    t.fill([](auto, auto j) { return j == 3 ? 1.0 : 0.0; });
    const auto out = g.out();
    const double others = 9.0 * std::exp(-lead);
    EXPECT_NEAR(live.evaluate(make_context(1), z.in(), t.in(), &out), std::log1p(others),
                3.0 * kEpsilon<Real> * others);
    for (std::int64_t j = 0; j < cols; ++j) {
      const double expected = (j == 3 ? -others : others / 9.0) / (1.0 + others);
      EXPECT_NEAR(g.at(0, j), expected, 4.0 * kEpsilon<Real> * std::abs(expected)) << lead;
    }
  }
}

TYPED_TEST(CrossEntropyOf, InfiniteLogitsGiveTheLimits) {
  using Real = TypeParam;
  const double inf = std::numeric_limits<double>::infinity();
  const double most = static_cast<double>(std::numeric_limits<Real>::max());
  struct Row {
    std::vector<double> z, t;
    double value;
    std::vector<double> gradient;
  };
  const std::vector<Row> cases = {{{inf, 0, 1}, {1, 0, 0}, 0.0, {0, 0, 0}},
                                  {{inf, 0, 1}, {0, 1, 0}, inf, {1, -1, 0}},
                                  {{-inf, 0, 0}, {0, 1, 0}, std::log(2.0), {0, -0.5, 0.5}},
                                  {{-inf, 0, 0}, {1, 0, 0}, inf, {-1, 0.5, 0.5}},
                                  {{inf, inf, 0}, {1, 0, 0}, std::log(2.0), {-0.5, 0.5, 0}},
                                  {{most, 0, 0}, {0, 1, 0}, most, {1, -1, 0}},
                                  {{0, 1, 5}, {0, 0, 0}, 0.0, {0, 0, 0}}};
  for (const Row& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.z) + testing::PrintToString(c.t));
    LossLive<Real> live("cross_entropy", {});
    live.plan(1, 3, 3);
    const Grid<Real> z = grid<Real>({c.z}), t = grid<Real>({c.t});
    Grid<Real> g(1, 3);
    const auto out = g.out();
    const double value = live.evaluate(make_context(1), z.in(), t.in(), &out);
    if (std::isinf(c.value)) {
      EXPECT_EQ(value, c.value);
    } else {
      EXPECT_NEAR(value, c.value, kEpsilon<Real> * c.value);
    }
    for (std::int64_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(g.at(0, j), c.gradient[static_cast<std::size_t>(j)], kEpsilon<Real>);
    }
  }
  LossLive<Real> live("cross_entropy", {});
  live.plan(1, 3, 3);
  const Grid<Real> z = grid<Real>({{0, std::nan(""), 1}}), t = grid<Real>({{1, 0, 0}});
  EXPECT_TRUE(std::isnan(live.evaluate(make_context(1), z.in(), t.in())));
}

TYPED_TEST(CrossEntropyOf, TakesProbabilitiesClippedAsStated) {
  using Real = TypeParam;
  LossLive<Real> live("cross_entropy", {{"from_logits", 0}});
  live.plan(2, 3, 3);
  const Grid<Real> p = grid<Real>({{0.25, 0.75, 0.0}, {0.0, 1.0, 0.0}});
  const Grid<Real> t = grid<Real>({{0.5, 0.5, 0.0}, {1.0, 0.0, 0.0}});
  Grid<Real> g(2, 3, 1, 1);
  const auto out = g.out();
  const double expected = (-0.5 * std::log(0.25) - 0.5 * std::log(0.75) + 100.0) / 2.0;
  EXPECT_NEAR(live.evaluate(make_context(2), p.in(), t.in(), &out), expected,
              2.0 * kEpsilon<Real> * expected);
  const double gradient[] = {-1.0, -1.0 / 3.0, 0.0, -0.5e12, 0.0, 0.0};
  for (std::int64_t k = 0; k < 6; ++k) {
    EXPECT_NEAR(g.at(k / 3, k % 3), gradient[k], 2.0 * kEpsilon<Real> * std::abs(gradient[k]));
  }
  for (const auto& [bad, text] : {std::pair{-0.25, "-0.25"}, {1.5, "1.5"}}) {
    const Grid<Real> wrong = grid<Real>({{0.25, 0.75, 0.0}, {0.0, 1.0, bad}});
    ErrorText error;
    double value = 0.0;
    const aesweep_context context = make_context(2);
    const auto in = wrong.in(), aim = t.in();
    const auto& table = live.template table<typename sdk::Abi<Real>::LossTable>();
    EXPECT_EQ(table.evaluate(live.instance(), &context, &live.memory(), &in, &aim, nullptr, &value,
                             nullptr, &error.error),
              AESWEEP_NUMERIC);
    EXPECT_EQ(error.str(), std::string("prediction ") + text +
                               " (row 1, column 2) is not in [0, 1]: end the network with softmax, "
                               "or set from_logits: true");
  }
}

TEST(CrossEntropy, GradientMatchesDifferencesAndSharesAddUp) {
  const std::int64_t rows = 9, cols = 10;
  for (const std::int64_t from_logits : {0, 1}) {
    LossLive<double> live("cross_entropy", {{"from_logits", from_logits}});
    live.plan(rows, cols, cols);
    Grid<double> p(rows, cols), t(rows, cols), g(rows, cols), parts(rows, cols);
    p.fill([&](auto i, auto j) {
      return from_logits == 1 ? 3.0 * scatter(i, j) : 0.5 + 0.4 * scatter(i, j);
    });
    t.fill([](auto i, auto j) { return 0.1 * (scatter(i, j, 1) + 1.0); });
    const auto out = g.out();
    const double value = live.evaluate(make_context(rows), p.in(), t.in(), &out);
    EXPECT_TRUE(gradient_matches(
        [&](std::span<const double> point) {
          Grid<double> at(rows, cols);
          at.fill([&](auto i, auto j) { return point[static_cast<std::size_t>(i * cols + j)]; });
          return live.evaluate(make_context(rows), at.in(), t.in());
        },
        p.values(), g.values()));
    double sum = 0.0;
    for (std::int64_t first = 0; first < rows; first += 4) {
      const std::int64_t count = std::min<std::int64_t>(4, rows - first);
      const auto part = parts.out(first, count);
      sum += live.evaluate(make_context(rows, static_cast<std::uint64_t>(first)),
                           p.in(first, count), t.in(first, count), &part);
    }
    EXPECT_NEAR(sum, value, 100.0 * kEpsilon<double> * value);  // Two orders of 90 doubles.
    EXPECT_TRUE(same_bits(parts.values(), g.values()));
  }
}

}  // namespace
}  // namespace aesweep::test
