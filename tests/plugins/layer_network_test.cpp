// Proves that whole networks of the layers and regularizers beyond dense, l1 and l2 give the
// gradient of their training loss: against 4th-order differences in double over all weights, with
// shards of uneven size, noise and statistics of the global batch included.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/builtins.hpp"
#include "tests/support/gradient_check.hpp"
#include "tests/train/specs.hpp"
#include "tests/train/whole_batch.hpp"

namespace aesweep::test {
namespace {

LayerSpec layer(const std::string& name, const std::string& kind,
                std::vector<NamedParameter> parameters) {
  LayerSpec spec;
  spec.name = name;
  spec.layer = {kind, std::move(parameters)};
  return spec;
}

std::string word(const char* text) { return text; }

struct Case {
  std::string name;
  std::vector<LayerSpec> layers;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const LayerSpec masked = layer("noise", "masking_noise", {{"rate", 0.25}});
  const LayerSpec tied = layer("output", "tied_dense", {{"of", word("code")}});
  const LayerSpec wide = dense("code", 12, "sigmoid");
  for (const char* variant : {"variance", "deviation"}) {
    LayerSpec code = wide;
    code.regularizers = {regularizer("contractive", RegularizerTarget::kActivations,
                                     {{"coefficient", 0.1}, {"activation", word("sigmoid")}})};
    all.push_back(
        {word("norm of ") + variant,
         {masked, code, layer("norm", "batch_norm", {{"variant", word(variant)}, {"epsilon", 0.1}}),
          layer("drop", "dropout", {{"rate", 0.3}}), tied}});
  }
  for (const char* form : {"additive", "multiplicative"}) {
    all.push_back(
        {word("noise ") + form,
         {masked, wide, layer("more", "gaussian_noise", {{"sigma", 0.3}, {"form", word(form)}}),
          layer("norm", "batch_norm", {{"affine", false}}), tied}});
  }
  all.push_back({"tied to topk", {dense("code", 20, "topk", {{"k", std::int64_t{2}}}), tied}});
  const auto on_code = [&](const std::string& kind, std::vector<NamedParameter> parameters,
                           RegularizerTarget on = RegularizerTarget::kActivations) {
    LayerSpec code = dense("code", 6, "tanh");
    code.regularizers = {regularizer(kind, on, std::move(parameters))};
    all.push_back({kind, {code, dense("output", 0, "sigmoid")}});
  };
  on_code("hoyer", {{"coefficient", 0.5}});
  on_code("hoyer", {{"coefficient", 0.5}, {"form", word("square")}});
  on_code("elastic_net", {{"l1", 0.3}, {"l2", 0.2}});
  on_code("elastic_net", {{"l1", 0.3}, {"l2", 0.2}}, RegularizerTarget::kWeights);
  on_code("bit_balance", {{"coefficient", 2.0}});
  on_code("decorrelation", {{"coefficient", 2.0}});
  on_code("decorrelation", {{"coefficient", 0.5}, {"form", word("correlation")}});
  on_code("contractive", {{"coefficient", 0.5}, {"activation", word("tanh")}});
  return all;
}

TEST(LayerNetwork, GivesTheGradientOfItsTrainingLoss) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    TrialSpec spec;
    spec.model.scalar = Scalar::kF64;
    spec.model.loss = {"mse", {}};
    spec.model.layers = c.layers;
    spec.model.code = "code";
    spec.optimizer = {"sgd", {{"lr", 0.1}}};
    WholeBatch batch(spec, builtins());
    const std::vector<double> weights = batch.weights();
    const std::vector<double> gradient = batch.gradient();
    const auto loss = [&](std::span<const double> x) {
      batch.set_weights(x);
      return batch.training_loss();
    };
    GradientCheckOptions options;
    // The longest chain of additions: a dot product per layer, a row, the rows, the shards.
    options.roundings = 20.0 + 5.0 * WholeBatch::kCols + WholeBatch::kRows;
    EXPECT_TRUE(gradient_matches(loss, weights, gradient, options));
  }
}

}  // namespace
}  // namespace aesweep::test
