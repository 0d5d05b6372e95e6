// Proves who updates which tensor: after one step from the same weights, a tensor is, bit for bit,
// what its optimizer makes of it when it is the only optimizer of the trial. And that several of
// them with schedule, clipping and quantizers give the same bits on one to five ranks, that their
// random streams differ, and what quantizers are given after an update.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "core/sdk/philox.hpp"
#include "core/train/setup.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

const ComponentSpec kAdam = {"adam", {{"lr", 0.05}}};
const ComponentSpec kSgd = {"sgd", {{"lr", 0.5}, {"momentum", 0.5}}};
const ComponentSpec kWhole = {"whole", {{"lr", 0.25}}};

// Three layers, the middle one quantized; the first tensor has two blocks.
TrialSpec base() {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("in", 150, "tanh"), dense("code", 20, "tanh"),
                       dense("output", 0, "sigmoid")};
  spec.model.layers[1].quantizer = ComponentSpec{"binary", {}};
  spec.optimizer = kAdam;
  spec.train.batch_rows = 30;
  spec.train.shard_rows = 7;
  spec.train.epochs = 1;
  return spec;
}

using Weights = std::map<std::string, std::vector<std::byte>>;

Weights weights_after(const TrialSpec& spec, const Dataset& data) {
  const TrialResult result = run_group(spec, probe_catalogue(), data, 1);
  EXPECT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  Weights weights;
  for (const NamedTensor& tensor : result.weights_final) weights[tensor.name] = tensor.bytes;
  return weights;
}

// What every tensor is after one step with this optimizer alone.
Weights after_step(const ComponentSpec& optimizer, const Dataset& data) {
  TrialSpec spec = base();
  spec.optimizer = optimizer;
  return weights_after(spec, data);
}

TEST(OptimizerChoice, EachTensorGoesToItsLayersOptimizerOrToTheExperiments) {
  const SmallData data(30, 9, 40);
  std::map<std::string, Weights> alone = {{"adam", after_step(kAdam, data.dataset())},
                                          {"sgd", after_step(kSgd, data.dataset())},
                                          {"whole", after_step(kWhole, data.dataset())}};
  const auto expect = [&](const TrialSpec& spec, std::map<std::string, std::string> of) {
    const Weights weights = weights_after(spec, data.dataset());
    for (const auto& [name, bytes] : weights) {
      const std::string chosen = of.contains(name) ? of[name] : "adam";
      EXPECT_TRUE(bytes == alone.at(chosen).at(name)) << name << " is not updated by " << chosen;
      for (const auto& [other, others] : alone) {
        EXPECT_TRUE(other == chosen || bytes != others.at(name)) << name << " tells nothing apart";
      }
    }
  };
  TrialSpec spec = base();
  expect(spec, {});
  spec.model.layers[1].optimizer = LayerOptimizerSpec{kSgd, OptimizerTarget::kAll};
  expect(spec, {{"code/weights", "sgd"}, {"code/bias", "sgd"}});
  spec.model.layers[1].optimizer->on = OptimizerTarget::kQuantized;
  expect(spec, {{"code/weights", "sgd"}});
  spec.model.layers[0].optimizer = LayerOptimizerSpec{kWhole, OptimizerTarget::kAll};
  expect(spec, {{"code/weights", "sgd"}, {"in/weights", "whole"}, {"in/bias", "whole"}});
}

TEST(OptimizerChoice, BlocksAreSharedOutUnlessAnyOptimizerNeedsWholeTensors) {
  const DataExtent extent = {30, 9, 40};
  TrialSpec spec = base();
  spec.model.layers[1].optimizer = LayerOptimizerSpec{kSgd, OptimizerTarget::kAll};
  EXPECT_EQ(set_up_trial<float>(spec, probe_catalogue(), extent, 0, 2)->partition.ownership(),
            Ownership::kBlocks);
  spec.model.layers[1].optimizer->component = kWhole;
  EXPECT_EQ(set_up_trial<float>(spec, probe_catalogue(), extent, 0, 2)->partition.ownership(),
            Ownership::kTensors);
}

TEST(OptimizerChoice, EachHasAStreamOfItsOwn) {
  const SmallData data(30, 9, 40);
  TrialSpec spec = base();
  spec.optimizer = {"probe", {}};
  for (LayerSpec& layer : spec.model.layers) {
    if (layer.name == "code") continue;
    layer.optimizer = LayerOptimizerSpec{{"probe", {}}, OptimizerTarget::kAll};
  }
  (void)take_probe_calls();
  (void)weights_after(spec, data.dataset());
  std::multiset<std::uint64_t> streams;
  for (const ProbeCall& call : take_probe_calls()) streams.insert(call.stream);
  const auto blocks = [&](const char* path, const char* tensor) {
    const std::uint64_t of_path = stream_hash(spec.train.seed, path, AESWEEP_TRAIN);
    return streams.count(of_path ^ stream_hash(0, tensor, 0));
  };
  EXPECT_EQ(blocks("optimizer", "code/weights"), 1u);
  EXPECT_EQ(blocks("optimizer", "code/bias"), 1u);
  EXPECT_EQ(blocks("layers/in/optimizer", "in/weights"), 2u);  // 6,000 weights.
  EXPECT_EQ(blocks("layers/in/optimizer", "in/bias"), 1u);
  EXPECT_EQ(blocks("layers/output/optimizer", "output/weights"), 1u);
  EXPECT_EQ(blocks("layers/output/optimizer", "output/bias"), 1u);
  EXPECT_EQ(streams.size(), 7u);
}

