// Proves that every kind of mistake in an experiment gets one exact message with its place: a table
// of experiments, each one complete but for one line.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "tests/config/fake_catalogue.hpp"

namespace aesweep::test {
namespace {

// kBase with `line` replaced (9: appended).
struct Case {
  int line;
  const char* replacement;
  const char* message;
};

void expect_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    EXPECT_EQ(fault(base_with(c.line, c.replacement)), c.message) << c.replacement;
  }
}

TEST(Malformed, TheBaseIsComplete) { EXPECT_EQ(fault(std::string(kBase)), "no fault"); }

TEST(Malformed, TopLevel) {
  EXPECT_EQ(fault("[1]"), "a.yaml:1:1: found a list, expected a map such as \"schema: 1\"");
  EXPECT_EQ(fault("hello"), "a.yaml:1:1: found hello, expected a map such as \"schema: 1\"");
  EXPECT_EQ(fault("schema: 1\nmodel: {}\n"), "a.yaml:1:1: data: missing; every experiment has it");
  expect_all({
      {1, "", "a.yaml:2:1: schema: missing; every experiment has it"},
      {1, "schema: 2",
       "a.yaml:1:9: schema: found 2, expected 1, the version that this program reads"},
      {1, "schema: \"one\"",
       "a.yaml:1:9: schema: found \"one\", expected 1, the version that this program reads"},
      {8, "", "a.yaml:1:1: optimizer: missing; every experiment has it"},
      {9, "trian: {epochs: 1}", "a.yaml:9:1: trian: unknown key (did you mean train?)"},
      {9, "zip: []",
       "a.yaml:9:1: zip: unknown key; known: schema, name, plugins, data, model, optimizer, train, "
       "evaluate, method, metric, parameters, resources, checkpoint, record, limits"},
      {9, "optimizer: sgd", "a.yaml:9:1: optimizer: the key is given twice, first at line 8"},
      {9, "name: ../x",
       "a.yaml:9:7: name: found ../x, expected a name for a folder: at most 100 letters, digits, "
       "_, "
       "- and ., not starting with - or ."},
      {9, "name: [a]",
       "a.yaml:9:7: name: found a list, expected a name for a folder: at most 100 letters, digits, "
       "_, - and ., not starting with - or ."},
      {9, "method: random",
       "a.yaml:9:9: method: found random, expected grid; this version searches grids only"},
      {9, "plugins: my.so", "a.yaml:9:10: plugins: found my.so, expected a list of files"},
      {9, "plugins: [{a: b}]",
       "a.yaml:9:11: plugins[0]: found a map, expected the path of a plugin library"},
  });
}

