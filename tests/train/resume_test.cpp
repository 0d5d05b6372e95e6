// Proves that a trial which is left after any training step and gone on from on another number of
// ranks ends with the bits of one that was never disturbed, for every built-in component; that its
// states are the same bytes on any number of ranks; and that taking them changes nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model/abi_array.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/scripted_control.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

// Three batches of 10, 10 and 3 rows, in shards of 3.
constexpr std::int64_t kRows = 23;
constexpr std::int64_t kBatches = 3;
constexpr int kRanksMax = 4;

const Catalogue& all_components() { return probe_catalogue(); }

// With labels in both splits.
Dataset labelled(const SmallData& data) {
  Dataset dataset = data.dataset();
  dataset.test.labels = dataset.train.labels;
  return dataset;
}

const Dataset& dataset() {
  static const SmallData data(kRows, 9, 12);
  static const Dataset set = labelled(data);
  return set;
}

LayerSpec plain_layer(const std::string& name, const std::string& kind) {
  LayerSpec layer;
  layer.name = name;
  layer.layer = {kind, {}};
  return layer;
}

// What outlives a step, all of it: running buffers, quantized images of two kinds, optimizers of
// several slots, one of a layer's own; noise, a schedule that moves, clipping, penalties.
TrialSpec rich_spec() {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {plain_layer("noise", "dropout"), dense("in", 9, "tanh"),
                       plain_layer("norm", "batch_norm"), dense("code", 7, "sigmoid"),
                       dense("output", 0, "sigmoid")};
  spec.model.layers[1].quantizer = ComponentSpec{"scaled_ternary", {}};
  spec.model.layers[1].optimizer =
      LayerOptimizerSpec{{"rmsprop", {{"momentum", 0.5}}}, OptimizerTarget::kQuantized};
  spec.model.layers[3].quantizer = ComponentSpec{"binary_connect", {}};
  spec.model.layers[3].regularizers = {
      regularizer("kl_sparsity", RegularizerTarget::kActivations, {{"coefficient", 0.1}}),
      regularizer("l2", RegularizerTarget::kWeights, {{"coefficient", 0.1}})};
  spec.optimizer = {"adam", {{"lr", 0.02}}};
  spec.train.schedule = {ScheduleKind::kCosine, SchedulePer::kStep, 2, 0.1};
  spec.train.clip = {1.0, 0.5};
  spec.train.epochs = 2;
  spec.train.batch_rows = 10;
  spec.train.shard_rows = 3;
  spec.train.seed = 5;
  spec.record.samples = 4;
  return spec;
}

struct Case {
  std::string name;
  TrialSpec spec;
};

void add_regularizer(const CatalogueEntry& entry, std::vector<Case>& cases) {
  const auto table = host_copy<aesweep_regularizer_f32>(entry.component.table[AESWEEP_F32]);
  const std::string name = entry.component.name;
  std::vector<NamedParameter> parameters = {{"coefficient", 0.1}};
  if (name == "contractive") parameters.emplace_back("activation", std::string("sigmoid"));
  if (name == "elastic_net") parameters = {{"l1", 0.1}, {"l2", 0.1}};
  for (const RegularizerTarget on :
       {RegularizerTarget::kActivations, RegularizerTarget::kWeights}) {
    const bool weights = on == RegularizerTarget::kWeights;
    if (weights ? table.on_parameter_block == nullptr : table.on_activations == nullptr) continue;
    TrialSpec spec = rich_spec();
    spec.model.layers[3].quantizer.reset();
    spec.model.layers[3].regularizers = {regularizer(name, on, parameters)};
    cases.push_back({name + (weights ? " on weights" : " on activations"), spec});
  }
}

void add_case(const CatalogueEntry& entry, std::vector<Case>& cases) {
  const std::string name = entry.component.name;
  TrialSpec spec = rich_spec();
  std::vector<LayerSpec>& layers = spec.model.layers;
  switch (entry.component.kind) {
    case AESWEEP_LAYER:
      layers[0].layer = {name, {}};
      if (name == "dense") layers[0] = dense("noise", 12, "");
      if (name == "tied_dense") {
        layers[0] = dense("noise", 8, "tanh");
        layers.insert(layers.end() - 1, plain_layer("back", name));
        layers[4].layer.parameters = {{"of", std::string("code")}};
      }
      break;
    case AESWEEP_ACTIVATION:
      layers[3].activation = ComponentSpec{name, {}};
      if (name == "topk") layers[3].activation->parameters = {{"k", std::int64_t{2}}};
      layers[3].regularizers.erase(layers[3].regularizers.begin());
      break;
    case AESWEEP_LOSS:
      spec.model.loss = {name, {}};
      if (name == "cross_entropy") layers.back().activation->name = "softmax";
      if (name == "cross_entropy" || name == "squared_hinge") {
        spec.model.target = Target::kLabels;
        spec.model.classes = 10;
      }
      if (name == "squared_hinge") spec.model.loss.parameters = {{"targets", std::string("unit")}};
      break;
    case AESWEEP_OPTIMIZER:
      spec.optimizer = {name, {}};
      break;
    case AESWEEP_QUANTIZER:
      layers[3].quantizer = ComponentSpec{name, {}};
      break;
    default:
      return add_regularizer(entry, cases);
  }
  cases.push_back(
      {std::string(kind_name(static_cast<aesweep_kind>(entry.component.kind))) + " " + name, spec});
}

