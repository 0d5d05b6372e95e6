// Proves the optimizers: twenty steps against PyTorch (bop against its definition; the numbers come
// from reference/optimizers.py), closed forms under a constant gradient, the recurrence of adam in
// long double, what a rate factor of 0 leaves alone, and bits free of cuts.
#include <algorithm>

#include "tests/plugins/golden.hpp"
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
    aesweep_context context = make_context(1, 0, step);
    context.rate_factor = rate_factor;
    aesweep_block block = make_block(count);
    block.flags = flags;
    block.first = first;
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
  double rate_factor = 1.0;
  std::uint32_t flags = AESWEEP_MAY_DECAY;
};

// Every optimizer in every form, by the name of its case in reference/optimizers.txt.
struct Form {
  std::string golden;
  std::string component;
  Values given;
};
const Form kForms[] = {
    {"sgd", "sgd", {{"lr", 0.05}}},
    {"sgd_momentum", "sgd", {{"lr", 0.05}, {"momentum", 0.9}}},
    {"nesterov", "nesterov", {{"lr", 0.05}, {"momentum", 0.9}}},
    {"adagrad", "adagrad", {{"lr", 0.05}, {"epsilon", 1e-10}}},
    {"adam", "adam", {{"lr", 0.05}}},
    {"adamw", "adamw", {{"lr", 0.05}, {"weight_decay", 0.1}}},
    {"adamax", "adamax", {{"lr", 0.05}}},
    {"rmsprop", "rmsprop", {{"lr", 0.05}}},
    {"rmsprop_momentum", "rmsprop", {{"lr", 0.05}, {"alpha", 0.9}, {"momentum", 0.9}}},
    {"rmsprop_centered", "rmsprop", {{"lr", 0.05}, {"alpha", 0.9}, {"centered", std::int64_t{1}}}},
    {"rmsprop_both",
     "rmsprop",
     {{"lr", 0.05}, {"alpha", 0.9}, {"momentum", 0.9}, {"centered", std::int64_t{1}}}},
    {"bop", "bop", {{"gamma", 0.125}, {"threshold", 0.0625}}},
};

template <class Real>
std::vector<Real> converted(const std::vector<double>& from, std::size_t first, std::size_t count) {
  std::vector<Real> to;
  for (std::size_t i = 0; i < count; ++i) to.push_back(static_cast<Real>(from[first + i]));
  return to;
}

// `count` weights and as many gradients that cover a few sizes.
template <class Real>
std::pair<std::vector<Real>, std::vector<Real>> scattered(std::size_t count) {
  std::vector<Real> w, g;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(count); ++i) {
    w.push_back(static_cast<Real>(scatter(i, 0)));
    g.push_back(
        static_cast<Real>(scatter(i, 1) * std::pow(10.0, static_cast<double>(i % 5) - 2.0)));
  }
  return {w, g};
}

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

TYPED_TEST(OptimizerOf, FollowsPyTorchForTwentySteps) {
  using Real = TypeParam;
  const auto golden = read_golden("optimizers");
  const GoldenCase& start = golden.at("given");
  const std::size_t count = start.at("weights").size();
  for (const Form& form : kForms) {
    for (const char* path : {"path", "scheduled"}) {
      if (!golden.at(form.golden).contains(path)) continue;
      SCOPED_TRACE(form.golden + " " + path);
      const std::vector<double>& expected = golden.at(form.golden).at(path);
      Trained<Real> trained(form.component, form.given,
                            converted<Real>(start.at("weights"), 0, count));
      std::vector<double> size(count, 0.0);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        size[i % count] = std::max(size[i % count], std::abs(expected[i]));
      }
      for (std::size_t t = 0; t * count < expected.size(); ++t) {
        if (path == std::string("scheduled")) trained.rate_factor = start.at("rate_factors")[t];
        trained.step(t, converted<Real>(start.at("gradients"), t * count, count));
        for (std::size_t i = 0; i < count; ++i) {
          // Weights are no larger than size, steps than twice that.
          EXPECT_NEAR(trained.w[i], expected[t * count + i],
                      step_bound<Real>(static_cast<int>(t + 1), 3.0 * size[i]))
              << t << " " << i;
        }
      }
    }
  }
}