TEST(Malformed, Sections) {
  expect_all({
      {9, "train: 3", "a.yaml:9:8: train: found 3, expected a map"},
      {9, "train: {epoch: 3}", "a.yaml:9:9: train.epoch: unknown key (did you mean train.epochs?)"},
      {9, "train: {epochs: 0}", "a.yaml:9:17: train.epochs: 0 is not in [1, 1000000]"},
      {9, "train: {epochs: 1.5}",
       "a.yaml:9:17: train.epochs: found 1.5, expected a whole number in [1, 1000000]"},
      {9, "train: {epochs: 010}",
       "a.yaml:9:17: train.epochs: found 010, expected a whole number in [1, 1000000]"},
      {9, "train: {epochs: 0x10}",
       "a.yaml:9:17: train.epochs: found 0x10, expected a whole number in [1, 1000000]"},
      {9, "train: {epochs: \"3\"}",
       "a.yaml:9:17: train.epochs: found \"3\", expected a whole number in [1, 1000000]"},
      {9, "train: {epochs: }",
       "a.yaml:9:17: train.epochs: found nothing, expected a whole number in [1, 1000000]"},
      {9, "train: {epochs: [1]}",
       "a.yaml:9:17: train.epochs: found a list, expected a whole number in [1, 1000000]"},
      {9, "train: {epochs: 99999999999999999999}",
       "a.yaml:9:17: train.epochs: found 99999999999999999999, expected a whole number in [1, "
       "1000000]"},
      {9, "train: {seed: -1}", "a.yaml:9:15: train.seed: -1 is not in [0, 9007199254740991]"},
      {9, "train: {shuffle: yes}", "a.yaml:9:18: train.shuffle: found yes, expected true or false"},
      {9, "train: {shuffle: True}",
       "a.yaml:9:18: train.shuffle: found True, expected true or false"},
      {9, "train: {shuffle: \"true\"}",
       "a.yaml:9:18: train.shuffle: found \"true\", expected true or false"},
      {9, "train: {shard_rows: 0}", "a.yaml:9:21: train.shard_rows: 0 is not in [1, 2147483647]"},
      {9, "evaluate: {active_threshold: -0.5}",
       "a.yaml:9:30: evaluate.active_threshold: -0.5 is not in [0, inf)"},
      {9, "evaluate: {active_threshold: .inf}",
       "a.yaml:9:30: evaluate.active_threshold: found .inf, expected a number in [0, inf)"},
      {9, "evaluate: {active_threshold: 1e999}",
       "a.yaml:9:30: evaluate.active_threshold: found 1e999, expected a number in [0, inf)"},
      {9, "evaluate: {active_threshold: 0,5}",
       "a.yaml:9:32: evaluate.5: unknown key; known: every, active_threshold, codes"},
      {9, "metric: test/mse", "a.yaml:9:9: metric: found test/mse, expected a map"},
      {9, "metric: {goal: maximise}",
       "a.yaml:9:16: metric.goal: found maximise, expected minimize or maximize (did you mean "
       "maximize?)"},
      {9, "metric: {name: test/msee}",
       "a.yaml:9:16: metric.name: unknown metric test/msee (did you mean test/mse?)"},
      {9, "metric: {name: test/loss_code_l1}",
       "a.yaml:9:16: metric.name: unknown metric test/loss_code_l1; known: train/loss, "
       "train/loss_reconstruction, train/mse, train/fvu, train/l0, train/dead, "
       "train/mean_activation, test/loss, test/loss_reconstruction, test/mse, test/fvu, test/l0, "
       "test/dead, test/mean_activation, dictionary/recovery"},
      {9, "resources: {ranks: 2}",
       "a.yaml:9:13: resources.ranks: unknown key; known: ranks_per_trial"},
      {9, "resources: {ranks_per_trial: 0}",
       "a.yaml:9:30: resources.ranks_per_trial: found 0, expected auto or a whole number in [1, "
       "65536]"},
      {9, "record: {weights: final}",
       "a.yaml:9:19: record.weights: found final, expected all, none or a map such as {best: 10}"},
      {9, "record: {weights: {best: 0}}",
       "a.yaml:9:26: record.weights.best: 0 is not in [1, 1000000]"},
      {9, "record: {weights: {}}",
       "a.yaml:9:19: record.weights.best: missing; expected the number of trials whose weights are "
       "kept"},
      {9, "record: {weights: {worst: 3}}",
       "a.yaml:9:20: record.weights.worst: unknown key; known: best"},
      {9, "record: {every: 0}", "a.yaml:9:17: record.every: 0 is not in [1, 1000000]"},
      {9, "record: {samples: -1}", "a.yaml:9:19: record.samples: -1 is not in [0, 1000000]"},
      {9, "limits: {max_trials: 2000000}",
       "a.yaml:9:22: limits.max_trials: 2000000 is not in [1, 1000000]"},
  });
}

TEST(Malformed, Checkpoint) {
  expect_all({
      {9, "checkpoint: 60s",
       "a.yaml:9:13: checkpoint: found 60s, expected none or a map such as {every: 60s, keep: 2}"},
      {9, "checkpoint: [60s]",
       "a.yaml:9:13: checkpoint: found a list, expected none or a map such as {every: 60s, keep: "
       "2}"},
      {9, "checkpoint: {evry: 60s}",
       "a.yaml:9:14: checkpoint.evry: unknown key (did you mean checkpoint.every?)"},
      {9, "checkpoint: {keep: 0}", "a.yaml:9:20: checkpoint.keep: 0 is not in [1, 1000]"},
  });
  for (const char* every : {"60",
                            "0s",
                            "-1s",
                            "1m1h",
                            "1h1h",
                            "1h 30m",
                            "60 s",
                            "1e3s",
                            ".s",
                            "1.2.3s",
                            "60sec",
                            "s",
                            "0 steps",
                            "-1 steps",
                            "1.5 epochs",
                            "3  steps",
                            "3 step s",
                            "3steps",
                            "none",
                            "[60s]",
                            "99999999999999999999 steps",
                            "9007199254740992 epochs"}) {
    const std::string message = fault(base_with(9, text("checkpoint: {every: ", every, "}")));
    EXPECT_TRUE(message.starts_with("a.yaml:9:21: checkpoint.every: found ")) << message;
    EXPECT_TRUE(message.ends_with(
        ", expected a duration such as 90s, 20m, 6h or 1h30m, N steps or N epochs"))
        << message;
  }
}

TEST(Malformed, Limits) {
  expect_all({
      {9, "limits: {max_time: 60}",
       "a.yaml:9:20: limits.max_time: found 60, expected none or a duration such as 90s, 20m, 6h "
       "or 1h30m"},
      {9, "limits: {max_trial_time: 3 steps}",
       "a.yaml:9:26: limits.max_trial_time: found 3 steps, expected none or a duration such as "
       "90s, 20m, 6h or 1h30m"},
      {9, "limits: {stall: 0.5s}", "a.yaml:9:17: limits.stall: 0.5s is less than 1s"},
      {9, "limits: {stall: }",
       "a.yaml:9:17: limits.stall: found nothing, expected none or a duration such as 90s, 20m, "
       "6h or 1h30m"},
      {9, "limits: {max_failure_rate: 0}",
       "a.yaml:9:28: limits.max_failure_rate: 0 is not in (0, 1]"},
      {9, "limits: {max_failure_rate: 1.01}",
       "a.yaml:9:28: limits.max_failure_rate: 1.01 is not in (0, 1]"},
  });
}

