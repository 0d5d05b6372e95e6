// Proves binary_connect: its limits, both samplings in training and evaluation, ties, draws that
// are Philox's and belong to places in the tensor whatever the cuts, probabilities that are exact
// at 0 and 1 and right in the mean; and the scaled, clipped update, against twenty steps of
// PyTorch's Adam (reference/optimizers.py).
#include <algorithm>

#include "core/sdk/philox.hpp"
#include "tests/plugins/golden.hpp"
#include "tests/plugins/harness.hpp"

namespace aesweep::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kStream = 0x123456789ABCDEF;
const Values kStochastic = {{"sampling", std::string("stochastic")}};

// Calls on a tensor of 3 columns, or on a part of it.
template <class Real>
class Connect {
 public:
  explicit Connect(const Values& given = {}) : live_(AESWEEP_QUANTIZER, "binary_connect", given) {
    live_.plan(1, 0);
    context = make_context(1, 0, 5);
    context.stream = kStream;
    const std::uint32_t flags = live_.component().flags;
    EXPECT_TRUE((flags & AESWEEP_RANDOM) != 0 && (flags & AESWEEP_READS_PREVIOUS) != 0);
    EXPECT_EQ(table().backward, nullptr) << "the gradient passes unchanged";
  }

  [[nodiscard]] aesweep_block block(std::uint64_t first, std::size_t count) const {
    return {sizeof(aesweep_block), 0, first, count, rows, cols};
  }

  std::vector<Real> quantize(const std::vector<Real>& w, std::uint64_t first = 0) {
    std::vector<Real> q(w.size());
    const aesweep_block part = block(first, w.size());
    live_.call(table().quantize, &context, &part, w.data(), q.data(), static_cast<void*>(nullptr));
    return q;
  }

  std::vector<Real> constrain(const std::vector<Real>& previous, std::vector<Real> w) {
    const aesweep_block part = block(0, w.size());
    live_.call(table().after_update, &context, &part, previous.data(), w.data());
    return w;
  }

  [[nodiscard]] const auto& table() const {
    return live_.template table<typename sdk::Abi<Real>::QuantizerTable>();
  }
  [[nodiscard]] void* instance() const { return live_.instance(); }

  aesweep_context context{};
  std::int64_t rows = 2;
  std::int64_t cols = 3;

 private:
  Live<Real> live_;
};

template <class Real>
class BinaryConnectOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(BinaryConnectOf, Scalars);

template <class Real>
std::vector<Real> weights_within_one(std::size_t count) {
  std::vector<Real> w;
  for (std::size_t i = 0; i < count; ++i) {
    w.push_back(static_cast<Real>(scatter(static_cast<std::int64_t>(i))));
  }
  return w;
}

TYPED_TEST(BinaryConnectOf, DeterministicTakesTheSignWithZeroPositive) {
  using Real = TypeParam;
  Connect<Real> connect(Values{{"limit", 0.25}});
  const Real tiny = std::numeric_limits<Real>::denorm_min();
  // The last two are so small that p = (w / H + 1) / 2 rounds to 1/2.
  const std::vector<Real> w = {Real(0),        Real(-0.0),      Real(7), Real(-7),
                               Real(HUGE_VAL), Real(-HUGE_VAL), tiny,    Real(-1e-30)};
  const Real h = Real(0.25);
  const std::vector<Real> expected = {h, h, h, -h, h, -h, h, -h};
  EXPECT_EQ(connect.quantize(w), expected);
  connect.context.mode = AESWEEP_EVAL;
  EXPECT_EQ(connect.quantize(w), expected);
  EXPECT_TRUE(std::isnan(connect.quantize({Real(kNan)})[0]));
}

TYPED_TEST(BinaryConnectOf, StochasticEvaluatesWithTheRealWeights) {
  using Real = TypeParam;
  Connect<Real> connect(kStochastic);
  connect.context.mode = AESWEEP_EVAL;
  const std::vector<Real> w = {Real(0.5), Real(-0.0), Real(kNan), Real(-3)};
  EXPECT_TRUE(same_bits(connect.quantize(w), w));
}

TYPED_TEST(BinaryConnectOf, GlorotLimitComesFromTheShape) {
  using Real = TypeParam;
  Connect<Real> connect(Values{{"limit_rule", std::string("glorot")}, {"limit", 9.0}});
  connect.rows = 784;
  connect.cols = 1024;
  const Real h = Real(std::sqrt(1.5 / 1808.0));
  EXPECT_EQ(connect.quantize({Real(1), Real(-1)}), (std::vector<Real>{h, -h}));
  EXPECT_EQ(connect.constrain({Real(0), Real(0)}, {Real(1), Real(-1)}), (std::vector<Real>{h, -h}));
}

