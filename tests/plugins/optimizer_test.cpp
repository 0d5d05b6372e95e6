// Proves the optimizers: closed forms under a constant gradient, the recurrences in long double
// under a changing one, PyTorch's published placement of epsilon, and bits free of cuts.
#include <algorithm>

#include "tests/plugins/harness.hpp"

namespace aesweep::test {
namespace {

// Weights with their optimizer state, stepped through the ABI.
template <class Real>
class Trained {
 public:
  Trained(const std::string& name, const Values& given, std::vector<Real> weights)
      : live_(AESWEEP_OPTIMIZER, name, given), w(std::move(weights)) {
    live_.plan(1, 0);
    for (std::uint32_t i = 0; i < live_.planned().tensor_count; ++i) {
      EXPECT_EQ(live_.planned().tensors[i].role, std::uint32_t{AESWEEP_STATE});
      state.emplace_back(w.size(), static_cast<Real>(live_.planned().tensors[i].init_a));
    }
    EXPECT_TRUE((live_.component().flags & AESWEEP_BLOCKWISE) != 0);
  }

  // One step on elements [first, first + count).
  void step(std::uint64_t step, const std::vector<Real>& gradient, std::size_t first,
            std::size_t count) {
    const aesweep_context context = make_context(1, 0, step);
    const aesweep_block block = make_block(count);
    std::vector<Real*> slots;
    for (auto& slot : state) slots.push_back(slot.data() + first);
    const auto& table = live_.template table<typename sdk::Abi<Real>::OptimizerTable>();
    live_.call(table.update, &context, &block, w.data() + first, gradient.data() + first,
               static_cast<Real* const*>(slots.data()));
  }
  void step(std::uint64_t at, const std::vector<Real>& gradient) {
    step(at, gradient, 0, w.size());
  }

 private:
  Live<Real> live_;