TEST(Malformed, Data) {
  expect_all({
      {2, "data: mnist", "a.yaml:2:7: data: found mnist, expected a map"},
      {2, "data: {}", "a.yaml:2:7: data.source: missing; expected superposition, idx or files"},
      {2, "data: {source: indx}",
       "a.yaml:2:16: data.source: found indx, expected superposition, idx or files (did you mean "
       "idx?)"},
      {2, "data: {source: idx}",
       "a.yaml:2:7: data.path: missing; source idx needs the folder of its four files"},
      {2, "data: {source: idx, path: [a]}",
       "a.yaml:2:27: data.path: found a list, expected the folder of the four idx files"},
      {2, "data: {source: idx, path: mnist, atoms: 3}",
       "a.yaml:2:34: data.atoms: source idx has no such key"},
      {2, "data: {source: superposition, path: mnist}",
       "a.yaml:2:31: data.path: source superposition has no such key"},
      {2, "data: {source: superposition, atom: 3}",
       "a.yaml:2:31: data.atom: unknown key (did you mean data.atoms?)"},
      {2, "data: {source: superposition, atoms: 3}",
       "a.yaml:2:7: data.active_mean: 4 is more than data.atoms, 3"},
      {2, "data: {source: superposition, active_mean: 0}",
       "a.yaml:2:44: data.active_mean: 0 is not in (0, inf)"},
      {2, "data: {source: superposition, amplitude_min: 2}",
       "a.yaml:2:46: data.amplitude_min: 2 is more than data.amplitude_max, 1.5"},
      {2, "data: {source: superposition, limit: -3}",
       "a.yaml:2:38: data.limit: -3 is not in [0, 2147483647]"},
  });
}

TEST(Malformed, Model) {
  EXPECT_EQ(fault("schema: 1\ndata: {source: idx}\nmodel: autoencoder\noptimizer: adam\n"),
            "a.yaml:3:8: model: found autoencoder, expected a map");
  EXPECT_EQ(fault("schema: 1\ndata: {source: idx}\nmodel: {loss: mse}\noptimizer: adam\n"),
            "a.yaml:3:8: model.layers: missing; list at least one layer");
  EXPECT_EQ(fault("schema: 1\ndata: {source: idx}\nmodel: {layers: []}\noptimizer: adam\n"),
            "a.yaml:3:17: model.layers: found an empty list, expected a list such as [{name: code, "
            "kind: dense}]");
  EXPECT_EQ(fault("schema: 1\ndata: {source: idx}\nmodel: {layers: {code: dense}}\noptimizer: a\n"),
            "a.yaml:3:17: model.layers: found a map, expected a list such as [{name: code, kind: "
            "dense}]");
  expect_all({
      {4, "", "a.yaml:5:3: model.loss: missing; expected the name of a loss"},
      {4, "  los: mse", "a.yaml:4:3: model.los: unknown key (did you mean model.loss?)"},
      {4, "  loss: msee",
       "a.yaml:4:9: model.loss: unknown loss msee (did you mean mse?); known: huber, mse"},
      {4, "  loss: [mse]", "a.yaml:4:9: model.loss: found a list, expected the name of a loss"},
      {4, "  loss: {delta: 1}",
       "a.yaml:4:9: model.loss.kind: missing; expected the name of a loss"},
      {4, "  loss: {kind: mse, delta: 1}", "a.yaml:4:21: model.loss.delta: mse has no parameters"},
      {4, "  loss: {kind: huber, dleta: 1}",
       "a.yaml:4:23: model.loss.dleta: huber has no such parameter "
       "(did you mean model.loss.delta?)"},
      {4, "  loss: mse\n  scalar: f16",
       "a.yaml:5:11: model.scalar: found f16, expected f32 or f64"},
      {4, "  loss: mse\n  code: cod",
       "a.yaml:5:9: model.code: found cod, expected the name of a layer (did you mean code?)"},
  });
}

TEST(Malformed, ARangeBeyondWhatItsKeyTakesNamesTheBound) {
  expect_all({
      {9, "parameters: {train.epochs: {min: 0.25, max: 3, count: 2}}",
       "a.yaml:9:28: train.epochs: min of its range, 0.25, is not in [1, 1000000]"},
      {9, "parameters: {optimizer.beta1: {min: 0.5, max: 1, count: 3}}",
       "a.yaml:9:31: optimizer.beta1: max of its range, 1, is not in [0, 1)"},
      {9, "parameters: {optimizer.beta1: {min: 0.5, max: 2.5, count: 3}}",
       "a.yaml:9:31: optimizer.beta1: a value of its range, 1.5, is not in [0, 1)"},
  });
}

