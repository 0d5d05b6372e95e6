// Proves that a trial's canonical text says all that decides its result and nothing else: equal for
// experiments that mean the same, different for each setting that matters, an experiment whose own
// canonical text it is, and the same under a locale with decimal commas.
#include "runner/config/canonical.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <locale>
#include <set>
#include <string>
#include <vector>

#include "tests/config/fake_catalogue.hpp"

namespace aesweep::test {
namespace {

std::string canonical(const std::string& yaml, const std::vector<Override>& overrides = {}) {
  Result<Experiment> experiment = resolve(yaml, overrides);
  if (!experiment.ok()) return experiment.status().message();
  return experiment->trials.at(0).resolved;
}

const char* const kRich =
    "schema: 1\n"
    "name: rich\n"
    "data: {source: superposition, noise: 1e-4, seed: 3}\n"
    "model:\n"
    "  loss: {kind: huber, delta: 0.30000000000000004}\n"
    "  layers:\n"
    "    - name: code\n"
    "      kind: dense\n"
    "      activation: {kind: topk, k: 5}\n"
    "      regularizers:\n"
    "        - {kind: l1, coefficient: 1e-3}\n"
    "        - {kind: l2, name: decay, on: weights, coefficient: 2, reduction: mean}\n"
    "      quantizer: binary\n"
    "    - {name: out, kind: dense, bias: false, optimizer: adam}\n"
    "optimizer: {kind: sgd, momentum: 0.9}\n"
    "train: {batch_rows: 7, seed: 12, schedule: cosine, clip: {norm: 1}}\n";

// kRich with every default written out.
const char* const kRichInFull =
    "schema: 1\n"
    "data:\n"
    "  source: superposition\n"
    "  limit: 0\n"
    "  train_rows: 8192\n"
    "  test_rows: 2048\n"
    "  cols: 64\n"
    "  atoms: 64\n"
    "  active_mean: 4.0\n"
    "  amplitude_min: 0.5\n"
    "  amplitude_max: 1.5\n"
    "  noise: 1.0e-04\n"
    "  seed: 3\n"
    "model:\n"
    "  scalar: f32\n"
    "  code: code\n"
    "  target: input\n"
    "  loss:\n"
    "    kind: huber\n"
    "    delta: 0.30000000000000004\n"
    "  layers:\n"
    "    - name: code\n"
    "      kind: dense\n"
    "      units: 64\n"
    "      bias: true\n"
    "      initializer: xavier\n"
    "      activation:\n"
    "        kind: topk\n"
    "        k: 5\n"
    "      regularizers:\n"
    "        - name: l1\n"
    "          on: activations\n"
    "          kind: l1\n"
    "          coefficient: 0.001\n"
    "          reduction: sum\n"
    "        - name: decay\n"
    "          on: weights\n"
    "          kind: l2\n"
    "          coefficient: 2.0\n"
    "          reduction: mean\n"
    "      quantizer:\n"
    "        kind: binary\n"
    "        limit: 1.0\n"
    "    - name: out\n"
    "      kind: dense\n"
    "      units: 64\n"
    "      bias: false\n"
    "      initializer: xavier\n"
    "      optimizer:\n"
    "        on: all\n"
    "        kind: adam\n"
    "        lr: 0.001\n"
    "        beta1: 0.9\n"
    "optimizer:\n"
    "  kind: sgd\n"
    "  lr: 0.01\n"
    "  momentum: 0.9\n"
    "train:\n"
    "  epochs: 1\n"
    "  batch_rows: 7\n"
    "  shard_rows: 64\n"
    "  seed: 12\n"
    "  shuffle: true\n"
    "  reproducible: true\n"
    "  schedule:\n"
    "    kind: cosine\n"
    "    per: step\n"
    "    final_factor: 0.0\n"
    "    warmup_steps: 0\n"
    "  clip:\n"
    "    norm: 1.0\n"
    "    value: 0.0\n"
    "evaluate:\n"
    "  every: 1\n"
    "  active_threshold: 0.0\n"
    "record:\n"
    "  weights: all\n"
    "  samples: 64\n"
    "  every: 1\n";

TEST(Canonical, WritesEverythingOut) { EXPECT_EQ(canonical(kRich), kRichInFull); }

TEST(Canonical, IsAnExperimentWithItself) {
  const std::string text = canonical(kRich);
  EXPECT_EQ(canonical(text), text);
  const std::string base = canonical(std::string(kBase));
  EXPECT_EQ(canonical(base), base);
}

TEST(Canonical, IsEqualForWhatMeansTheSame) {
  const std::string base = canonical(std::string(kBase));
  const std::string same[] = {
      base_with(8, "optimizer: {beta1: 9e-1, lr: 0.0010, kind: adam}"),
      base_with(6, "    - {activation: {kind: relu}, kind: 'dense', name: \"code\", units: 64}"),
      base_with(9, "train: {shard_rows: 64, seed: 0}"),
      base_with(9, "parameters: {train.seed: {values: [0]}}"),
      base_with(9, "parameters: {model.layers.code.units: {min: 64, max: 128, count: 2}}"),
      base_with(9,
                "name: x\nlimits: {max_trials: 3}\nresources: {ranks_per_trial: 2}\n"
                "metric: {name: test/l0, goal: maximize}\nplugins: [x.so]\n"),
      base_with(9, "checkpoint: none\nmethod: grid"),
      base_with(9, "checkpoint: {every: 7 steps, keep: 1}\nrecord: {weights: {best: 3}}"),
      base_with(9, "limits: {max_time: 1h, max_trial_time: 2m, stall: 5s, max_failure_rate: 0.5}"),
      base_with(9, "train: {schedule: constant, clip: {norm: 0, value: 0.0}}"),
      base_with(4, "  loss: mse\n  target: input"),
      base_with(6, "    - {name: code, kind: dense, units: 64, activation: relu, optimizer: none}"),
  };
  for (const std::string& yaml : same) EXPECT_EQ(canonical(yaml), base) << yaml;
  EXPECT_EQ(canonical(base_with(9, "train: {seed: 3}"), {{"train.seed", "0"}}), base);
}

TEST(Canonical, DiffersForEverythingThatMatters) {
  const Override changes[] = {{"train.epochs", "2"},
                              {"train.batch_rows", "127"},
                              {"train.shard_rows", "63"},
                              {"train.seed", "1"},
                              {"train.shuffle", "false"},
                              {"train.reproducible", "false"},
                              {"evaluate.every", "2"},
                              {"evaluate.active_threshold", "0.1"},
                              {"record.weights", "none"},
                              {"record.samples", "1"},
                              {"record.every", "2"},
                              {"model.scalar", "f64"},
                              {"model.code", "out"},
                              {"model.loss", "huber"},
                              {"model.layers.code.units", "63"},
                              {"model.layers.code.bias", "false"},
                              {"model.layers.code.initializer", "he"},
                              {"model.layers.code.activation", "tanh"},
                              {"model.layers.out.activation", "relu"},
                              {"model.layers.code.activation", "none"},
                              {"model.layers.code.quantizer", "binary"},
                              {"model.layers.out.quantizer", "binary"},
                              {"optimizer", "sgd"},
                              {"optimizer.lr", "0.002"},
                              {"optimizer.lr", "0.0010000000000000002"},
                              {"model.layers.code.optimizer", "adam"},
                              {"model.layers.code.optimizer", "sgd"},
                              {"model.layers.out.optimizer", "adam"},
                              {"train.schedule", "linear"},
                              {"train.schedule", "cosine"},
                              {"train.schedule", "step"},
                              {"train.schedule.warmup_steps", "1"},
                              {"train.clip.norm", "1"},
                              {"train.clip.value", "1"},
                              {"data.limit", "5"},
                              {"data.noise", "0.5"},
                              {"data.train_rows", "1"},
                              {"data.test_rows", "1"},
                              {"data.cols", "3"},
                              {"data.atoms", "5"},
                              {"data.active_mean", "3"},
                              {"data.amplitude_min", "0"},
                              {"data.amplitude_max", "2"},
                              {"data.seed", "9"}};
  std::set<std::string> texts = {canonical(std::string(kBase))};
  for (const Override& change : changes) {
    EXPECT_TRUE(texts.insert(canonical(std::string(kBase), {change})).second)
        << change.key << "=" << change.value;
  }
}

// Keys that one kind has and another doesn't, and those that need labels.
TEST(Canonical, DiffersForEveryKeyOfScheduleTargetAndLayerOptimizer) {
  std::set<std::string> texts;
  int count = 0;
  const auto add = [&](auto change) {
    TrialSpec trial;
    trial.model.layers.push_back({"code", {"dense", {}}, {}, {}, {}});
    change(trial);
    ++count;
    EXPECT_TRUE(texts.insert(canonical_text(trial, {})).second) << "change " << count;
  };
  for (const auto kind :
       {ScheduleKind::kLinear, ScheduleKind::kExponential, ScheduleKind::kCosine}) {
    for (const auto per : {SchedulePer::kStep, SchedulePer::kEpoch}) {
      for (const double last : {0.25, 0.5}) {
        add([&](TrialSpec& t) { t.train.schedule = {kind, per, 0, last}; });
      }
    }
  }
  for (const std::int64_t every : {1, 2}) {
    for (const double factor : {0.1, 0.2}) {
      add([&](TrialSpec& t) {
        t.train.schedule.kind = ScheduleKind::kStep;
        t.train.schedule.every_epochs = every;
        t.train.schedule.factor = factor;
      });
    }
  }
  add([](TrialSpec& t) { t.model.target = Target::kInput; });
  for (const std::int64_t classes : {10, 11}) {
    add([&](TrialSpec& t) {
      t.model.target = Target::kLabels;
      t.model.classes = classes;
    });
  }
  for (const auto on : {OptimizerTarget::kAll, OptimizerTarget::kQuantized}) {
    for (const double lr : {0.1, 0.2}) {
      add([&](TrialSpec& t) {
        t.model.layers[0].optimizer = LayerOptimizerSpec{{"sgd", {{"lr", lr}}}, on};
      });
    }
  }
}

TEST(Canonical, TellsSpecificationsApartThatLookAlike) {
  TrialSpec trial;
  trial.model.layers.push_back({"code", {"dense", {{"word", "true"}}}, {}, {}, {}});
  const std::string with_word = canonical_text(trial, {});
  trial.model.layers[0].layer.parameters[0].second = true;
  EXPECT_NE(canonical_text(trial, {}), with_word);
  trial.model.layers[0].layer.parameters[0].second = std::string("a \"b\" \\ c");
  EXPECT_NE(canonical_text(trial, {}).find("word: \"a \\\"b\\\" \\\\ c\"\n"), std::string::npos);
  trial.model.layers[0].layer.parameters[0].second = 1.0;
  const std::string with_real = canonical_text(trial, {});
  trial.model.layers[0].layer.parameters[0].second = std::int64_t{1};
  EXPECT_NE(canonical_text(trial, {}), with_real);
}

// Keys that came later leave the text, and so the keys of trials, of experiments without them.
TEST(Canonical, StaysForExperimentsThatUseNothingNew) {
  DataSpec data;
  data.source = DataSpec::Source::kIdx;
  data.limit = 5;
  TrialSpec trial;
  trial.model.loss = {"mse", {}};
  trial.model.layers.push_back({"code", {"dense", {}}, {}, {}, {}});
  trial.optimizer = {"sgd", {}};
  EXPECT_EQ(canonical_text(trial, data),
            "schema: 1\ndata:\n  source: idx\n  limit: 5\n"
            "model:\n  scalar: f32\n  code: code\n  target: input\n  loss:\n    kind: mse\n"
            "  layers:\n    - name: code\n      kind: dense\noptimizer:\n  kind: sgd\n"
            "train:\n  epochs: 1\n  batch_rows: 128\n  shard_rows: 64\n  seed: 0\n"
            "  shuffle: true\n  reproducible: true\n  schedule:\n    kind: constant\n"
            "    warmup_steps: 0\n  clip:\n    norm: 0.0\n    value: 0.0\n"
            "evaluate:\n  every: 1\n  active_threshold: 0.0\n"
            "record:\n  weights: all\n  samples: 64\n  every: 1\n");
}

TEST(Canonical, LeavesTheDataPathOut) {
  DataSpec here;
  here.source = DataSpec::Source::kIdx;
  here.path = "/here/mnist";
  DataSpec there = here;
  there.path = "/there/mnist";
  EXPECT_EQ(canonical_text({}, here), canonical_text({}, there));
}

// A decimal comma, and a point between thousands, for everything that uses C++ streams.
class Commas : public std::numpunct<char> {
 protected:
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Canonical, DoesNotDependOnTheLocale) {
  const std::string expected = canonical(kRich);
  const std::string message = fault(base_with(9, "train: {epochs: 2000000}"));
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Commas));
  const char* const c_locale = std::setlocale(LC_NUMERIC, "de_DE.UTF-8");
  if (c_locale == nullptr) std::puts("de_DE.UTF-8 is not installed: C++ streams alone are tested");
  EXPECT_EQ(canonical(kRich), expected);
  EXPECT_EQ(fault(base_with(9, "train: {epochs: 2000000}")), message);
  EXPECT_EQ(message, "a.yaml:9:17: train.epochs: 2000000 is not in [1, 1000000]");
  std::locale::global(before);
  std::setlocale(LC_NUMERIC, "C");
}

}  // namespace
}  // namespace aesweep::test