 public:
  std::vector<Real> w;
  std::vector<std::vector<Real>> state;
};

template <class Real>
class OptimizerOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(OptimizerOf, Scalars);

// Every step adds a few roundings of the weight and of the accumulated step.
template <class Real>
double step_bound(int steps, double size) {
  return 8.0 * steps * kEpsilon<Real> * size;
}

TYPED_TEST(OptimizerOf, SgdSumsAGeometricSeries) {
  using Real = TypeParam;
  for (const double momentum : {0.0, 0.5, 0.9}) {
    Trained<Real> sgd("sgd", {{"lr", 0.125}, {"momentum", momentum}}, {Real(2), Real(-1), Real(0)});
    EXPECT_EQ(sgd.state.size(), momentum == 0.0 ? 0u : 1u);
    const std::vector<Real> g = {Real(0.5), Real(-4), Real(0)};
    double velocity = 0.0, travelled = 0.0;  // In units of lr * g.
    for (std::uint64_t t = 0; t < 6; ++t) {
      sgd.step(t, g);
      velocity = (1.0 - std::pow(momentum, static_cast<double>(t + 1))) / (1.0 - momentum);
      travelled += velocity;
    }
    EXPECT_NEAR(sgd.w[0], 2.0 - 0.125 * 0.5 * travelled, step_bound<Real>(6, 4.0));
    EXPECT_NEAR(sgd.w[1], -1.0 + 0.125 * 4.0 * travelled, step_bound<Real>(6, 12.0));
    EXPECT_EQ(sgd.w[2], Real(0));
  }
}

TYPED_TEST(OptimizerOf, AdagradShrinksWithTheRootOfTime) {
  using Real = TypeParam;
  Trained<Real> plain("adagrad", {{"lr", 0.5}, {"epsilon", 0.0}}, {Real(1), Real(1)});
  Trained<Real> started("adagrad", {{"lr", 0.5}, {"epsilon", 0.25}, {"initial_accumulator", 9.0}},
                        {Real(1), Real(1)});
  const std::vector<Real> g = {Real(4), Real(-0.001)};
  double travelled = 0.0;
  for (int t = 1; t <= 5; ++t) {
    plain.step(static_cast<std::uint64_t>(t - 1), g);
    travelled += 1.0 / std::sqrt(t);
  }
  EXPECT_NEAR(plain.w[0], 1.0 - 0.5 * travelled, step_bound<Real>(5, 2.0));
  EXPECT_NEAR(plain.w[1], 1.0 + 0.5 * travelled, step_bound<Real>(5, 3.0));
  started.step(0, g);  // s = 9 + 16, and epsilon stands outside the root.
  EXPECT_NEAR(started.w[0], 1.0 - 0.5 * 4.0 / (5.0 + 0.25), step_bound<Real>(1, 1.0));
  EXPECT_EQ(started.state[0][0], Real(25));
}

TYPED_TEST(OptimizerOf, AdamWalksAtOneRateUnderAConstantGradient) {
  using Real = TypeParam;
  // With bias correction the moments are g and g^2 at every t, so each step is
  // lr * g / (|g| + epsilon) whatever the betas.
  for (const double epsilon : {1e-8, 0.5}) {
    Trained<Real> adam("adam",
                       {{"lr", 0.25}, {"beta1", 0.75}, {"beta2", 0.9375}, {"epsilon", epsilon}},
                       {Real(1), Real(1), Real(1)});
    const std::vector<Real> g = {Real(3), Real(-1e-4), Real(0)};
    for (std::uint64_t t = 0; t < 7; ++t) adam.step(t, g);
    EXPECT_NEAR(adam.w[0], 1.0 - 7.0 * 0.25 * 3.0 / (3.0 + epsilon), step_bound<Real>(7, 2.0));
    EXPECT_NEAR(adam.w[1], 1.0 + 7.0 * 0.25 * 1e-4 / (1e-4 + epsilon), step_bound<Real>(7, 3.0));
    EXPECT_EQ(adam.w[2], Real(1));
  }
}

TYPED_TEST(OptimizerOf, AdamFollowsItsRecurrence) {
  using Real = TypeParam;
  const std::size_t count = 37;
  std::vector<Real> w;
  for (std::size_t i = 0; i < count; ++i)
    w.push_back(static_cast<Real>(scatter(0, static_cast<std::int64_t>(i))));
  std::vector<long double> expected(w.begin(), w.end()), m(count, 0.0L), v(count, 0.0L);
  Trained<Real> adam("adam", {{"lr", 0.01}}, w);
  for (std::uint64_t t = 1; t <= 5; ++t) {
    std::vector<Real> g;
    for (std::size_t i = 0; i < count; ++i) {
      g.push_back(
          static_cast<Real>(scatter(static_cast<std::int64_t>(t), static_cast<std::int64_t>(i))));
      m[i] = 0.9L * m[i] + 0.1L * g[i];
      v[i] = 0.999L * v[i] + 0.001L * g[i] * g[i];
      const long double first = m[i] / (1.0L - std::pow(0.9L, t));
      const long double second = v[i] / (1.0L - std::pow(0.999L, t));
      expected[i] -= 0.01L * first / (std::sqrt(second) + 1e-8L);
    }
    adam.step(t - 1, g);
  }
  for (std::size_t i = 0; i < count; ++i) {
    // |w| < 2; m may cancel, so its rounding counts relative to its largest terms: |m| <= 1 against
    // a root of at least |g| / 30, for 5 steps of 0.01: the same bound as for a weight of size 2.
    EXPECT_NEAR(adam.w[i], expected[i], step_bound<Real>(5, 2.0)) << i;
  }
}

TYPED_TEST(OptimizerOf, BitsDoNotDependOnCuts) {
  using Real = TypeParam;
  const std::size_t count = 203;
  const std::vector<std::pair<std::string, Values>> all = {
      {"sgd", {}}, {"sgd", {{"momentum", 0.9}}}, {"adagrad", {}}, {"adam", {}}};
  for (const auto& [name, given] : all) {
    SCOPED_TRACE(name);
    std::vector<Real> w, g;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(count); ++i) {
      w.push_back(static_cast<Real>(scatter(i, 0)));
      g.push_back(static_cast<Real>(scatter(i, 1)));
    }
    Trained<Real> whole(name, given, w), cut(name, given, w);
    for (std::uint64_t t = 0; t < 4; ++t) {
      whole.step(t, g);
      for (std::size_t first = 0; first < count; first += 13) {
        cut.step(t, g, first, std::min<std::size_t>(13, count - first));
      }
    }
    EXPECT_TRUE(same_bits(whole.w, cut.w));
    for (std::size_t i = 0; i < whole.state.size(); ++i) {
      EXPECT_TRUE(same_bits(whole.state[i], cut.state[i]));
    }
  }
}

TYPED_TEST(OptimizerOf, AnEmptyBlockIsNoError) {
  using Real = TypeParam;
  for (const char* name : {"sgd", "adagrad", "adam"}) {
    Trained<Real> trained(name, {}, {Real(1)});
    trained.step(0, {Real(1)}, 0, 0);
    EXPECT_EQ(trained.w[0], Real(1));
  }
}

}  // namespace
}  // namespace aesweep::test