// What the results file could not keep apart is refused before anything runs.
TEST(Malformed, NamesThatWouldBeStoredAsOne) {
  const char* const two_layers =
      "    - {name: code, kind: dense, regularizers: [{kind: l1, name: x_y, coefficient: 1}]}\n"
      "    - {name: code_x, kind: dense, regularizers: [{kind: l1, name: y, coefficient: 1}]}\n";
  EXPECT_EQ(fault(base_with(6, two_layers)),
            "a.yaml:6:5: model.layers: the loss terms of regularizers x_y of layer code and y of "
            "layer code_x would both be the metric train/loss_code_x_y; rename one of them");
  const std::string names =
      "    - {name: code, kind: dense, regularizers: [{kind: l1, name: a, coefficient: 1}]}\n"
      "    - {name: code_regularizers_a, kind: dense}\n";
  const std::string layer_key = "  model.layers.code_regularizers_a.kind: ";
  const std::string sweep =
      "parameters:\n  model.layers.code.regularizers.a.kind: {values: [l1, l2]}\n" + layer_key;
  EXPECT_EQ(fault(base_with(6, names) + sweep + "{values: [dense]}\n"),
            "a.yaml:12:3: parameters.model.layers.code_regularizers_a.kind: the results file would "
            "store this key and model.layers.code.regularizers.a.kind (line 11) both as "
            "model_layers_code_regularizers_a_kind; rename a layer or regularizer in one of them");
  EXPECT_EQ(fault(base_with(6, names) + sweep + "dense\n"), "no fault");  // A constant.
}

TEST(Malformed, Layers) {
  expect_all({
      {6, "    - {name: hidden, kind: dense}",
       "a.yaml:4:3: model.code: missing; no layer is named code, so name the layer whose output is "
       "the code; known: hidden, out"},
      {6, "    - dense",
       "a.yaml:6:7: model.layers[0]: found dense, expected a layer such as {name: code, kind: "
       "dense}"},
      {6, "    - {kind: dense}", "a.yaml:6:7: model.layers[0].name: missing"},
      {6, "    - {name: Code, kind: dense}",
       "a.yaml:6:14: model.layers[0].name: found Code, expected a name of at most 40 lower-case "
       "letters, digits and _, starting with a letter"},
      {6, "    - {name: out, kind: dense}",
       "a.yaml:7:14: model.layers[1].name: out is already the name of another; give each its own"},
      {6, "    - {name: code}",
       "a.yaml:6:7: model.layers.code.kind: missing; expected the name of a layer"},
      {6, "    - {name: code, kind: conv}",
       "a.yaml:6:26: model.layers.code.kind: unknown layer conv; known: dense, tied"},
      {6, "    - {name: code, kind: dense, units: 0}",
       "a.yaml:6:40: model.layers.code.units: 0 is not in [1, 65536]"},
      {6, "    - {name: code, kind: dense, unit: 3}",
       "a.yaml:6:33: model.layers.code.unit: dense has no such parameter "
       "(did you mean model.layers.code.units?)"},
      {6, "    - {name: code, kind: dense, initializer: zeros}",
       "a.yaml:6:46: model.layers.code.initializer: found zeros, expected xavier, he or uniform"},
      {6, "    - {name: code, kind: dense, activation: rellu}",
       "a.yaml:6:45: model.layers.code.activation: unknown activation rellu (did you mean relu?); "
       "known: leaky_relu, relu, tanh, topk"},
      {6, "    - {name: code, kind: dense, activation: }",
       "a.yaml:6:45: model.layers.code.activation: found nothing, expected the name of an "
       "activation"},
      {6, "    - {name: code, kind: dense, activation: topk}",
       "a.yaml:6:45: model.layers.code.activation.k: missing; expected a whole number in [1, "
       "65536]"},
      {6, "    - {name: code, kind: dense, quantizer: {kind: binary, limit: 0}}",
       "a.yaml:6:66: model.layers.code.quantizer.limit: 0 is not in (0, 100]"},
      {6, "    - {name: code, kind: tied}",
       "a.yaml:6:7: model.layers.code.of: missing; expected names of 1 to 200 letters, digits or _ "
       ". / -"},
      {6, "    - {name: code, kind: tied, of: \"en coder\"}",
       "a.yaml:6:36: model.layers.code.of: en coder is not in names of 1 to 200 letters, digits or "
       "_ . / -"},
      {6, "    - {name: code, kind: tied, of: [encoder]}",
       "a.yaml:6:36: model.layers.code.of: found a list, expected names of 1 to 200 letters, "
       "digits "
       "or _ . / -"},
  });
}

