// Proves that networks with viewed tensors, with rounds for training only and with penalties that
// read parameters give the gradient of their training loss (4th-order differences in double over
// all weights), and that evaluation uses running buffers and runs no round: against a closed form.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/gradient_check.hpp"
#include "tests/train/view_components.hpp"
#include "tests/train/view_specs.hpp"
#include "tests/train/whole_batch.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = WholeBatch::kCols;
constexpr std::int64_t kRows = WholeBatch::kRows;

TEST(ViewGradient, AgreesWithCentralDifferences) {
  for (ViewCase& c : view_cases(kCols, 6)) {
    SCOPED_TRACE(c.name);
    c.spec.model.scalar = Scalar::kF64;
    WholeBatch batch(c.spec, view_catalogue());
    const std::vector<double> weights = batch.weights();
    const std::vector<double> gradient = batch.gradient();
    const auto loss = [&](std::span<const double> x) {
      batch.set_weights(x);
      return batch.training_loss();
    };
    GradientCheckOptions options;
    // The longest chain of additions: a dot product per layer, a row, the rows, the shards.
    options.roundings = 20.0 + 5.0 * kCols + kRows;
    EXPECT_TRUE(gradient_matches(loss, weights, gradient, options));
  }
}

// The viewed tensor is one: its gradient is the sum of those of an untied twin that starts alike.
TEST(ViewGradient, OfATiedTensorIsTheSumOverAnUntiedTwin) {
  TrialSpec spec = view_cases(kCols, 6)[0].spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.layers = {dense("code", 5, "tanh"), tied("output", "code/weights")};
  spec.model.layers[1].layer.parameters.emplace_back("bias", false);
  WholeBatch tied_batch(spec, view_catalogue());
  spec.model.layers[1] = dense("output", kCols, "tanh");
  spec.model.layers[1].layer.parameters.emplace_back("bias", false);
  WholeBatch untied(spec, view_catalogue());
  // weights [9 x 5], bias [5]; the twin's output weights [5 x 9] are the transpose.
  const std::vector<double> start = tied_batch.weights();
  std::vector<double> twin = start;
  for (std::size_t j = 0; j < 5; ++j) {
    for (std::size_t i = 0; i < 9; ++i) twin.push_back(start[i * 5 + j]);
  }
  untied.set_weights(twin);
  const std::vector<double> together = tied_batch.gradient();
  const std::vector<double> apart = untied.gradient();
  for (std::size_t i = 0; i < 9; ++i) {
    for (std::size_t j = 0; j < 5; ++j) {
      const double sum = apart[i * 5 + j] + apart[50 + j * 9 + i];
      // Sums of products over rows and columns, in another order.
      EXPECT_NEAR(together[i * 5 + j], sum, 40 * 2.3e-16 * (std::abs(sum) + 1.0));
    }
  }
}

TEST(TrainOnlyRounds, EvaluationUsesTheBuffersAndRunsNoRound) {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {{"reduction", std::string("mean")}}};
  spec.model.layers = {norm("code")};
  spec.optimizer = {"sgd", {{"lr", 0.0}}};
  WholeBatch batch(spec, view_catalogue());
  const std::vector<double> w = batch.weights();
  static_cast<void>(batch.gradient());
  const auto* x = reinterpret_cast<const double*>(batch.dataset().train.samples);
  long double loss = 0.0L;
  for (std::int64_t j = 0; j < kCols; ++j) {
    long double mean = 0.0L;
    long double square = 0.0L;
    for (std::int64_t i = 0; i < kRows; ++i) mean += x[i * kCols + j] / 13.0L;
    for (std::int64_t i = 0; i < kRows; ++i) {
      square += (x[i * kCols + j] - mean) * (x[i * kCols + j] - mean) / 13.0L;
    }
    // One step from mean 0 and variance 1.
    const long double m = 0.1L * mean;
    const long double v = 0.9L + 0.1L * square;
    EXPECT_NEAR(batch.trainer().parameters().buffer(0)[j], static_cast<double>(m), 1e-15);
    EXPECT_NEAR(batch.trainer().parameters().buffer(1)[j], static_cast<double>(v), 1e-14);
    for (std::int64_t i = 0; i < kRows; ++i) {
      const long double y =
          w[static_cast<std::size_t>(j)] * (x[i * kCols + j] - m) / std::sqrt(v + 0.01L) +
          w[static_cast<std::size_t>(kCols + j)];
      loss += (y - x[i * kCols + j]) * (y - x[i * kCols + j]) / (13.0L * kCols);
    }
  }
  // The component itself fails if a round runs in evaluation or statistics are not NaN there.
  const double evaluated = batch.loss();
  EXPECT_NEAR(evaluated, static_cast<double>(loss), 40 * 2.3e-16 * evaluated);
}

}  // namespace
}  // namespace aesweep::test