TYPED_TEST(OptimizerOf, BitsDoNotDependOnCuts) {
  using Real = TypeParam;
  const std::size_t count = 203;
  for (const Form& form : kForms) {
    SCOPED_TRACE(form.golden);
    const auto [w, g] = scattered<Real>(count);
    Trained<Real> whole(form.component, form.given, w), cut(form.component, form.given, w);
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

TYPED_TEST(OptimizerOf, RateFactorZeroLeavesWeightsAlone) {
  using Real = TypeParam;
  for (const Form& form : kForms) {
    SCOPED_TRACE(form.golden);
    auto [w, g] = scattered<Real>(37);
    if (form.component == "bop") {
      for (Real& one : w) one = one < Real(0) ? Real(-1) : Real(1);
    }
    Trained<Real> trained(form.component, form.given, w);
    for (std::uint64_t t = 0; t < 3; ++t) trained.step(t, g);
    EXPECT_FALSE(same_bits(trained.w, w));
    w = trained.w;
    trained.rate_factor = 0.0;
    for (Real& one : g) one *= Real(-100);  // bop would flip back what it flipped.
    for (std::uint64_t t = 3; t < 6; ++t) trained.step(t, g);
    EXPECT_TRUE(same_bits(trained.w, w));
  }
}

TYPED_TEST(OptimizerOf, AdamWDecaysOnlyWhatMayDecay) {
  using Real = TypeParam;
  const auto [w, g] = scattered<Real>(37);
  Trained<Real> adam("adam", {{"lr", 0.125}}, w);
  Trained<Real> bias("adamw", {{"lr", 0.125}, {"weight_decay", 0.5}}, w);
  bias.flags = AESWEEP_MAY_QUANTIZE;
  Trained<Real> none("adamw", {{"lr", 0.125}, {"weight_decay", 0.0}}, w);
  Trained<Real> still("adamw", {{"lr", 0.125}, {"weight_decay", 0.5}}, w);
  for (std::uint64_t t = 0; t < 3; ++t) {
    for (auto* trained : {&adam, &bias, &none}) trained->step(t, g);
    still.step(t, std::vector<Real>(37, Real(0)));
  }
  EXPECT_TRUE(same_bits(bias.w, adam.w));
  EXPECT_TRUE(same_bits(none.w, adam.w));
  for (std::size_t i = 0; i < w.size(); ++i) {  // Three roundings, one per step.
    EXPECT_NEAR(still.w[i], std::pow(1.0 - 0.125 * 0.5, 3) * w[i], 2.0 * kEpsilon<Real>);
  }
}

TYPED_TEST(OptimizerOf, AdamaxWalksAtOneRateUnderAConstantGradient) {
  using Real = TypeParam;
  // m / (1 - beta1^t) is g at every t, and u is |g| + epsilon: epsilon is inside the norm.
  Trained<Real> adamax("adamax", {{"lr", 0.25}, {"beta1", 0.75}, {"epsilon", 0.5}},
                       {Real(1), Real(1), Real(1)});
  const std::vector<Real> g = {Real(3), Real(-0.5), Real(0)};
  for (std::uint64_t t = 0; t < 7; ++t) adamax.step(t, g);
  EXPECT_NEAR(adamax.w[0], 1.0 - 7.0 * 0.25 * 3.0 / 3.5, step_bound<Real>(7, 2.0));
  EXPECT_NEAR(adamax.w[1], 1.0 + 7.0 * 0.25 * 0.5 / 1.0, step_bound<Real>(7, 3.0));
  EXPECT_EQ(adamax.w[2], Real(1));
  EXPECT_EQ(adamax.state[1], (std::vector<Real>{Real(3.5), Real(1), Real(0.5)}));
}

TYPED_TEST(OptimizerOf, CenteredRmspropStaysFiniteUnderAConstantGradient) {
  using Real = TypeParam;
  // s and a^2 both tend to g^2, and rounding makes their difference negative at times.
  Trained<Real> trained("rmsprop", {{"lr", 0.0}, {"alpha", 0.5}, {"centered", std::int64_t{1}}},
                        std::vector<Real>(37, Real(1)));
  std::vector<Real> g;
  for (std::int64_t i = 0; i < 37; ++i) g.push_back(static_cast<Real>(scatter(i)));
  int negative = 0;
  for (std::uint64_t t = 0; t < 200; ++t) {
    trained.step(t, g);
    for (std::size_t i = 0; i < g.size(); ++i) {
      const Real a = trained.state[1][i];
      negative += trained.state[0][i] - a * a < Real(0);
    }
  }
  EXPECT_GT(negative, 0) << "the case does not occur";
  EXPECT_EQ(trained.w, std::vector<Real>(37, Real(1)));
}

TYPED_TEST(OptimizerOf, BopFlipsAboveTheThresholdOnly) {
  using Real = TypeParam;
  const Real nan = Real(std::nan("")), inf = Real(HUGE_VAL);
  // With gamma = 1, m is the gradient. Weights of +-1 flip where w m > 1/4, and not at it.
  Trained<Real> binary("bop", {{"gamma", 1.0}, {"threshold", 0.25}},
                       {Real(1), Real(1), Real(-1), Real(-1), Real(1), Real(1)});
  binary.step(0, {Real(0.25), Real(0.3125), Real(-0.25), Real(-0.3125), Real(-8), inf});
  EXPECT_EQ(binary.w, (std::vector<Real>{1, -1, -1, 1, 1, -1}));

  Trained<Real> spoiled("bop", {{"gamma", 1.0}, {"threshold", 0.25}}, {nan, Real(1), Real(-1)});
  spoiled.step(0, {Real(1), nan, nan});
  for (const Real w : spoiled.w) EXPECT_TRUE(std::isnan(w));

  // Others become their sign, after w m was compared with w as it was; of either zero, +1.
  Trained<Real> other("bop", {{"gamma", 1.0}, {"threshold", 0.25}},
                      {Real(0.125), Real(0.125), Real(-3), Real(0), Real(-0.0)});
  other.step(0, {Real(2), Real(2.5), Real(-0.125), Real(9), Real(9)});
  EXPECT_EQ(other.w, (std::vector<Real>{1, -1, 1, 1, 1}));
}

TYPED_TEST(OptimizerOf, AnEmptyBlockIsNoError) {
  using Real = TypeParam;
  for (const Form& form : kForms) {
    Trained<Real> trained(form.component, form.given, {Real(1)});
    trained.step(0, {Real(1)}, 0, 0);
    EXPECT_EQ(trained.w[0], Real(1));
  }
}

}  // namespace
}  // namespace aesweep::test