TEST(Malformed, LayerOptimizers) {
  expect_all({
      {6, "    - {name: code, kind: dense, optimizer: adan}",
       "a.yaml:6:44: model.layers.code.optimizer: unknown optimizer adan (did you mean adam?); "
       "known: adam, sgd"},
      {6, "    - {name: code, kind: dense, optimizer: {on: all}}",
       "a.yaml:6:44: model.layers.code.optimizer.kind: missing; expected the name of an optimizer"},
      {6, "    - {name: code, kind: dense, optimizer: {kind: adam, onn: all}}",
       "a.yaml:6:57: model.layers.code.optimizer.onn: adam has no such parameter; known: lr, "
       "beta1"},
      {6, "    - {name: code, kind: dense, optimizer: {kind: adam, on: quantised}}",
       "a.yaml:6:61: model.layers.code.optimizer.on: found quantised, expected all or quantized "
       "(did you mean quantized?)"},
      {6, "    - {name: code, kind: dense, optimizer: {kind: adam, on: quantized}}",
       "a.yaml:6:61: model.layers.code.optimizer.on: the layer has no quantizer; give it one or "
       "let "
       "the optimizer work on: all"},
      {6, "    - {name: code, kind: dense, optimiser: adam}",
       "a.yaml:6:33: model.layers.code.optimiser: dense has no such parameter; known: units, bias, "
       "initializer"},
  });
}

TEST(Malformed, SchedulesAndClipping) {
  expect_all({
      {9, "train: {schedule: cosin}",
       "a.yaml:9:19: train.schedule.kind: found cosin, expected constant, linear, exponential, "
       "cosine or step (did you mean cosine?)"},
      {9, "train: {schedule: [cosine]}",
       "a.yaml:9:19: train.schedule: found a list, expected a map"},
      {9, "train: {schedule: {kind: cosine, final: 0.1}}",
       "a.yaml:9:34: train.schedule.final: unknown key; known: kind, per, warmup_steps, "
       "final_factor, every_epochs, factor"},
      {9, "train: {schedule: {final_factor: 0.1}}",
       "a.yaml:9:20: train.schedule.final_factor: kind constant has no such key"},
      {9, "train: {schedule: {kind: step, per: epoch}}",
       "a.yaml:9:32: train.schedule.per: kind step has no such key"},
      {9, "train: {schedule: {kind: linear, factor: 0.1}}",
       "a.yaml:9:34: train.schedule.factor: kind linear has no such key"},
      {9, "train: {schedule: {kind: linear, per: batch}}",
       "a.yaml:9:39: train.schedule.per: found batch, expected step or epoch"},
      {9, "train: {schedule: {kind: linear, final_factor: -1}}",
       "a.yaml:9:48: train.schedule.final_factor: -1 is not in [0, inf)"},
      {9, "train: {schedule: exponential}",
       "a.yaml:9:19: train.schedule.final_factor: missing; kind exponential never reaches 0, so "
       "give it a number above"},
      {9, "train: {schedule: {kind: exponential, final_factor: 0}}",
       "a.yaml:9:53: train.schedule.final_factor: 0 is not in (0, inf); kind exponential never "
       "reaches 0, so give it a number above"},
      {9, "train: {schedule: {kind: step, every_epochs: 0}}",
       "a.yaml:9:46: train.schedule.every_epochs: 0 is not in [1, 1000000]"},
      {9, "train: {schedule: {warmup_steps: 1.5}}",
       "a.yaml:9:34: train.schedule.warmup_steps: found 1.5, expected a whole number in [0, "
       "9007199254740991]"},
      {9, "train: {clip: 1}",
       "a.yaml:9:15: train.clip: found 1, expected a map; write {norm: 1.0} or {value: 1.0}"},
      {9, "train: {clip: {norm: -1}}", "a.yaml:9:22: train.clip.norm: -1 is not in [0, inf)"},
      {9, "train: {clip: {values: 1}}",
       "a.yaml:9:16: train.clip.values: unknown key (did you mean train.clip.value?)"},
  });
}

TEST(Malformed, Targets) {
  expect_all({
      {4, "  loss: mse\n  target: label",
       "a.yaml:5:11: model.target: found label, expected input or labels (did you mean labels?)"},
      {4, "  loss: mse\n  target: labels",
       "a.yaml:5:11: model.classes: missing; target labels needs the number of classes"},
      {4, "  loss: mse\n  target: labels\n  classes: 1",
       "a.yaml:6:12: model.classes: 1 is not in [2, 1048576]"},
      {4, "  loss: mse\n  classes: 10",
       "a.yaml:5:12: model.classes: target input has no such key; add target: labels or leave it "
       "out"},
      {4, "  loss: mse\n  target: labels\n  classes: 10",
       "a.yaml:5:11: model.target: is labels, but data.source superposition has none; use labelled "
       "data"},
  });
}