TYPED_TEST(BinaryConnectOf, DrawsArePinned) {
  using Real = TypeParam;
  // From reference/binary_connect_draws.py, p = 1/2; the second starts within a block of four, and
  // its blocks' numbers need more than 32 bits.
  Connect<Real> connect(kStochastic);
  const std::vector<Real> zeros(16, Real(0));
  const auto drawn = [&](std::uint64_t first) {
    std::string signs;
    for (const Real q : connect.quantize(zeros, first)) signs += q > Real(0) ? '+' : '-';
    return signs;
  };
  EXPECT_EQ(drawn(0), "---++++-+++-++++");
  EXPECT_EQ(drawn((std::uint64_t{1} << 36) + 61), "---+--+--+-++-++");
}

TYPED_TEST(BinaryConnectOf, DrawsAreThoseOfPhilox) {
  using Real = TypeParam;
  Connect<Real> connect(Values{{"sampling", std::string("stochastic")}, {"limit", 0.5}});
  connect.context.step = (std::uint64_t{3} << 33) + 1;
  const auto w = weights_within_one<Real>(1003);
  const PhiloxKey key = stream_key(kStream, 0);
  // The second starts where a block's number fills its low word.
  for (const std::uint64_t first : {std::uint64_t{0}, (std::uint64_t{1} << 34) - 37}) {
    const auto q = connect.quantize(w, first);
    for (std::size_t i = 0; i < w.size(); ++i) {
      const std::uint64_t element = first + i;
      const auto words = philox(key, tensor_counter(connect.context.step, element));
      const double p = (static_cast<double>(w[i]) / 0.5 + 1.0) / 2.0;
      const double u = static_cast<double>(uniform_float(words[element % 4]));
      ASSERT_GT(std::abs(u - p), 2.0 * kEpsilon<float>) << "too near a tie to tell";
      EXPECT_EQ(q[i], u < p ? Real(0.5) : Real(-0.5)) << element;
    }
  }
}

TYPED_TEST(BinaryConnectOf, DrawsBelongToPlacesWhateverTheCuts) {
  using Real = TypeParam;
  Connect<Real> connect(kStochastic);
  const auto w = weights_within_one<Real>(301);
  const auto whole = connect.quantize(w);
  EXPECT_TRUE(same_bits(whole, connect.quantize(w))) << "no state";
  for (const std::size_t part : {1u, 7u, 32u, 61u, 64u}) {
    std::vector<Real> cut;
    for (std::size_t first = 0; first < w.size(); first += part) {
      const std::size_t count = std::min(part, w.size() - first);
      const auto at = w.begin() + static_cast<std::ptrdiff_t>(first);
      const auto q = connect.quantize({at, at + static_cast<std::ptrdiff_t>(count)}, first);
      cut.insert(cut.end(), q.begin(), q.end());
    }
    EXPECT_TRUE(same_bits(whole, cut)) << part;
  }
  ++connect.context.step;
  const auto later = connect.quantize(w);
  --connect.context.step;
  ++connect.context.stream;
  const auto other = connect.quantize(w);
  EXPECT_FALSE(same_bits(whole, later));
  EXPECT_FALSE(same_bits(whole, other));
  EXPECT_FALSE(same_bits(later, other));
}

TYPED_TEST(BinaryConnectOf, CertaintiesAreExact) {
  using Real = TypeParam;
  const double limit = 0.3;  // w / H is a quotient that rounds.
  Connect<Real> connect(Values{{"sampling", std::string("stochastic")}, {"limit", limit}});
  const Real h = static_cast<Real>(limit);
  for (const double size : {1.0, 1.5, HUGE_VAL}) {
    const Real w = static_cast<Real>(size) * h;
    for (std::uint64_t step = 0; step < 50; ++step) {
      connect.context.step = step;
      EXPECT_EQ(connect.quantize(std::vector<Real>(501, w)), std::vector<Real>(501, h));
      EXPECT_EQ(connect.quantize(std::vector<Real>(501, -w)), std::vector<Real>(501, -h));
    }
  }
  EXPECT_TRUE(std::isnan(connect.quantize({Real(kNan)})[0]));
}

TYPED_TEST(BinaryConnectOf, ADrawOfZeroIsNotBelowProbabilityZero) {
  using Real = TypeParam;
  const std::uint64_t element = 622'592;  // Found by search.
  const auto words = philox(stream_key(kStream, 0), tensor_counter(5, element));
  ASSERT_EQ(uniform_float(words[element % 4]), 0.0f);
  for (int k = 1; k < 100; ++k) {
    // A quotient by H gives -1 exactly; a product with 1 / H does not for some of these.
    const Real h = static_cast<Real>(k);
    Connect<Real> connect(
        Values{{"sampling", std::string("stochastic")}, {"limit", static_cast<double>(k)}});
    EXPECT_EQ(connect.quantize({-h}, element)[0], -h);
    EXPECT_EQ(connect.quantize({-h * (Real(1) - Real(4) * std::numeric_limits<Real>::epsilon())},
                               element)[0],
              h);
  }
}

