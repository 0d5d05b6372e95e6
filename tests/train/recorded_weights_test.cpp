// Proves that a trial's recorded weights are the whole model: with learned tensors and running
// buffers, plain loops over them give the recorded reconstructions of a batch_norm network; that
// they have the same bits on any number of ranks; and that tensors which the results could not tell
// apart by name are refused before training.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "core/train/setup.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"
#include "tests/train/view_components.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 7;
constexpr std::int64_t kUnits = 5;

using Values = std::map<std::string, std::vector<double>>;

LayerSpec normalization(const std::string& name) {
  return {name, {"batch_norm", {}}, std::nullopt, {}, {}};
}

TrialSpec normalized() {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", kUnits, ""), normalization("norm"),
                       dense("output", kCols, "")};
  spec.optimizer = {"adam", {}};
  spec.train.epochs = 3;
  spec.train.batch_rows = 13;
  spec.train.shard_rows = 4;
  spec.record = {true, 1, 9};
  return spec;
}

Values values_by_name(const std::vector<NamedTensor>& tensors) {
  Values values;
  for (const NamedTensor& tensor : tensors) {
    std::vector<double>& of = values[tensor.name];
    of.resize(tensor.bytes.size() / sizeof(double));
    std::memcpy(of.data(), tensor.bytes.data(), tensor.bytes.size());
  }
  return values;
}

// x[row] w + b
std::vector<double> affine(const double* x, const std::vector<double>& w,
                           const std::vector<double>& b) {
  std::vector<double> y = b;
  for (std::size_t i = 0; i < w.size() / b.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) y[j] += x[i] * w[i * b.size() + j];
  }
  return y;
}

TEST(RecordedWeights, AreEnoughToEvaluateABatchNormModel) {
  const SmallData data(50, 20, kCols);
  const TrialResult result = run_group(normalized(), view_catalogue(), data.dataset(), 1);
  ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  Values w = values_by_name(result.weights_final);
  Values samples = values_by_name(result.samples);
  for (std::size_t s = 0; s < 9; ++s) {
    std::vector<double> h =
        affine(samples["inputs"].data() + s * kCols, w["code/weights"], w["code/bias"]);
    ASSERT_EQ(w["norm/running_mean"].size(), h.size());
    for (std::size_t j = 0; j < h.size(); ++j) {
      h[j] = w["norm/gain"][j] * (h[j] - w["norm/running_mean"][j]) /
                 std::sqrt(w["norm/running_variance"][j] + 1e-5) +
             w["norm/bias"][j];
    }
    const std::vector<double> y = affine(h.data(), w["output/weights"], w["output/bias"]);
    for (std::size_t j = 0; j < y.size(); ++j) {
      // About thirty roundings of values below 10 in size.
      EXPECT_NEAR(samples["reconstructions"][s * kCols + j], y[j], 30 * 10 * 1.2e-16);
    }
  }
  for (int ranks = 2; ranks <= 3; ++ranks) {
    expect_same_bits(result, run_group(normalized(), view_catalogue(), data.dataset(), ranks));
  }
}

TEST(RecordedWeights, AreLearnedTensorsThenBuffersBeforeAndAfter) {
  const SmallData data(50, 20, kCols);
  const TrialResult result = run_group(normalized(), view_catalogue(), data.dataset(), 2);
  std::vector<std::string> names;
  for (const NamedTensor& tensor : result.weights_initial) names.push_back(tensor.name);
  EXPECT_EQ(names, (std::vector<std::string>{"code/weights", "code/bias", "norm/gain", "norm/bias",
                                             "output/weights", "output/bias", "norm/running_mean",
                                             "norm/running_variance"}));
  Values initial = values_by_name(result.weights_initial);
  Values last = values_by_name(result.weights_final);
  EXPECT_EQ(initial["norm/running_mean"], std::vector<double>(kUnits, 0.0));
  EXPECT_EQ(initial["norm/running_variance"], std::vector<double>(kUnits, 1.0));
  EXPECT_NE(last["norm/running_mean"], initial["norm/running_mean"]);
  EXPECT_EQ(result.weights_final.size(), names.size());
}

// An activation's tensor code/activation/gain and the next layer's code_activation/gain.
TEST(RecordedWeights, NamesThatResultsCannotTellApartAreRefused) {
  TrialSpec spec = normalized();
  spec.model.layers[0] = dense("code", kUnits, "gain");
  spec.model.layers[1].name = "code_activation";
  const auto setup = set_up_trial<double>(spec, view_catalogue(), {50, 20, kCols}, 0, 1);
  ASSERT_FALSE(setup.ok());
  EXPECT_EQ(setup.status().fault(), Fault::kInput);
  EXPECT_EQ(setup.status().message(),
            "model.layers: the results would keep both code/activation/gain and "
            "code_activation/gain as code_activation_gain; rename a layer, or set record.weights "
            "to none");
  spec.record.weights = false;
  EXPECT_TRUE(set_up_trial<double>(spec, view_catalogue(), {50, 20, kCols}, 0, 1).ok());
}

}  // namespace
}  // namespace aesweep::test