TEST(Malformed, RegularizersAndOptimizer) {
  expect_all({
      {6, "    - {name: code, kind: dense, regularizers: l1}",
       "a.yaml:6:47: model.layers.code.regularizers: found l1, expected a list such as [{kind: "
       "l1}]"},
      {6, "    - {name: code, kind: dense, regularizers: [[l1]]}",
       "a.yaml:6:48: model.layers.code.regularizers[0]: found a list, expected a regularizer such "
       "as "
       "{kind: l1}"},
      {6, "    - {name: code, kind: dense, regularizers: [{on: weights}]}",
       "a.yaml:6:48: model.layers.code.regularizers[0].kind: missing"},
      {6, "    - {name: code, kind: dense, regularizers: [{kind: {a: b}}]}",
       "a.yaml:6:55: model.layers.code.regularizers[0].kind: found a map, expected the name of a "
       "regularizer"},
      {6, "    - {name: code, kind: dense, regularizers: [l1]}",
       "a.yaml:6:48: model.layers.code.regularizers.l1.coefficient: missing; expected a number in "
       "[0, inf)"},
      {6, "    - {name: code, kind: dense, regularizers: [{kind: l1, coefficient: 1}, {kind: l1}]}",
       "a.yaml:6:76: model.layers.code.regularizers[1].name: l1 is already the name of another; "
       "give "
       "each its own"},
      {6, "    - {name: code, kind: dense, regularizers: [{kind: l1, coefficient: 1, on: weight}]}",
       "a.yaml:6:79: model.layers.code.regularizers.l1.on: found weight, expected activations or "
       "weights (did you mean weights?)"},
      {6,
       "    - {name: code, kind: dense, regularizers: [{kind: l1, coefficient: 1, reduction: "
       "avg}]}",
       "a.yaml:6:86: model.layers.code.regularizers.l1.reduction: found avg, expected sum or mean"},
      {8, "optimizer: {lr: 1}",
       "a.yaml:8:12: optimizer.kind: missing; expected the name of an optimizer"},
      {8, "optimizer: adamw",
       "a.yaml:8:12: optimizer: unknown optimizer adamw (did you mean adam?); known: adam, sgd"},
      {8, "optimizer: {kind: adam, beta1: 1}", "a.yaml:8:32: optimizer.beta1: 1 is not in [0, 1)"},
      {8, "optimizer: {kind: adam, lr: fast}",
       "a.yaml:8:29: optimizer.lr: found fast, expected a number in [0, inf)"},
  });
}

TEST(Malformed, AKeyOfALayersOptimizerAtTheTop) {
  expect_all({
      {8, "optimizer: {kind: adam, on: quantized}",
       "a.yaml:8:25: optimizer.on: belongs to the optimizer of a layer, "
       "model.layers.NAME.optimizer; this one updates all that those leave"},
  });
}

// A key without a value is a slip, never a wish for defaults; `parameters` alone may be empty.
TEST(Malformed, EmptyValues) {
  expect_all({
      {6, "    - {name: code, kind: dense, regularizers: }",
       "a.yaml:6:47: model.layers.code.regularizers: found nothing, expected a list such as "
       "[{kind: l1}]"},
      {9, "train:", "a.yaml:9:1: train: found nothing, expected a map"},
      {9, "train: {clip: }", "a.yaml:9:15: train.clip: found nothing, expected a map"},
      {9, "train: {schedule: }", "a.yaml:9:19: train.schedule: found nothing, expected a map"},
      {9, "evaluate:", "a.yaml:9:1: evaluate: found nothing, expected a map"},
      {9, "record: {}\nmetric:", "a.yaml:10:1: metric: found nothing, expected a map"},
      {9, "limits:", "a.yaml:9:1: limits: found nothing, expected a map"},
      {9, "resources:", "a.yaml:9:1: resources: found nothing, expected a map"},
      {9, "plugins:", "a.yaml:9:1: plugins: found nothing, expected a list of files"},
  });
}

// For what is only found when trials are planned: the nearest key that the message names.
TEST(Malformed, PlacesOfLaterFaults) {
  const std::string yaml = base_with(7, "    - {name: out, kind: tied, of: code}") +
                           "train: {epochs: 2}\n"
                           "parameters: {optimizer.lr: {values: [1, 2]}}\n";
  const Result<Experiment> read = resolve(yaml, {{"model.loss", "huber"}});
  ASSERT_TRUE(read.ok()) << read.status().message();
  const std::vector<std::pair<std::string, std::string>> table = {
      {"model.layers.out: gives 9 columns, but", "a.yaml:7:7"},
      {"model.layers.out: layer tied (plugin p), plan: invalid: of: none", "a.yaml:7:35"},
      {"model.layers.out.initializer: x", "a.yaml:7:7"},
      {"model.code: no layer", "a.yaml:4:3"},
      {"optimizer.lr: x", "a.yaml:10:14"},
      {"train.shard_rows: x", "a.yaml:9:8"},
      {"model.loss: by --set", "a.yaml:4:3"},
      {"out of memory", "a.yaml"},
  };
  for (const auto& [message, place] : table)
    EXPECT_EQ(place_of(read.value(), message), place) << message;

  const auto placed = [&](const Status& status) {
    return at_place(read.value(), status).message();
  };
  EXPECT_EQ(placed(Status::input("data.split.test: missing; x: y")),
            "a.yaml:2:7: data.split.test: missing; x: y");
  EXPECT_EQ(placed(Status::world("train.epochs: x")), "a.yaml:9:17: train.epochs: x");
  EXPECT_EQ(at_place(read.value(), Status::world("train.epochs: x")).fault(), Fault::kWorld);
  EXPECT_EQ(placed(Status::input("/d/x.npy: has 3 labels")), "/d/x.npy: has 3 labels");
  EXPECT_TRUE(at_place(read.value(), Status()).ok());
}