TrialResult run(const TrialSpec& spec, int ranks, const TrialState* from = nullptr) {
  const auto quiet = [](int) { return std::make_unique<TrialControl>(); };
  return run_group(spec, all_components(), dataset(), ranks, quiet, from);
}

// One rank of them, which changes with the step, wants `bits` where `at` says so. Returns what the
// leader saw, too.
TrialResult run_asking(const TrialSpec& spec, int ranks, std::uint32_t bits, Seen& leader,
                       const std::function<bool(std::int64_t step)>& at,
                       const TrialState* from = nullptr) {
  std::vector<Seen> others(static_cast<std::size_t>(ranks));
  const auto make = [&](int rank) {
    return std::make_unique<ScriptedControl>(
        rank == 0 ? leader : others[static_cast<std::size_t>(rank)],
        [=](const StepReport& report) -> std::uint32_t {
          return report.steps % ranks == rank && at(report.steps) ? bits : kControlGoOn;
        });
  };
  TrialResult result = run_group(spec, all_components(), dataset(), ranks, make, from);
  for (const Seen& other : others) EXPECT_TRUE(other.states.empty());
  return result;
}

bool always(std::int64_t) { return true; }

// The states after every step, on one rank; that taking them changes nothing, and that they are the
// same on more ranks.
std::vector<TrialState> states_of(const TrialSpec& spec, const TrialResult& undisturbed) {
  std::vector<TrialState> states;
  for (int ranks = 1; ranks <= kRanksMax; ++ranks) {
    SCOPED_TRACE("states on " + std::to_string(ranks));
    Seen seen;
    expect_same_bits(run_asking(spec, ranks, kControlCheckpoint, seen, always), undisturbed);
    EXPECT_EQ(seen.states.size(), static_cast<std::size_t>(spec.train.epochs * kBatches));
    if (ranks == 1) states = seen.states;
    for (std::size_t s = 0; s < std::min(states.size(), seen.states.size()); ++s) {
      SCOPED_TRACE("step " + std::to_string(s + 1));
      expect_same_state(seen.states[s], states[s]);
    }
  }
  return states;
}

// Interrupted after every step, on another number of ranks each time.
void expect_chain(const TrialSpec& spec, const TrialResult& undisturbed, int turn) {
  std::optional<TrialState> state;
  for (std::int64_t step = 1; step <= undisturbed.steps; ++step) {
    SCOPED_TRACE("interrupted after step " + std::to_string(step));
    const int ranks = 1 + static_cast<int>((step * 3 + turn) % kRanksMax);
    Seen seen;
    const TrialResult left =
        run_asking(spec, ranks, kControlInterrupt, seen, always, state ? &*state : nullptr);
    EXPECT_EQ(left.outcome, Outcome::kInterrupted) << left.reason;
    ASSERT_EQ(seen.states.size(), 1u);
    state = std::move(seen.states.front());
    ASSERT_EQ(state->steps, step);
  }
  expect_same_bits(run(spec, 1 + turn % kRanksMax, &*state), undisturbed);
}

TEST(Resume, EveryComponentGoesOnWithTheSameBits) {
  std::vector<Case> cases;
  for (const CatalogueEntry& entry : builtins().entries()) add_case(entry, cases);
  EXPECT_GE(cases.size(), builtins().entries().size());
  int turn = 0;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ++turn;
    const TrialResult undisturbed = run(c.spec, 1);
    ASSERT_EQ(undisturbed.outcome, Outcome::kCompleted) << undisturbed.reason;
    const std::vector<TrialState> states = states_of(c.spec, undisturbed);
    expect_chain(c.spec, undisturbed, turn);
    for (const TrialState& state : states) {
      SCOPED_TRACE("from step " + std::to_string(state.steps));
      const int ranks = 1 + static_cast<int>(state.steps + turn) % kRanksMax;
      expect_same_bits(run(c.spec, ranks, &state), undisturbed);
    }
  }
}

