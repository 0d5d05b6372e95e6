// Proves that a sweep expands as documented: order, ranges, merged maps, types and labels of the
// swept values, against lists written by hand.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/config/fake_catalogue.hpp"

namespace aesweep::test {
namespace {

std::vector<std::string> labels_of(const std::string& parameters) {
  const Result<Experiment> experiment = resolve(base_with(9, parameters));
  if (!experiment.ok()) return {experiment.status().message()};
  std::vector<std::string> labels;
  for (const PlannedTrial& trial : experiment.value().trials) labels.push_back(trial.label);
  return labels;
}

Experiment expanded(const std::string& parameters, int line = 9) {
  Result<Experiment> experiment = resolve(base_with(line, parameters));
  EXPECT_TRUE(experiment.ok()) << experiment.status().message();
  return experiment.ok() ? std::move(experiment).value() : Experiment();
}

using Labels = std::vector<std::string>;

TEST(Expansion, LastKeyMovesFastest) {
  EXPECT_EQ(labels_of("parameters:\n"
                      "  model.layers.code.activation: {values: [tanh, relu]}\n"
                      "  optimizer.lr: {values: [1.0e-3, 1e-2]}\n"
                      "  train.seed: {values: [7, 5]}\n"),
            (Labels{"activation=tanh lr=0.001 seed=7", "activation=tanh lr=0.001 seed=5",
                    "activation=tanh lr=0.01 seed=7", "activation=tanh lr=0.01 seed=5",
                    "activation=relu lr=0.001 seed=7", "activation=relu lr=0.001 seed=5",
                    "activation=relu lr=0.01 seed=7", "activation=relu lr=0.01 seed=5"}));
}

TEST(Expansion, NestedAndDottedKeysAreTheSame) {
  EXPECT_EQ(labels_of("parameters: {optimizer.lr: {values: [1, 2]}, train.seed: 3}"),
            labels_of("parameters: {optimizer: {lr: {values: [1, 2]}}, train: {seed: 3}}"));
  EXPECT_EQ(labels_of("parameters: {model.layers: {code.units: {values: [8, 16]}}}"),
            (Labels{"units=8", "units=16"}));
}

TEST(Expansion, WithoutAxesThereIsOneTrial) {
  EXPECT_EQ(labels_of(""), Labels{"a"});
  EXPECT_EQ(labels_of("parameters:\n"), Labels{"a"});
  EXPECT_EQ(labels_of("parameters: {train.seed: 3}\nname: one"), Labels{"one"});
  EXPECT_EQ(expanded("parameters: {train.seed: 3}").trials[0].spec.train.seed, 3U);
}

TEST(Expansion, RangesIncludeBothEnds) {
  EXPECT_EQ(labels_of("parameters: {optimizer.lr: {min: 1e-5, max: 1e-2, log: true, count: 4}}"),
            (Labels{"lr=1e-05", "lr=1e-04", "lr=0.001", "lr=0.01"}));
  EXPECT_EQ(labels_of("parameters: {optimizer.lr: {min: 0, max: 0.4, count: 5}}"),
            (Labels{"lr=0", "lr=0.1", "lr=0.2", "lr=0.3", "lr=0.4"}));
  EXPECT_EQ(labels_of("parameters: {model.layers.code.units: {min: 1, max: 16, count: 5}}"),
            (Labels{"units=1", "units=5", "units=9", "units=12", "units=16"}));
  EXPECT_EQ(labels_of("parameters: {model.layers.code.units: "
                      "{min: 64, max: 1024, count: 3, log: true}}"),
            (Labels{"units=64", "units=256", "units=1024"}));
}

TEST(Expansion, RangesOfRealsKeepEveryDigitOfTheEnds) {
  const Experiment experiment = expanded(
      "parameters: {optimizer.lr: {min: 0.12345678901234567, max: 0.98765432109876543, count: 2}}");
  ASSERT_EQ(experiment.trials.size(), 2U);
  EXPECT_EQ(std::get<double>(experiment.trials[0].parameters[0].second), 0.12345678901234567);
  EXPECT_EQ(std::get<double>(experiment.trials[1].parameters[0].second), 0.98765432109876543);
}

TEST(Expansion, AMapWithKindReplacesTheComponentAndOneWithoutChangesIt) {
  const Experiment experiment = expanded(
      "optimizer: {kind: sgd, lr: 0.5, momentum: 0.25}\n"
      "parameters:\n"
      "  optimizer:\n"
      "    values:\n"
      "      - sgd\n"
      "      - {kind: adam, beta1: 0.5}\n"
      "      - {kind: sgd, momentum: 1, label: heavy}\n"
      "      - {momentum: 1, label: heavier}\n",
      8);
  ASSERT_EQ(experiment.trials.size(), 4U);
  using Parameters = std::vector<NamedParameter>;
  const auto optimizer = [&](std::size_t i) { return experiment.trials[i].spec.optimizer; };
  EXPECT_EQ(optimizer(0).parameters, (Parameters{{"lr", 0.01}, {"momentum", 0.0}}));
  EXPECT_EQ(optimizer(1).name, "adam");
  EXPECT_EQ(optimizer(1).parameters, (Parameters{{"lr", 0.001}, {"beta1", 0.5}}));
  EXPECT_EQ(optimizer(2).parameters, (Parameters{{"lr", 0.01}, {"momentum", 1.0}}));
  EXPECT_EQ(optimizer(3).parameters, (Parameters{{"lr", 0.5}, {"momentum", 1.0}}));
  EXPECT_EQ(experiment.trials[1].label, "optimizer=adam");
  EXPECT_EQ(experiment.trials[3].label, "optimizer=heavier");
}

TEST(Expansion, KindAloneKeepsTheParameters) {
  const Experiment experiment = expanded(
      "optimizer: {kind: sgd, lr: 0.5}\n"
      "parameters: {optimizer.kind: {values: [sgd, adam]}}\n",
      8);
  ASSERT_EQ(experiment.trials.size(), 2U);
  EXPECT_EQ(experiment.trials[1].spec.optimizer.name, "adam");
  EXPECT_EQ(experiment.trials[1].spec.optimizer.parameters[0], NamedParameter("lr", 0.5));
}

TEST(Expansion, AComponentIsPutBeforeItsParameters) {
  const Experiment experiment =
      expanded("parameters: {optimizer.lr: {values: [1, 2]}, optimizer: {values: [sgd, adam]}}");
  ASSERT_EQ(experiment.trials.size(), 4U);
  EXPECT_EQ(experiment.trials[3].label, "lr=2 optimizer=adam");
  EXPECT_EQ(experiment.trials[3].spec.optimizer.parameters[0], NamedParameter("lr", 2.0));
}

TEST(Expansion, AnAxisAddsWhatTheModelLeavesOut) {
  const Experiment experiment = expanded(
      "parameters: {model.layers.code.activation.slope: {values: [0.5]}, "
      "model.layers.code.activation.kind: leaky_relu, train.epochs: 3, "
      "model.layers.out.quantizer: {values: [none, binary]}}");
  ASSERT_EQ(experiment.trials.size(), 2U);
  const TrialSpec& spec = experiment.trials[1].spec;
  EXPECT_EQ(spec.model.layers[0].activation->parameters[0], NamedParameter("slope", 0.5));
  EXPECT_EQ(spec.train.epochs, 3);
  EXPECT_EQ(spec.model.layers[1].quantizer->name, "binary");
  EXPECT_FALSE(experiment.trials[0].spec.model.layers[1].quantizer.has_value());
}

TEST(Expansion, ALayerKeepsWhatIsAttachedToIt) {
  const Experiment experiment = expanded(
      "    - {name: code, kind: dense, units: 9, bias: false, activation: tanh, regularizers: "
      "[{kind: "
      "l1, coefficient: 1}, {kind: l2, name: decay, coefficient: 2, on: weights}]}\n"
      "    - {name: other, kind: dense}\n",
      6);
  ASSERT_EQ(experiment.trials.size(), 1U);
  const Result<Experiment> swept = resolve(
      base_with(
          6,
          "    - {name: code, kind: dense, units: 9, bias: false, activation: tanh, "
          "regularizers: [{kind: l1, coefficient: 1}, {kind: l2, name: decay, coefficient: 2, "
          "on: weights}]}") +
      "parameters:\n"
      "  model.layers.code:\n"
      "    values:\n"
      "      - {kind: dense, units: 3, label: a}\n"
      "      - {regularizers.decay.coefficient: 5, regularizers: {l1: {kind: l2, coefficient: 7}}, "
      "label: b}\n");
  ASSERT_TRUE(swept.ok()) << swept.status().message();
  const LayerSpec& a = swept.value().trials[0].spec.model.layers[0];
  using Parameters = std::vector<NamedParameter>;
  EXPECT_EQ(a.layer.parameters,
            (Parameters{{"units", std::int64_t{3}}, {"bias", true}, {"initializer", "xavier"}}));
  EXPECT_EQ(a.activation->name, "tanh");
  ASSERT_EQ(a.regularizers.size(), 2U);
  const LayerSpec& b = swept.value().trials[1].spec.model.layers[0];
  EXPECT_EQ(b.layer.parameters[1], NamedParameter("bias", false));
  EXPECT_EQ(b.regularizers[0].name, "l1");
  EXPECT_EQ(b.regularizers[0].component.name, "l2");
  EXPECT_EQ(b.regularizers[0].component.parameters[0], NamedParameter("coefficient", 7.0));
  EXPECT_EQ(b.regularizers[1].component.parameters[0], NamedParameter("coefficient", 5.0));
  EXPECT_EQ(b.regularizers[1].on, RegularizerTarget::kWeights);
}

TEST(Expansion, AKeyHasOneTypeInAllTrials) {
  const Experiment experiment = expanded(
      "parameters:\n"
      "  optimizer.lr: {values: [0, 1.0e-3]}\n"
      "  model.layers.code.units: {values: [8, 16]}\n"
      "  train.shuffle: {values: [true, false]}\n"
      "  model.layers.code.activation: {values: [tanh, {kind: leaky_relu, slope: 1}]}\n");
  ASSERT_EQ(experiment.trials.size(), 16U);
  using Parameters = std::vector<NamedParameter>;
  EXPECT_EQ(experiment.trials[0].parameters,
            (Parameters{{"optimizer.lr", 0.0},
                        {"model.layers.code.units", std::int64_t{8}},
                        {"train.shuffle", true},
                        {"model.layers.code.activation", "tanh"}}));
  EXPECT_EQ(experiment.trials[15].parameters,
            (Parameters{{"optimizer.lr", 1e-3},
                        {"model.layers.code.units", std::int64_t{16}},
                        {"train.shuffle", false},
                        {"model.layers.code.activation", "leaky_relu"}}));
}

TEST(Expansion, LabelsUseAsMuchOfTheKeyAsTheyNeed) {
  EXPECT_EQ(
      labels_of("parameters: {model.layers.code.units: {values: [8]}, model.layers.out.units: "
                "{values: [9]}, train.seed: {values: [1]}}"),
      Labels{"code.units=8 out.units=9 seed=1"});
}

TEST(Expansion, DefaultsAreFilledIn) {
  const Experiment experiment = expanded("");
  const TrialSpec& spec = experiment.trials.at(0).spec;
  EXPECT_EQ(spec.model.scalar, Scalar::kF32);
  EXPECT_EQ(spec.model.code, "code");
  EXPECT_EQ(spec.train.epochs, 1);
  EXPECT_EQ(spec.train.batch_rows, 128);
  EXPECT_EQ(spec.train.shard_rows, 64);
  EXPECT_EQ(spec.train.seed, 0U);
  EXPECT_TRUE(spec.train.shuffle);
  EXPECT_TRUE(spec.train.reproducible);
  EXPECT_EQ(spec.evaluate.every, 1);
  EXPECT_TRUE(spec.record.weights);
  EXPECT_EQ(spec.record.samples, 64);
  EXPECT_EQ(experiment.name, "a");
  EXPECT_EQ(experiment.metric, "test/mse");
  EXPECT_EQ(experiment.goal, Goal::kMinimize);
  EXPECT_EQ(experiment.ranks_per_trial, 0);
  EXPECT_EQ(experiment.data.superposition.atoms, 64);
  EXPECT_EQ(expanded("train: {batch_rows: 4097}").trials.at(0).spec.train.shard_rows, 129);
}

TEST(Expansion, ReadsTheRunsSettings) {
  const Experiment experiment = expanded(
      "name: Run-1.b\n"
      "metric: {name: dictionary/recovery, goal: maximize}\n"
      "resources: {ranks_per_trial: 3}\n"
      "checkpoint: none\n"
      "method: grid\n"
      "record: {weights: none, samples: 0}\n");
  EXPECT_EQ(experiment.name, "Run-1.b");
  EXPECT_EQ(experiment.metric, "dictionary/recovery");
  EXPECT_EQ(experiment.goal, Goal::kMaximize);
  EXPECT_EQ(experiment.ranks_per_trial, 3);
  EXPECT_FALSE(experiment.trials.at(0).spec.record.weights);
  EXPECT_EQ(experiment.trials.at(0).spec.record.samples, 0);
  EXPECT_EQ(expanded("resources: {ranks_per_trial: auto}").ranks_per_trial, 0);
}

TEST(Expansion, PluginPathsStartAtTheFile) {
  const Result<Document> document = parse_experiment(
      std::string(kBase) + "plugins: [../lib/x.so, /abs/y.so]\n", "/home/me/exp/a.yaml", {});
  ASSERT_TRUE(document.ok()) << document.status().message();
  const std::vector<NamedPlugin>& plugins = document.value().plugins();
  ASSERT_EQ(plugins.size(), 2U);
  EXPECT_EQ(plugins[0].path, "/home/me/lib/x.so");
  EXPECT_EQ(plugins[0].where, "/home/me/exp/a.yaml:9:11: plugins[0]");
  EXPECT_EQ(plugins[1].path, "/abs/y.so");
  EXPECT_EQ(plugins[1].where, "/home/me/exp/a.yaml:9:24: plugins[1]");
}

TEST(Expansion, AMetricOfARegularizerIsKnown) {
  const Experiment experiment = expanded(
      "    - {name: code, kind: dense, regularizers: [{kind: l1, name: sparse, coefficient: 1}]}",
      6);
  EXPECT_EQ(experiment.trials.size(), 1U);
  EXPECT_EQ(
      fault(base_with(6,
                      "    - {name: code, kind: dense, regularizers: [{kind: l1, name: sparse, "
                      "coefficient: 1}]}") +
            "metric: {name: test/loss_code_sparse}\n"),
      "no fault");
}

}  // namespace
}  // namespace aesweep::test