TEST(Malformed, SweptKeys) {
  expect_all({
      {9, "parameters: [1]",
       "a.yaml:9:13: parameters: found a list, expected a map from keys to values"},
      {9, "parameters: {optimiser.lr: 1}",
       "a.yaml:9:14: parameters.optimiser.lr: unknown key optimiser (did you mean optimizer?)"},
      {9, "parameters: {data.limit: 3}",
       "a.yaml:9:14: parameters.data.limit: data cannot be swept: all trials of a run share one "
       "data "
       "set; run the program once per data set"},
      {9, "parameters: {resources.ranks_per_trial: {values: [1, 2]}}",
       "a.yaml:9:14: parameters.resources.ranks_per_trial: resources cannot be swept: it does "
       "not "
       "change a trial's result"},
      {9, "parameters: {name: {values: [a, b]}}",
       "a.yaml:9:14: parameters.name: name cannot be swept: it holds for the run, not for one "
       "trial"},
      {9, "parameters: {optimizer..lr: 1}",
       "a.yaml:9:14: parameters.optimizer..lr: not a key; write names with single dots between "
       "them"},
      {9, "parameters: {optimizer.lr: 1, optimizer: {lr: 2}}",
       "a.yaml:9:43: parameters.optimizer.lr: the key is given twice, first at line 9"},
      {9, "parameters: {optimizer.lrr: {values: [1]}}",
       "a.yaml:9:14: optimizer.lrr: adam has no such parameter (did you mean optimizer.lr?)"},
      {9, "parameters: {train.epoch: {values: [1]}}",
       "a.yaml:9:14: train.epoch: unknown key (did you mean train.epochs?)"},
      {9, "parameters: {train.epochs.x: 1}",
       "a.yaml:9:14: train.epochs.x: a single value has no keys"},
      {9, "parameters: {model.layers.cod.units: 3}",
       "a.yaml:9:14: model.layers.cod: no layer has this name (did you mean code?)"},
      {9, "parameters: {model.layers.code.regularizers.l1.coefficient: 3}",
       "a.yaml:9:14: model.layers.code.regularizers.l1: no regularizer has this name"},
      {9, "parameters: {model.layers.code.name: {values: [a, b]}}",
       "a.yaml:9:14: model.layers.code.name: a name is part of addresses and cannot be swept or "
       "set"},
      {9, "parameters: {model: {values: [a]}}",
       "a.yaml:9:31: model: found a, expected a map of what to change"},
      {9, "parameters: {model.layers.code.activation.k: 3}",
       "a.yaml:9:14: model.layers.code.activation.k: relu has no parameters"},
      {9, "parameters: {model.layers.code.activation: {values: [tanh, {kind: topk}]}}",
       "a.yaml:9:60: model.layers.code.activation.k: missing; expected a whole number in [1, "
       "65536]"},
      {9,
       "parameters: {model.layers.code.activation: {values: [tanh, {kind: leaky_relu, slop: "
       "1}]}}",
       "a.yaml:9:79: model.layers.code.activation.slop: leaky_relu has no such parameter (did "
       "you "
       "mean "
       "model.layers.code.activation.slope?)"},
      {9, "parameters: {model.layers.code.units: {values: [64, 0]}}",
       "a.yaml:9:53: model.layers.code.units: 0 is not in [1, 65536]"},
      {9, "parameters: {model.layers.code.units: {values: [64, {a: 1}]}}",
       "a.yaml:9:53: parameters.model.layers.code.units.values[1].label: missing; a map without "
       "kind "
       "needs a label for tables"},
  });
}

