// Proves that what ends a trial on purpose, states that are not its own, and faults beside a
// checkpoint give the same outcome on every rank, and hang nobody.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/scripted_control.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"
#include "tests/train/thread_group.hpp"

namespace aesweep::test {
namespace {

// Five steps an epoch, the last of 3 rows.
const SmallData& data() {
  static const SmallData small(23, 9, 12);
  return small;
}

TrialSpec base_spec() {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", 7, "tanh"), dense("output", 0, "sigmoid")};
  spec.model.layers[0].quantizer = ComponentSpec{"binary", {}};
  spec.model.layers[0].regularizers = {
      regularizer("l1", RegularizerTarget::kActivations, {{"coefficient", 0.1}})};
  spec.optimizer = {"adam", {}};
  spec.train.epochs = 2;
  spec.train.batch_rows = 5;
  spec.train.shard_rows = 2;
  return spec;
}

// Rank `asks` wants `bits` at one step; `reasons[r]` is rank r's reason to prune.
TrialResult run_asking(const TrialSpec& spec, int ranks, int asks, std::int64_t step,
                       std::uint32_t bits, Seen& leader,
                       const std::vector<std::string>& reasons = {}) {
  std::vector<Seen> others(static_cast<std::size_t>(ranks));
  const auto make = [&](int rank) {
    const auto r = static_cast<std::size_t>(rank);
    return std::make_unique<ScriptedControl>(
        rank == 0 ? leader : others[r],
        [=](const StepReport& report) -> std::uint32_t {
          return rank == asks && report.steps == step ? bits : kControlGoOn;
        },
        r < reasons.size() ? reasons[r] : "");
  };
  return run_group(spec, probe_catalogue(), data().dataset(), ranks, make, nullptr);
}

TrialState state_after(const TrialSpec& spec, std::int64_t step) {
  Seen seen;
  static_cast<void>(run_asking(spec, 1, 0, step, kControlCheckpoint, seen));
  return seen.states.at(0);
}

TEST(Control, PruningTakesTheReasonOfTheLowestRankThatHasOne) {
  const TrialSpec spec = base_spec();
  Seen whole;
  const TrialResult undisturbed = run_asking(spec, 1, 0, 99, kControlGoOn, whole);
  for (int ranks = 1; ranks <= 4; ++ranks) {
    for (int asks = 0; asks < ranks; ++asks) {
      Seen seen;
      std::vector<std::string> reasons(static_cast<std::size_t>(ranks));
      reasons.back() = "last";
      if (ranks == 4) reasons[2] = "third";
      const TrialResult result =
          run_asking(spec, ranks, asks, 7, kControlPrune | kControlCheckpoint | kControlInterrupt,
                     seen, reasons);
      EXPECT_EQ(result.outcome, Outcome::kPruned);
      EXPECT_EQ(result.reason, ranks == 4 ? "third" : "last");
      EXPECT_EQ(result.failed_rank, -1);
      EXPECT_EQ(result.epochs, 1);
      EXPECT_EQ(result.steps, 7);
      EXPECT_TRUE(seen.states.empty());
      EXPECT_FALSE(result.weights_initial.empty());
      EXPECT_TRUE(result.weights_final.empty());
      // The history so far: the first epoch's.
      ASSERT_EQ(result.history.size() * 2, undisturbed.history.size());
      for (std::size_t i = 0; i < result.history.size(); ++i) {
        EXPECT_EQ(result.history[i].value, undisturbed.history[i].value);
      }
    }
  }
}

TEST(Control, AnyRankInterruptsWithAStateOfThatStep) {
  for (int ranks = 1; ranks <= 4; ++ranks) {
    for (int asks = 0; asks < ranks; ++asks) {
      Seen seen;
      const TrialResult result = run_asking(base_spec(), ranks, asks, 5, kControlInterrupt, seen);
      EXPECT_EQ(result.outcome, Outcome::kInterrupted);
      EXPECT_EQ(result.reason, "interrupted after step 5");
      ASSERT_EQ(seen.states.size(), 1u);
      // The epoch's last step: it is yet to be finished.
      EXPECT_EQ(seen.states[0].epochs, 0);
      EXPECT_EQ(seen.states[0].batches, 5);
      EXPECT_TRUE(seen.states[0].history.empty());
    }
  }
}

// The optimizer fails in the update, which comes after the agreement of its step, on the rank that
// owns the tensor's second block.
TEST(Control, AFailedUpdateIsTheOutcomeWhateverIsWanted) {
  TrialSpec spec = base_spec();
  spec.model.layers[0].layer.parameters = {{"units", std::int64_t{700}}};
  for (const std::int64_t failing : {1, 4, 9}) {
    spec.optimizer = {"failing", {{"step", failing}}};
    Seen seen;
    const TrialResult undisturbed = run_asking(spec, 1, 0, 99, kControlGoOn, seen);
    EXPECT_EQ(undisturbed.outcome, Outcome::kFailed);
    for (int ranks = 1; ranks <= 4; ++ranks) {
      for (const std::uint32_t bits : {kControlCheckpoint, kControlInterrupt, kControlPrune}) {
        SCOPED_TRACE(std::to_string(ranks) + " ranks, bits " + std::to_string(bits));
        Seen leader;
        const TrialResult result =
            run_asking(spec, ranks, ranks - 1, failing + 1, bits, leader, {"no"});
        expect_same_bits(result, undisturbed);
        EXPECT_TRUE(leader.states.empty());
      }
    }
  }
}

TEST(Control, DivergenceGoesBeforeWishes) {
  TrialSpec spec = base_spec();
  spec.model.layers[1].regularizers = {
      regularizer("explosive", RegularizerTarget::kWeights, {{"step", std::int64_t{2}}})};
  for (int ranks = 1; ranks <= 3; ++ranks) {
    Seen seen;
    const TrialResult result = run_asking(spec, ranks, 0, 3, kControlInterrupt, seen);
    EXPECT_EQ(result.outcome, Outcome::kDiverged);
    EXPECT_EQ(result.reason,
              "step 2: the gradient of output/weights is not finite (-inf in row 0, column 0)");
    EXPECT_TRUE(seen.states.empty());
  }
}

void expect_refused(const TrialSpec& spec, const TrialState& state, const std::string& words) {
  const auto quiet = [](int) { return std::make_unique<TrialControl>(); };
  for (int ranks = 1; ranks <= 3; ++ranks) {
    const TrialResult result =
        run_group(spec, probe_catalogue(), data().dataset(), ranks, quiet, &state);
    EXPECT_EQ(result.outcome, Outcome::kFailed);
    EXPECT_EQ(result.reason.rfind("the saved state is not one of this trial: ", 0), 0u)
        << result.reason;
    EXPECT_NE(result.reason.find(words), std::string::npos) << result.reason;
    EXPECT_TRUE(result.history.empty());
  }
}

TEST(Control, StatesOfAnotherTrialAreRefusedByName) {
  const TrialSpec spec = base_spec();
  const TrialState state = state_after(spec, 7);
  const auto changed = [&](auto change) {
    TrialSpec other = spec;
    change(other);
    return other;
  };
  expect_refused(changed([](TrialSpec& s) { s.train.epochs = 1; }), state,
                 "after 1 epochs, 2 batches and 7 steps, but the trial has 1 epochs of 5 batches");
  expect_refused(changed([](TrialSpec& s) { s.train.batch_rows = 6; }), state, "7 steps");
  expect_refused(changed([](TrialSpec& s) { s.model.scalar = Scalar::kF64; }), state,
                 "it has code/weights of 12 x 7 f32 values in 336 bytes, where the trial has "
                 "code/weights of 12 x 7 f64 values");
  expect_refused(changed([](TrialSpec& s) { s.optimizer = {"sgd", {}}; }), state, " tensors, but");
  expect_refused(changed([](TrialSpec& s) { s.model.layers[0].quantizer.reset(); }), state,
                 "sums of 1 quantized layers, but the trial has 0");
  expect_refused(changed([](TrialSpec& s) { s.model.layers[0].regularizers.clear(); }), state,
                 "sums of 2 loss terms, but the trial has 1");
  expect_refused(changed([](TrialSpec& s) {
                   s.model.layers[0].layer.parameters = {{"units", std::int64_t{8}}};
                 }),
                 state, "sums of 7 code units, but the trial has 8");
  TrialState broken = state;
  broken.tensors[0].name = "code/bias";
  expect_refused(spec, broken, "it has code/bias of 12 x 7");
  broken = state;
  std::swap(broken.tensors[0], broken.tensors[2]);
  expect_refused(spec, broken, "where the trial has code/weights");
  broken = state;
  broken.tensors.back().bytes.pop_back();
  expect_refused(spec, broken, "in 335 bytes");
  broken = state;
  broken.tensors.pop_back();
  expect_refused(spec, broken, " tensors, but the trial has ");
  broken = state;
  broken.sums.rows = 9;
  expect_refused(spec, broken, "sums are over 9 rows, but 2 batches of the trial have 10");
  broken = state;
  broken.history[3].metric = 1000;
  expect_refused(spec, broken, "metric 1000");
  broken = state;
  broken.batches = -1;
  expect_refused(spec, broken, "-1 batches");
  expect_refused(spec, TrialState{3, 15, 0, {}, {}, {}}, "after 3 epochs");
}

TEST(ShareState, EveryRankGetsWhatRank0Has) {
  const TrialState state = state_after(base_spec(), 7);
  EXPECT_EQ(state.history.empty(), false);
  for (int ranks = 1; ranks <= 4; ++ranks) {
    run_thread_group(ranks, 3, [&](Exchange& exchange) {
      const bool leader = exchange.rank() == 0;
      const TrialState other{5, 5, 5, {}, {}, {}};
      TrialState got;
      EXPECT_TRUE(share_state(leader ? &state : &other, exchange, got));
      expect_same_state(got, state);
      EXPECT_FALSE(share_state(leader ? nullptr : &other, exchange, got));
    });
  }
}

TEST(ShareState, BytesAreThoseOfTensorsAndSums) {
  const TrialState state = state_after(base_spec(), 7);
  // Weights and bias of two layers, two slots of adam of each, and an image of the first weights.
  const std::uint64_t values = 3 * (12 * 7 + 7 + 7 * 12 + 12) + 12 * 7;
  // Rows, error, codes; two terms; seven units; one layer's flips.
  EXPECT_EQ(state_bytes(state), values * sizeof(float) + 8 * (3 + 2 + 7 + 2));
  EXPECT_EQ(state.tensors.size(), 4u + 8u + 1u);
  EXPECT_EQ(state.tensors[4].name, "code/weights/optimizer/0");
  EXPECT_EQ(state.tensors.back().name, "code/weights/image");
}

}  // namespace
}  // namespace aesweep::test