TEST(OptimizerChoice, MistakesAreNamed) {
  const auto refused = [](const TrialSpec& spec, const std::string& message) {
    const auto setup = set_up_trial<float>(spec, probe_catalogue(), {30, 9, 40}, 0, 1);
    ASSERT_FALSE(setup.ok());
    EXPECT_EQ(setup.status().fault(), Fault::kInput);
    EXPECT_NE(setup.status().message().find(message), std::string::npos)
        << setup.status().message();
  };
  TrialSpec spec = base();
  spec.model.layers[0].optimizer = LayerOptimizerSpec{kSgd, OptimizerTarget::kQuantized};
  refused(spec, "model.layers.in.optimizer.on: is quantized, but the layer has no quantizer");
  spec = base();
  spec.model.layers[0].optimizer = LayerOptimizerSpec{{"sgd", {{"rate", 1.0}}}};
  refused(spec, "model.layers.in.optimizer: ");
  spec = base();
  spec.model.layers[0].optimizer = LayerOptimizerSpec{{"descent", {}}};
  refused(spec, "model.layers.in.optimizer: optimizer descent: no such component");
  spec = base();
  LayerSpec noise = dense("drop", 0, "");
  noise.layer = {"dropout", {}};
  noise.optimizer = LayerOptimizerSpec{kSgd};
  spec.model.layers.insert(spec.model.layers.begin() + 1, noise);
  refused(spec, "model.layers.drop.optimizer: the layer has nothing to learn");
}

TEST(OptimizerChoice, TheSameBitsOnAnyRanks) {
  const SmallData data(101, 23, 40);
  TrialSpec spec = base();
  spec.train.epochs = 3;
  spec.train.schedule = {ScheduleKind::kCosine, SchedulePer::kStep, 3, 0.1};
  spec.train.clip = {0.05, 0.01};
  spec.model.layers[1].optimizer = LayerOptimizerSpec{kSgd, OptimizerTarget::kQuantized};
  for (const bool whole : {false, true}) {
    if (whole) spec.model.layers[0].optimizer = LayerOptimizerSpec{kWhole, OptimizerTarget::kAll};
    const TrialResult one = run_group(spec, probe_catalogue(), data.dataset(), 1);
    EXPECT_EQ(one.outcome, Outcome::kCompleted) << one.reason;
    for (int ranks = 2; ranks <= 5; ++ranks) {
      SCOPED_TRACE(ranks);
      expect_same_bits(one, run_group(spec, probe_catalogue(), data.dataset(), ranks));
    }
  }
}

TEST(OptimizerChoice, QuantizersGetTheWeightsFromBeforeIfTheyAskForThem) {
  const SmallData data(60, 9, 40);
  for (const ComponentSpec& optimizer : {kSgd, kWhole}) {
    for (int ranks = 1; ranks <= 3; ++ranks) {
      TrialSpec spec = base();
      spec.optimizer = optimizer;
      spec.model.layers[0].quantizer = ComponentSpec{"frozen", {}};
      spec.model.layers[1].quantizer = ComponentSpec{"blind", {}};
      const TrialResult result = run_group(spec, probe_catalogue(), data.dataset(), ranks);
      EXPECT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
      for (std::size_t t = 0; t < result.weights_final.size(); ++t) {
        const NamedTensor& last = result.weights_final[t];
        EXPECT_EQ(last.bytes == result.weights_initial[t].bytes, last.name == "in/weights")
            << last.name;
      }
    }
  }
}

// Of 6,000 weights the second block fails, on whatever rank owns it.
TEST(OptimizerChoice, AFailingUpdateNamesTensorStepAndRank) {
  const SmallData data(60, 9, 40);
  TrialSpec spec = base();
  spec.model.layers[0].optimizer = LayerOptimizerSpec{{"failing", {{"step", std::int64_t{1}}}}};
  const TrialResult one = run_on_ranks(spec, data.dataset(), 1)[0];
  EXPECT_EQ(one.outcome, Outcome::kFailed);
  EXPECT_EQ(one.reason.rfind("in/weights, step 1: optimizer failing", 0), 0u) << one.reason;
  EXPECT_NE(one.reason.find("block at 4096"), std::string::npos) << one.reason;
  EXPECT_EQ(one.failed_rank, 0);
  for (int ranks = 2; ranks <= 4; ++ranks) {
    const auto setup = set_up_trial<float>(spec, probe_catalogue(), {60, 9, 40}, 0, ranks);
    int owner = -1;
    for (int r = 0; r < ranks; ++r) {
      const ElementRange owned = setup->partition.owned(0, r);
      if (owned.first <= 4096 && 4096 < owned.first + owned.count) owner = r;
    }
    for (const TrialResult& result : run_on_ranks(spec, data.dataset(), ranks)) {
      EXPECT_EQ(result.reason, one.reason) << ranks;
      EXPECT_EQ(result.failed_rank, owner) << ranks;
    }
  }
}

}  // namespace
}  // namespace aesweep::test