TYPED_TEST(BinaryConnectOf, MeansAreTheWeights) {
  using Real = TypeParam;
  Connect<Real> connect(kStochastic);
  const std::size_t count = 100'000;
  for (const double w : {-0.9, -0.25, 0.0, 0.5, 0.99}) {
    double sum = 0.0;
    for (const Real q : connect.quantize(std::vector<Real>(count, static_cast<Real>(w)))) {
      EXPECT_EQ(std::abs(q), Real(1));
      sum += static_cast<double>(q);
    }
    // q has mean w and variance 1 - w^2: five standard errors, and 2^-23 for p in steps of 2^-24.
    const double n = static_cast<double>(count);
    EXPECT_NEAR(sum / n, w, 5.0 * std::sqrt((1.0 - w * w) / n) + 0x1p-23);
  }
}

TYPED_TEST(BinaryConnectOf, UpdateScalesTheStepThenClips) {
  using Real = TypeParam;
  Connect<Real> connect(Values{{"limit", 0.5}, {"step_scale", 4.0}});
  const Real nan = Real(kNan);
  const std::vector<Real> previous = {Real(0.25), Real(0.25), Real(-0.5), Real(0), Real(0)};
  auto w = connect.constrain(previous, {Real(0.3125), Real(0.375), Real(-1), Real(-0.125), nan});
  EXPECT_TRUE(std::isnan(w.back()));
  w.pop_back();
  EXPECT_EQ(w, (std::vector<Real>{Real(0.5), Real(0.5), Real(-0.5), Real(-0.5)}));
  // Scale 1 takes the weights as they are, to the bit, though previous + (w - previous) would
  // round.
  Connect<Real> plain;
  const std::vector<Real> start = {Real(1e8), Real(-1)}, moved = {Real(0.1), Real(1e-20)};
  EXPECT_TRUE(same_bits(plain.constrain(start, moved), moved));
}

TYPED_TEST(BinaryConnectOf, TwentyScaledStepsOfAdamAreThoseOfPyTorch) {
  using Real = TypeParam;
  const auto golden = read_golden("optimizers");
  const GoldenCase& start = golden.at("given");
  const std::size_t count = start.at("weights").size();
  const std::string glorot = "glorot";
  const std::vector<std::pair<std::string, Values>> cases = {
      {"path", {{"limit", 0.75}, {"step_scale", 6.0}}},
      {"glorot", {{"limit_rule", glorot}, {"step_scale_rule", glorot}}}};
  for (const auto& [key, given] : cases) {
    SCOPED_TRACE(key);
    Connect<Real> connect(given);
    connect.rows = 3;
    connect.cols = 2;
    Live<Real> adam(AESWEEP_OPTIMIZER, "adam", {{"lr", 0.01}});
    adam.plan(1, 0);
    const auto& update = adam.template table<typename sdk::Abi<Real>::OptimizerTable>().update;
    std::vector<Real> w, g(count), m(count), v(count);
    for (const double one : start.at("weights")) w.push_back(static_cast<Real>(one));
    const std::array<Real*, 2> slots = {m.data(), v.data()};
    for (std::size_t t = 0; t < 20; ++t) {
      for (std::size_t i = 0; i < count; ++i) {
        g[i] = static_cast<Real>(start.at("gradients")[t * count + i]);
      }
      const std::vector<Real> previous = w;
      const aesweep_context context = make_context(1, 0, t);
      const aesweep_block block = make_block(count);
      adam.call(update, &context, &block, w.data(), g.data(),
                static_cast<Real* const*>(slots.data()));
      w = connect.constrain(previous, w);
      for (std::size_t i = 0; i < count; ++i) {
        // Adam's own bound (optimizer_test.cpp: 24 roundings a step, of numbers up to 1), of which
        // the difference w - previous keeps the absolute size and the scale, 6, makes six times.
        EXPECT_NEAR(w[i], golden.at("binary_connect").at(key)[t * count + i],
                    6.0 * 24.0 * static_cast<double>(t + 1) * kEpsilon<Real>)
            << t << " " << i;
      }
    }
  }
}

TYPED_TEST(BinaryConnectOf, AScaleNeedsTheWeightsFromBefore) {
  using Real = TypeParam;
  Connect<Real> connect(Values{{"step_scale", 2.0}});
  Real w = Real(0.5);
  const aesweep_block block = connect.block(0, 1);
  ErrorText error;
  EXPECT_EQ(connect.table().after_update(connect.instance(), &connect.context, &block, nullptr, &w,
                                         &error.error),
            AESWEEP_UNSUPPORTED);
  EXPECT_EQ(error.str(), "step_scale: the host gives no weights from before the update");
  EXPECT_EQ(w, Real(0.5));
}

}  // namespace
}  // namespace aesweep::test
