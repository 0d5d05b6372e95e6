// Proves what clipping does to a gradient: against the unclipped gradient of the same step, clipped
// here in long double; that it changes nothing while the gradient is within its bounds; and that it
// hides no infinity from the detection of divergence.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/train/trainer.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kRows = 30;
constexpr std::int64_t kCols = 40;

TrialSpec base() {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {{"reduction", std::string("row_sum")}}};
  spec.model.layers = {dense("code", 150, "tanh"), dense("output", 0, "sigmoid")};
  spec.model.layers[0].regularizers = {
      regularizer("l2", RegularizerTarget::kWeights, {{"coefficient", 0.5}})};
  spec.optimizer = {"sgd", {{"lr", 0.1}}};
  spec.train.batch_rows = kRows;
  spec.train.shard_rows = 7;
  return spec;
}

// By tensor: what the optimizer got in the first step, and the weights after it.
struct FirstStep {
  std::vector<std::vector<double>> gradients;
  std::vector<std::vector<double>> weights;
};

template <class T>
FirstStep first_step(TrialSpec spec) {
  spec.model.scalar = sizeof(T) == sizeof(float) ? Scalar::kF32 : Scalar::kF64;
  const SmallData data(kRows, kRows, kCols);
  SoloExchange exchange;
  auto setup = set_up_trial<T>(spec, probe_catalogue(), {kRows, kRows, kCols}, 0, 1);
  EXPECT_TRUE(setup.ok()) << setup.status().message();
  Trainer<T> trainer(spec, data.dataset(), exchange, std::move(setup).value());
  std::vector<std::int64_t> order(kRows);
  std::iota(order.begin(), order.end(), 0);
  SplitSums sums;
  trainer.begin_sums(sums);
  const StepOutcome outcome =
      trainer.train_batch(*trainer.setup().train().full, order, 0, 0, 0, sums);
  EXPECT_EQ(outcome.outcome, Outcome::kCompleted) << outcome.reason;
  FirstStep step;
  for (int t = 0; t < static_cast<int>(trainer.network().tensors().size()); ++t) {
    const std::size_t count = trainer.network().tensors()[static_cast<std::size_t>(t)].elements;
    const T* gradient = trainer.gradients().gradient(t);
    const T* weights = trainer.parameters().real(t);
    step.gradients.emplace_back(gradient, gradient + count);
    step.weights.emplace_back(weights, weights + count);
  }
  return step;
}

long double norm_of(const std::vector<std::vector<double>>& tensors) {
  long double sum = 0.0L;
  for (const auto& tensor : tensors) {
    for (const double g : tensor) sum += static_cast<long double>(g) * g;
  }
  return std::sqrt(sum);
}

// The factor comes from a sum in double of positive terms (relative error at most count eps / 2; a
// root halves it) and two roundings, the product from one more in T.
template <class T>
double relative_bound(const FirstStep& step) {
  std::size_t count = 0;
  for (const auto& tensor : step.gradients) count += tensor.size();
  return static_cast<double>(count) * std::numeric_limits<double>::epsilon() +
         2.0 * static_cast<double>(std::numeric_limits<T>::epsilon());
}

template <class T>
void expect_clipped(const ClipSpec& clip) {
  const FirstStep plain = first_step<T>(base());
  std::vector<std::vector<double>> expected = plain.gradients;
  std::size_t bounded = 0;
  if (clip.value > 0.0) {
    const double limit = static_cast<double>(static_cast<T>(clip.value));
    for (auto& tensor : expected) {
      for (double& g : tensor) {
        bounded += std::abs(g) > limit ? 1 : 0;
        g = std::clamp(g, -limit, limit);
      }
    }
    EXPECT_GT(bounded, 100u);
    EXPECT_LT(bounded, plain.gradients[0].size());
  }
  const long double norm = norm_of(expected);
  if (clip.norm > 0.0) {
    EXPECT_GT(norm, 1.2L * clip.norm);
    for (auto& tensor : expected) {
      for (double& g : tensor) g = static_cast<double>(g * (clip.norm / norm));
    }
  }
  TrialSpec spec = base();
  spec.train.clip = clip;
  const FirstStep clipped = first_step<T>(spec);
  const double bound = relative_bound<T>(plain);
  for (std::size_t t = 0; t < expected.size(); ++t) {
    for (std::size_t i = 0; i < expected[t].size(); ++i) {
      ASSERT_NEAR(clipped.gradients[t][i], expected[t][i], bound * std::abs(expected[t][i]))
          << t << ", " << i;
    }
    EXPECT_NE(clipped.weights[t], plain.weights[t]);
  }
}

template <class T>
void expect_every_clip() {
  const auto gradients = first_step<T>(base()).gradients;
  const double norm = static_cast<double>(norm_of(gradients));
  double largest = 0.0;
  for (const double g : gradients[0]) largest = std::max(largest, std::abs(g));
  expect_clipped<T>({norm / 4, 0.0});
  expect_clipped<T>({0.0, largest / 3});
  // The norm is that of the clipped values: it is well below the norm of all.
  expect_clipped<T>({norm / 4, largest / 3});
}

TEST(Clip, GradientsAreWhatTheFormulaeSay) {
  expect_every_clip<double>();
  expect_every_clip<float>();
}

TEST(Clip, BoundsThatAreNotReachedChangeNothing) {
  const FirstStep plain = first_step<float>(base());
  TrialSpec spec = base();
  spec.train.clip = {1e6, 1e300};  // The second is beyond a float.
  const FirstStep clipped = first_step<float>(spec);
  EXPECT_EQ(clipped.gradients, plain.gradients);
  EXPECT_EQ(clipped.weights, plain.weights);
}

TEST(Clip, InfinitiesStillEndTheTrialAsDiverged) {
  const SmallData data(2 * kRows, kRows, kCols);
  for (const ClipSpec clip : {ClipSpec{}, ClipSpec{1.0, 0.0}, {0.0, 1.0}, {1.0, 1.0}}) {
    TrialSpec spec = base();
    spec.model.layers[1].regularizers = {
        regularizer("explosive", RegularizerTarget::kWeights, {{"step", std::int64_t{1}}})};
    spec.train.clip = clip;
    for (int ranks = 1; ranks <= 3; ++ranks) {
      const TrialResult result = run_group(spec, probe_catalogue(), data.dataset(), ranks);
      EXPECT_EQ(result.outcome, Outcome::kDiverged);
      EXPECT_EQ(result.reason,
                "step 1: the gradient of output/weights is not finite (-inf in row 0, column 0)");
    }
  }
}

TEST(Clip, ImpossibleBoundsAreNamed) {
  for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    TrialSpec spec = base();
    spec.train.clip.norm = bad;
    auto setup = set_up_trial<float>(spec, probe_catalogue(), {kRows, kRows, kCols}, 0, 1);
    EXPECT_EQ(setup.status().message().rfind("train.clip.norm: ", 0), 0u);
    spec.train.clip = {0.0, bad};
    setup = set_up_trial<float>(spec, probe_catalogue(), {kRows, kRows, kCols}, 0, 1);
    EXPECT_EQ(setup.status().message().rfind("train.clip.value: ", 0), 0u);
  }
}

}  // namespace
}  // namespace aesweep::test
