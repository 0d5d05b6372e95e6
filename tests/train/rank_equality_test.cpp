// Proves that a trial's bits do not depend on the number of ranks: every regularizer, optimizer and
// quantizer, batches with uneven shards, ranks without shards; ranks are threads with random
// delays.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/builtins.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

TrialSpec base_spec() {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", 70, "tanh"), dense("output", 0, "sigmoid")};
  spec.optimizer = {"adam", {{"lr", 1e-2}}};
  spec.train.epochs = 2;
  spec.train.batch_rows = 37;
  spec.train.shard_rows = 5;
  spec.train.seed = 7;
  return spec;
}

struct Case {
  std::string name;
  TrialSpec spec;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const std::string& name, auto change) {
    TrialSpec spec = base_spec();
    change(spec);
    all.push_back({name, std::move(spec)});
  };
  const auto on_code = [](const std::string& kind, std::vector<NamedParameter> parameters) {
    return [=](TrialSpec& spec) {
      spec.model.layers[0].regularizers = {
          regularizer(kind, RegularizerTarget::kActivations, parameters)};
    };
  };
  const auto on_weights = [](const std::string& kind, const std::string& reduction) {
    return [=](TrialSpec& spec) {
      for (LayerSpec& layer : spec.model.layers) {
        layer.regularizers = {regularizer(kind, RegularizerTarget::kWeights,
                                          {{"coefficient", 1e-3}, {"reduction", reduction}})};
      }
    };
  };
  add("adam", [](TrialSpec&) {});
  add("f64", [](TrialSpec& s) { s.model.scalar = Scalar::kF64; });
  add("sgd_momentum", [](TrialSpec& s) {
    s.optimizer = {"sgd", {{"lr", 0.1}, {"momentum", 0.9}}};
  });
  add("adagrad", [](TrialSpec& s) { s.optimizer = {"adagrad", {{"lr", 0.05}}}; });
  add("l1_mean", on_code("l1", {{"coefficient", 1e-2}, {"reduction", std::string("mean")}}));
  add("l1_sum", on_code("l1", {{"coefficient", 1e-2}, {"reduction", std::string("sum")}}));
  add("l2_activations", on_code("l2", {{"coefficient", 1e-2}}));
  add("kl", on_code("kl_sparsity",
                    {{"coefficient", 0.5}, {"rho", 0.1}, {"range", std::string("symmetric")}}));
  add("softmax_kl", on_code("softmax_kl", {{"coefficient", 3.0}}));
  add("l1_weights", on_weights("l1", "sum"));
  add("l2_weights", on_weights("l2", "mean"));
  add("binary_weights", [](TrialSpec& s) {
    s.model.layers[0].quantizer = ComponentSpec{"binary", {{"limit", 0.3}}};
  });
  add("topk", [](TrialSpec& s) {
    s.model.layers[0].activation = ComponentSpec{"topk", {{"k", std::int64_t{5}}}};
  });
  add("bce_relu", [](TrialSpec& s) {
    s.model.loss = {"binary_cross_entropy", {}};
    s.model.layers[0].activation = ComponentSpec{"relu", {}};
  });
  add("deep", [](TrialSpec& s) {
    s.model.layers = {dense("in", 50, "leaky_relu"), dense("code", 3, "tanh"),
                      dense("up", 50, "sigmoid"), dense("output", 0, "identity")};
  });
  add("one_shard", [](TrialSpec& s) { s.train.shard_rows = 64; });
  add("two_shards", [](TrialSpec& s) { s.train.shard_rows = 19; });
  add("whole_split", [](TrialSpec& s) { s.train.batch_rows = 1000; });
  add("in_order", [](TrialSpec& s) { s.train.shuffle = false; });
  return all;
}

TrialResult run(const TrialSpec& spec, const Dataset& data, int ranks) {
  return run_group(spec, builtins(), data, ranks);
}

TEST(RankEquality, EveryComponentGivesTheSameBitsOnOneToFiveRanks) {
  const SmallData data(101, 23, 30);
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const TrialResult one = run(c.spec, data.dataset(), 1);
    EXPECT_EQ(one.outcome, Outcome::kCompleted) << one.reason;
    EXPECT_FALSE(one.history.empty());
    EXPECT_EQ(one.weights_final.size(), 2 * c.spec.model.layers.size());
    EXPECT_FALSE(one.weights_final.front().bytes == one.weights_initial.front().bytes);
    for (int ranks = 2; ranks <= 5; ++ranks) {
      SCOPED_TRACE(ranks);
      expect_same_bits(one, run(c.spec, data.dataset(), ranks));
    }
  }
}

// A tensor of several blocks, so that the ranks own different parts of it.
TEST(RankEquality, LargeTensorsAreSharedOutInBlocks) {
  const SmallData data(64, 20, 130);
  TrialSpec spec = base_spec();
  spec.model.layers[0].layer.parameters = {{"units", std::int64_t{100}}};
  const TrialResult one = run(spec, data.dataset(), 1);
  for (int ranks = 2; ranks <= 4; ++ranks) expect_same_bits(one, run(spec, data.dataset(), ranks));
}

// Without reproducibility the bits may differ, the numbers only by rounding.
TEST(RankEquality, ReplicatedModeTrainsTheSameUpToRounding) {
  const SmallData data(101, 23, 30);
  TrialSpec spec = base_spec();
  spec.model.scalar = Scalar::kF64;
  const TrialResult exact = run(spec, data.dataset(), 1);
  spec.train.reproducible = false;
  for (int ranks = 1; ranks <= 4; ++ranks) {
    const TrialResult fast = run(spec, data.dataset(), ranks);
    ASSERT_EQ(fast.history.size(), exact.history.size());
    for (std::size_t i = 0; i < exact.history.size(); ++i) {
      EXPECT_NEAR(fast.history[i].value, exact.history[i].value,
                  1e-9 * (1.0 + std::abs(exact.history[i].value)));
    }
  }
}

TEST(RankEquality, DivergenceNamesTheSameCauseOnAnyRanks) {
  const SmallData data(101, 23, 30);
  // A saturated code keeps outputs finite until a gradient overflows; a linear one does not.
  for (const bool linear : {false, true}) {
    TrialSpec spec = base_spec();
    spec.model.layers[1].activation = std::nullopt;
    if (linear) spec.model.layers[0].activation = std::nullopt;
    spec.optimizer = {"sgd", {{"lr", 1e37}}};
    const TrialResult one = run(spec, data.dataset(), 1);
    EXPECT_EQ(one.outcome, Outcome::kDiverged);
    const std::string cause =
        linear ? "step 1: the output of layer output is not finite" : "step 1: the gradient of ";
    EXPECT_EQ(one.reason.rfind(cause, 0), 0u) << one.reason;
    for (int ranks = 2; ranks <= 4; ++ranks) {
      EXPECT_EQ(run(spec, data.dataset(), ranks).reason, one.reason);
    }
  }
}

TEST(RankEquality, AnImpossibleModelFailsWithoutHanging) {
  const SmallData data(20, 20, 30);
  TrialSpec spec = base_spec();
  spec.model.layers[1].layer.parameters = {{"units", std::int64_t{29}}};
  for (int ranks = 1; ranks <= 3; ++ranks) {
    const TrialResult result = run(spec, data.dataset(), ranks);
    EXPECT_EQ(result.outcome, Outcome::kFailed);
    EXPECT_NE(result.reason.find("model.layers.output: gives 29 columns"), std::string::npos)
        << result.reason;
  }
}

}  // namespace
}  // namespace aesweep::test