TEST(Malformed, SweptLists) {
  expect_all({
      {9, "parameters: {optimizer.lr: [1, 2]}",
       "a.yaml:9:28: parameters.optimizer.lr: found a list, expected {values: [...]}, {min: A, "
       "max: "
       "B, count: N} or a constant"},
      {9, "parameters: {optimizer.lr: }",
       "a.yaml:9:28: parameters.optimizer.lr: found nothing, expected {values: [...]}, {min: A, "
       "max: "
       "B, count: N} or a constant"},
      {9, "parameters: {optimizer.lr: {values: 3}}",
       "a.yaml:9:37: parameters.optimizer.lr.values: found 3, expected a list such as [1, 2]"},
      {9, "parameters: {optimizer.lr: {values: []}}",
       "a.yaml:9:37: parameters.optimizer.lr.values: found an empty list, expected a list such "
       "as "
       "[1, "
       "2]"},
      {9, "parameters: {optimizer.lr: {values: [[1]]}}",
       "a.yaml:9:38: parameters.optimizer.lr.values[0]: found a list, expected a value or a map"},
      {9, "parameters: {optimizer.lr: {values: [1, ~]}}",
       "a.yaml:9:41: parameters.optimizer.lr.values[1]: found nothing, expected a value or a "
       "map"},
      {9, "parameters: {optimizer.lr: {values: [0.1, 1e-1]}}",
       "a.yaml:9:43: parameters.optimizer.lr.values[1]: 0.1 is there twice; give each value "
       "once, "
       "and "
       "each map its own label"},
      {9,
       "parameters: {model.layers.code.activation: {values: [{kind: topk, k: 1}, {kind: topk, k: "
       "2}]}}",
       "a.yaml:9:74: parameters.model.layers.code.activation.values[1]: topk is there twice; "
       "give "
       "each value once, and each map its own label"},
      {9,
       "parameters: {optimizer: {values: [{kind: adam, lr: 1}]}, optimizer.lr: {values: [1, 2]}}",
       "a.yaml:9:58: parameters.optimizer.lr: values of optimizer (line 9) set this key, too; "
       "sweep it "
       "in one place"},
      {9, "parameters: {optimizer.lr: {values: [1], min: 2}}",
       "a.yaml:9:42: parameters.optimizer.lr.min: a range and values together; write one of "
       "them"},
  });
}

TEST(Malformed, SweptRanges) {
  expect_all({
      {9, "parameters: {optimizer.lr: {min: 1, max: 2}}",
       "a.yaml:9:28: parameters.optimizer.lr.count: missing; a range is {min: A, max: B, count: "
       "N}"},
      {9, "parameters: {optimizer.lr: {min: 1, count: 2}}",
       "a.yaml:9:28: parameters.optimizer.lr.max: missing; a range is {min: A, max: B, count: "
       "N}"},
      {9, "parameters: {optimizer.lr: {min: 1, max: 2, count: 1}}",
       "a.yaml:9:52: parameters.optimizer.lr.count: found 1, expected a whole number in [2, "
       "1000000]; "
       "both ends are included"},
      {9, "parameters: {optimizer.lr: {min: 1, max: 2, count: 2.5}}",
       "a.yaml:9:52: parameters.optimizer.lr.count: found 2.5, expected a whole number in [2, "
       "1000000]; both ends are included"},
      {9, "parameters: {optimizer.lr: {min: 2, max: 1, count: 2}}",
       "a.yaml:9:42: parameters.optimizer.lr.max: 1 is not above min, 2"},
      {9, "parameters: {optimizer.lr: {min: 0, max: 1, count: 2, log: true}}",
       "a.yaml:9:34: parameters.optimizer.lr.min: 0 is not above 0, as log: true needs"},
      {9, "parameters: {optimizer.lr: {min: 1, max: 2, count: 2, log: yes}}",
       "a.yaml:9:60: parameters.optimizer.lr.log: found yes, expected true or false"},
      {9, "parameters: {optimizer.lr: {min: a, max: 2, count: 2}}",
       "a.yaml:9:34: parameters.optimizer.lr.min: found a, expected a number"},
      {9, "parameters: {optimizer.lr: {min: 1, max: 2, count: 2, step: 1}}",
       "a.yaml:9:55: parameters.optimizer.lr.step: unknown key; known: values, min, max, count, "
       "log"},
      {9, "parameters: {optimizer.lr: {distribution: log_uniform, min: -9.21, max: -4.6}}",
       "a.yaml:9:29: parameters.optimizer.lr.distribution: log_uniform is ambiguous; if min and "
       "max "
       "are values, write {min: -9.21, max: -4.6, log: true, count: N}; if they are exponents of "
       "e, "
       "write {min: 0.000100034042991, max: 0.0100518357446, log: true, count: N}"},
      {9, "parameters: {optimizer.lr: {distribution: uniform, min: 1, max: 2}}",
       "a.yaml:9:29: parameters.optimizer.lr.distribution: unknown key; a grid is {min: A, max: "
       "B, "
       "count: N}, with log: true for even steps of the logarithm"},
      {9, "parameters: {model.layers.code.units: {min: 1, max: 3, count: 5}}",
       "a.yaml:9:39: parameters.model.layers.code.units: the range gives 2 twice after rounding "
       "to "
       "whole numbers; lower count"},
      {9,
       "parameters: {train.seed: {min: 0, max: 1e6, count: 1000000}, optimizer.lr: {min: 0, max: "
       "1, "
       "count: 1000000}, optimizer.beta1: {min: 0, max: 0.5, count: 1000000}}",
       "a.yaml:9:1: parameters: the grid of 1000000 x 1000000 x 1000000 trials is larger than "
       "limits.max_trials, 1000000"},
      {9, "limits: {max_trials: 3}\nparameters: {train.seed: {values: [1, 2, 3, 4]}}",
       "a.yaml:10:1: parameters: the grid of 4 trials is larger than limits.max_trials, 3"},
  });
}

}  // namespace
}  // namespace aesweep::test