std::vector<Case> special_cases() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, auto change) {
    TrialSpec spec = rich_spec();
    spec.train.epochs = 3;
    spec.evaluate.every = 2;
    change(spec);
    cases.push_back({name, std::move(spec)});
  };
  add("rich", [](TrialSpec&) {});
  add("f64, recorded every second epoch", [](TrialSpec& s) {
    s.model.scalar = Scalar::kF64;
    s.record.every = 2;
  });
  add("whole tensors", [](TrialSpec& s) { s.optimizer = {"whole", {}}; });
  add("evaluated otherwise, in order", [](TrialSpec& s) {
    s.model.layers[3].quantizer = ComponentSpec{"two_faced", {}};
    s.train.shuffle = false;
    s.record.weights = false;
  });
  add("undone updates", [](TrialSpec& s) {
    s.model.layers[3].quantizer = ComponentSpec{"frozen", {}};
  });
  add("large tensors", [](TrialSpec& s) {
    s.model.layers[1].layer.parameters = {{"units", std::int64_t{500}}};
    s.model.layers[3].layer.parameters = {{"units", std::int64_t{40}}};
    s.train.epochs = 1;
  });
  add("labels", [](TrialSpec& s) {
    s.model.target = Target::kLabels;
    s.model.classes = 10;
  });
  return cases;
}

TEST(Resume, AnyStepOnAnyRanks) {
  for (const Case& c : special_cases()) {
    SCOPED_TRACE(c.name);
    const TrialResult undisturbed = run(c.spec, 1);
    ASSERT_EQ(undisturbed.outcome, Outcome::kCompleted) << undisturbed.reason;
    const std::vector<TrialState> states = states_of(c.spec, undisturbed);
    for (const TrialState& state : states) {
      for (int ranks = 1; ranks <= kRanksMax; ++ranks) {
        SCOPED_TRACE("from step " + std::to_string(state.steps) + " on " + std::to_string(ranks));
        expect_same_bits(run(c.spec, ranks, &state), undisturbed);
      }
    }
    expect_chain(c.spec, undisturbed, 2);
  }
}

TEST(Resume, StepsAndEpochsAreReportedAsTheyAre) {
  TrialSpec spec = rich_spec();
  spec.train.epochs = 3;
  spec.evaluate.every = 2;
  spec.record.every = 3;
  Seen seen;
  const TrialResult whole = run_asking(spec, 2, kControlCheckpoint, seen, always);
  ASSERT_EQ(seen.steps.size(), 9u);
  for (std::int64_t s = 0; s < 9; ++s) {
    const StepReport& step = seen.steps[static_cast<std::size_t>(s)];
    EXPECT_EQ(step.epochs, s / kBatches);
    EXPECT_EQ(step.steps, s + 1);
    EXPECT_EQ(step.batches, s % kBatches + 1);
    EXPECT_EQ(step.ends_epoch, s % kBatches == 2);
  }
  ASSERT_EQ(seen.epochs.size(), 3u);
  const std::size_t tests = 8;  // Two penalties and the loss, their sum, mse, fvu and three more.
  for (std::size_t e = 0; e < 3; ++e) {
    EXPECT_EQ(seen.epochs[e].epoch, static_cast<std::int64_t>(e) + 1);
    EXPECT_EQ(seen.epochs[e].epochs, 3);
    EXPECT_EQ(seen.epochs[e].samples, kRows);
    // The training's have two flip ratios more.
    EXPECT_EQ(seen.rows[e].size(), tests + 1 + 2 + (e > 0 ? tests + 1 : 0));
    for (const HistoryRow& row : seen.rows[e]) {
      EXPECT_EQ(row.epoch, static_cast<std::int64_t>(e) + 1);
    }
  }
  // Of the history, the third epoch alone.
  EXPECT_EQ(whole.history.size(), seen.rows[2].size());
  EXPECT_EQ(whole.history.front().epoch, 3);

  // Gone on from after its second step, a report counts what was trained since.
  Seen later;
  static_cast<void>(run_asking(spec, 3, kControlGoOn, later, always, &seen.states[1]));
  ASSERT_EQ(later.epochs.size(), 3u);
  EXPECT_EQ(later.epochs[0].samples, 3);
  EXPECT_EQ(later.epochs[1].samples, kRows);
  ASSERT_EQ(later.rows[0].size(), seen.rows[0].size());
  EXPECT_EQ(later.steps.front().steps, 3);
}

// Bits may differ there; the numbers only by rounding, and the way there works.
TEST(Resume, WithoutReproducibilityTheNumbersAreNear) {
  TrialSpec spec = rich_spec();
  spec.model.scalar = Scalar::kF64;
  const TrialResult exact = run(spec, 1);
  spec.train.reproducible = false;
  for (int ranks = 1; ranks <= kRanksMax; ++ranks) {
    Seen seen;
    const TrialResult left = run_asking(spec, ranks, kControlInterrupt, seen,
                                        [](std::int64_t step) { return step == 4; });
    EXPECT_EQ(left.outcome, Outcome::kInterrupted);
    ASSERT_EQ(seen.states.size(), 1u);
    const TrialResult result = run(spec, 1 + ranks % kRanksMax, &seen.states.front());
    ASSERT_EQ(result.history.size(), exact.history.size());
    for (std::size_t i = 0; i < exact.history.size(); ++i) {
      const double value = exact.history[i].value;
      EXPECT_NEAR(result.history[i].value, value, 1e-6 * (1.0 + std::abs(value))) << i;
    }
  }
}

}  // namespace
}  // namespace aesweep::test
