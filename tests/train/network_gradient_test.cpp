// Proves that whole networks give the gradient of their total loss: against 4th-order differences
// in double, over all weights, with every loss and penalty, with shards of uneven size.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/builtins.hpp"
#include "tests/support/gradient_check.hpp"
#include "tests/train/specs.hpp"
#include "tests/train/whole_batch.hpp"

namespace aesweep::test {
namespace {

TrialSpec base() {
  TrialSpec spec;
  spec.model.scalar = Scalar::kF64;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", 6, "tanh"), dense("output", 0, "sigmoid")};
  spec.optimizer = {"sgd", {{"lr", 0.1}}};
  return spec;
}

struct Case {
  std::string name;
  TrialSpec spec;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const std::string& name, auto change) {
    TrialSpec spec = base();
    change(spec);
    all.push_back({name, spec});
  };
  const auto code_penalty = [&](const std::string& name, const std::string& kind,
                                std::vector<NamedParameter> parameters) {
    add(name, [&](TrialSpec& s) {
      s.model.layers[0].regularizers = {
          regularizer(kind, RegularizerTarget::kActivations, parameters)};
    });
  };
  const std::string sum = "sum";
  const std::string mean = "mean";
  add("tanh_mse", [](TrialSpec&) {});
  add("mse_row_sum", [](TrialSpec& s) {
    s.model.loss = {"mse", {{"reduction", std::string("row_sum")}}};
  });
  add("bce", [](TrialSpec& s) { s.model.loss = {"binary_cross_entropy", {}}; });
  add("bce_logits", [](TrialSpec& s) {
    s.model.loss = {"binary_cross_entropy", {{"from_logits", true}}};
    s.model.layers[1].activation = std::nullopt;
  });
  add("leaky_relu", [](TrialSpec& s) {
    s.model.layers[0].activation = ComponentSpec{"leaky_relu", {{"slope", 0.1}}};
  });
  add("topk", [](TrialSpec& s) {
    s.model.layers[0] = dense("code", 20, "topk", {{"k", std::int64_t{2}}});
  });
  add("topk_dense_path", [](TrialSpec& s) {
    s.model.layers[0] = dense("code", 6, "topk", {{"k", std::int64_t{3}}});
  });
  add("no_bias_deep", [](TrialSpec& s) {
    s.model.layers = {dense("in", 8, "sigmoid"), dense("code", 3, "tanh"), dense("up", 8, "tanh"),
                      dense("output", 0, "identity")};
    s.model.layers[2].layer.parameters.emplace_back("bias", false);
  });
  code_penalty("l1_mean", "l1", {{"coefficient", 0.3}, {"reduction", mean}});
  code_penalty("l1_sum", "l1", {{"coefficient", 0.3}, {"reduction", sum}});
  code_penalty("l2_mean", "l2", {{"coefficient", 0.3}, {"reduction", mean}});
  code_penalty("kl_tanh", "kl_sparsity",
               {{"coefficient", 0.7}, {"rho", 0.2}, {"range", std::string("symmetric")}});
  for (const std::string kind : {"l1", "l2"}) {
    for (const std::string& reduction : {sum, mean}) {
      add(kind + "_weights_" + reduction, [&](TrialSpec& s) {
        for (LayerSpec& layer : s.model.layers) {
          layer.regularizers = {regularizer(kind, RegularizerTarget::kWeights,
                                            {{"coefficient", 0.2}, {"reduction", reduction}})};
        }
      });
    }
  }
  add("kl_sigmoid_with_decay", [](TrialSpec& s) {
    s.model.layers[0].activation = ComponentSpec{"sigmoid", {}};
    s.model.layers[0].regularizers = {
        regularizer("kl_sparsity", RegularizerTarget::kActivations,
                    {{"coefficient", 3.0}, {"rho", 0.05}}),
        regularizer("l2", RegularizerTarget::kWeights, {{"coefficient", 0.1}})};
  });
  return all;
}

TEST(NetworkGradient, AgreesWithCentralDifferences) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    WholeBatch batch(c.spec, builtins());
    const std::vector<double> weights = batch.weights();
    const std::vector<double> gradient = batch.gradient();
    const auto loss = [&](std::span<const double> x) {
      batch.set_weights(x);
      return batch.loss();
    };
    GradientCheckOptions options;
    // The longest chain of additions: a dot product, a row, the rows, the shards.
    options.roundings = 20.0 + WholeBatch::kCols + WholeBatch::kRows;
    EXPECT_TRUE(gradient_matches(loss, weights, gradient, options));
  }
}

}  // namespace
}  // namespace aesweep::test
