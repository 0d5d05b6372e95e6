// Proves what --set does: constants in place of axes, before the expansion; unknown keys and bad
// values are faults that point to --set.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/config/fake_catalogue.hpp"

namespace aesweep::test {
namespace {

using Overrides = std::vector<Override>;

const char* const kSweep =
    "parameters:\n"
    "  optimizer.lr: {values: [1.0e-3, 1.0e-2]}\n"
    "  model.layers.code.activation: {values: [tanh, {kind: topk, k: 8, label: top8}]}\n";

Experiment with(const Overrides& overrides, const std::string& more = kSweep) {
  Result<Experiment> experiment = resolve(base_with(9, more), overrides);
  EXPECT_TRUE(experiment.ok()) << experiment.status().message();
  return experiment.ok() ? std::move(experiment).value() : Experiment();
}

TEST(Override, SetsSectionsLayersAndComponents) {
  const Experiment experiment = with({{"train.epochs", "7"},
                                      {"model.layers.code.units", "37"},
                                      {"data.limit", "2000"},
                                      {"model.layers.out.activation", "leaky_relu"},
                                      {"model.layers.out.activation.slope", "1e-3"},
                                      {"name", "other"},
                                      {"metric.name", "test/l0"},
                                      {"resources.ranks_per_trial", "2"},
                                      {"model.scalar", "f64"}});
  ASSERT_EQ(experiment.trials.size(), 4U);
  const TrialSpec& spec = experiment.trials[0].spec;
  EXPECT_EQ(spec.train.epochs, 7);
  EXPECT_EQ(spec.model.layers[0].layer.parameters[0], NamedParameter("units", std::int64_t{37}));
  EXPECT_EQ(experiment.data.limit, 2000);
  EXPECT_EQ(spec.model.layers[1].activation->parameters[0], NamedParameter("slope", 1e-3));
  EXPECT_EQ(spec.model.scalar, Scalar::kF64);
  EXPECT_EQ(experiment.name, "other");
  EXPECT_EQ(experiment.metric, "test/l0");
  EXPECT_EQ(experiment.ranks_per_trial, 2);
  EXPECT_EQ(experiment.overrides.size(), 9U);
}

TEST(Override, ReplacesAnAxisByAConstant) {
  const Experiment experiment = with({{"optimizer.lr", "5e-1"}});
  ASSERT_EQ(experiment.trials.size(), 2U);
  EXPECT_EQ(experiment.trials[1].label, "activation=top8");
  EXPECT_EQ(experiment.trials[1].parameters.size(), 1U);
  EXPECT_EQ(experiment.trials[1].spec.optimizer.parameters[0], NamedParameter("lr", 0.5));
  EXPECT_EQ(with({{"optimizer.lr", "1"}, {"model.layers.code.activation", "relu"}}).trials.size(),
            1U);
}

TEST(Override, ReplacesAConstantOfTheSweep) {
  const Experiment experiment = with({{"train.seed", "4"}}, "parameters: {train.seed: 3}\n");
  EXPECT_EQ(experiment.trials.at(0).spec.train.seed, 4U);
}

TEST(Override, BelowAnAxisHoldsInEveryTrial) {
  const Experiment experiment =
      with({{"optimizer.lr", "0.5"}},
           "parameters: {optimizer: {values: [sgd, {kind: adam, lr: 0.25, label: slow}]}}\n");
  ASSERT_EQ(experiment.trials.size(), 2U);
  EXPECT_EQ(experiment.trials[0].spec.optimizer.parameters[0], NamedParameter("lr", 0.5));
  EXPECT_EQ(experiment.trials[1].spec.optimizer.parameters[0], NamedParameter("lr", 0.5));
}

TEST(Override, AboveAnAxisIsPutBeforeIt) {
  const Experiment experiment = with({{"optimizer", "sgd"}});
  ASSERT_EQ(experiment.trials.size(), 4U);
  EXPECT_EQ(experiment.trials[3].spec.optimizer.name, "sgd");
  EXPECT_EQ(experiment.trials[3].spec.optimizer.parameters[0], NamedParameter("lr", 0.01));
}

TEST(Override, TheLastOneCounts) {
  EXPECT_EQ(with({{"train.epochs", "2"}, {"train.epochs", "3"}}).trials[0].spec.train.epochs, 3);
}

TEST(Override, MakesSectionsThatAreNotThere) {
  EXPECT_EQ(with({{"evaluate.every", "5"}}).trials[0].spec.evaluate.every, 5);
  EXPECT_EQ(with({{"limits.max_trials", "4"}}).trials.size(), 4U);
}

TEST(Override, LiftsALimitBeforeItIsChecked) {
  const std::string sweep = std::string(kSweep) + "limits: {max_trials: 2}\n";
  EXPECT_EQ(with({{"limits.max_trials", "4"}}, sweep).trials.size(), 4U);
  EXPECT_EQ(with({{"optimizer.lr", "1"}}, sweep).trials.size(), 2U);
}

TEST(Override, FaultsPointToTheCommandLine) {
  struct Case {
    Override given;
    const char* message;
  };
  const Case cases[] = {
      {{"trian.epochs", "1"}, "--set: trian.epochs: unknown key (did you mean train?)"},
      {{"train.epoch", "1"}, "--set: train.epoch: unknown key (did you mean train.epochs?)"},
      {{"train.epochs", "1.5"},
       "--set: train.epochs: found 1.5, expected a whole number in [1, 1000000]"},
      {{"train.epochs", "0"}, "--set: train.epochs: 0 is not in [1, 1000000]"},
      {{"train.epochs", ""}, "--set: train.epochs: expected KEY=VALUE with a value"},
      {{"train.epochs", " "}, "--set: train.epochs: expected KEY=VALUE with a value"},
      {{"train.epochs", "[1]"}, "--set: train.epochs: found a list, expected a single value"},
      {{"train", "3"}, "--set: train: found 3, expected a map of what to change"},
      {{"model.layers.cod.units", "1"},
       "--set: model.layers.cod: no layer has this name (did you mean code?)"},
      {{"model.layers.code.unit", "1"},
       "--set: model.layers.code.unit: dense has no such parameter "
       "(did you mean model.layers.code.units?)"},
      {{"model.layers.code.name", "x"},
       "--set: model.layers.code.name: a name is part of addresses and cannot be swept or set"},
      {{"model.layers.code.activation", "rellu"},
       "--set: model.layers.code.activation: unknown activation rellu (did you mean relu?); known: "
       "leaky_relu, relu, tanh, topk"},
      {{"model.layers.code.regularizers", "l1"},
       "--set: model.layers.code.regularizers: found l1, expected a map of what to change"},
      {{"optimizer.lrr", "1"},
       "--set: optimizer.lrr: adam has no such parameter (did you mean optimizer.lr?)"},
      {{"plugins", "x.so"},
       "--set: plugins: plugins cannot be given by --set: it is a list of files; write it in the "
       "file"},
      {{"parameters.optimizer.lr", "1"},
       "--set: parameters.optimizer.lr: parameters cannot be given by --set: name the swept key "
       "itself, such as optimizer.lr"},
      {{"schema", "2"}, "--set: schema: found 2, expected 1, the version that this program reads"},
      {{"", "1"},
       "--set: unknown key; known: schema, name, data, model, optimizer, train, evaluate, method, "
       "metric, resources, checkpoint, record, limits"},
      {{"train..epochs", "1"},
       "--set: train..epochs: unknown key; known: schema, name, data, model, optimizer, train, "
       "evaluate, method, metric, resources, checkpoint, record, limits"},
      {{"data.path", "mnist"}, "--set: data.path: source superposition has no such key"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(fault(std::string(kBase), {c.given}), c.message) << c.given.key;
  }
}

}  // namespace
}  // namespace aesweep::test
