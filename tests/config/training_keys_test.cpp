// Proves that schedule, clipping, a layer's own optimizer, label targets and names as parameters
// are read as documented, by themselves, in `parameters` and by --set: against specifications
// written by hand.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/config/fake_catalogue.hpp"

namespace aesweep::test {
namespace {

std::vector<PlannedTrial> trials(int line, const std::string& replacement,
                                 const std::vector<Override>& overrides = {}) {
  Result<Experiment> experiment = resolve(base_with(line, replacement), overrides);
  EXPECT_TRUE(experiment.ok()) << experiment.status().message();
  return experiment.ok() ? std::move(experiment->trials) : std::vector<PlannedTrial>(1);
}

ScheduleSpec schedule(const std::string& yaml, const std::vector<Override>& overrides = {}) {
  return trials(9, "train: {schedule: " + yaml + "}", overrides).at(0).spec.train.schedule;
}

void expect_equal(const ScheduleSpec& read, const ScheduleSpec& expected) {
  EXPECT_EQ(read.kind, expected.kind);
  EXPECT_EQ(read.per, expected.per);
  EXPECT_EQ(read.warmup_steps, expected.warmup_steps);
  EXPECT_EQ(read.final_factor, expected.final_factor);
  EXPECT_EQ(read.every_epochs, expected.every_epochs);
  EXPECT_EQ(read.factor, expected.factor);
}

TEST(TrainingKeys, SchedulesOfEveryKind) {
  using K = ScheduleKind;
  using P = SchedulePer;
  expect_equal(schedule("constant"), {});
  expect_equal(schedule("{warmup_steps: 7}"), {K::kConstant, P::kStep, 7});
  expect_equal(schedule("linear"), {K::kLinear});
  expect_equal(schedule("{kind: linear, per: epoch, final_factor: 0.5}"),
               {K::kLinear, P::kEpoch, 0, 0.5});
  expect_equal(schedule("{kind: exponential, final_factor: 1e-3, warmup_steps: 2}"),
               {K::kExponential, P::kStep, 2, 1e-3});
  expect_equal(schedule("{kind: cosine, final_factor: 0}"), {K::kCosine});
  expect_equal(schedule("step"), {K::kStep, P::kStep, 0, 0.0, 1, 0.1});
  expect_equal(schedule("{kind: step, every_epochs: 30, factor: 0.5}"),
               {K::kStep, P::kStep, 0, 0.0, 30, 0.5});
}

// A name, or a map with kind, takes the place of the whole schedule; a key changes what is there.
TEST(TrainingKeys, SchedulesBySetReplaceOrChange) {
  const std::string given = "{kind: linear, final_factor: 0.5, warmup_steps: 3}";
  expect_equal(schedule(given, {{"train.schedule", "step"}}),
               {ScheduleKind::kStep, SchedulePer::kStep});
  expect_equal(schedule(given, {{"train.schedule.final_factor", "0.25"}}),
               {ScheduleKind::kLinear, SchedulePer::kStep, 3, 0.25});
  expect_equal(schedule("cosine", {{"train.schedule.per", "epoch"}}),
               {ScheduleKind::kCosine, SchedulePer::kEpoch});
  expect_equal(trials(9, "", {{"train.schedule.warmup_steps", "5"}}).at(0).spec.train.schedule,
               {ScheduleKind::kConstant, SchedulePer::kStep, 5});
  EXPECT_EQ(
      fault(std::string(kBase), {{"train.schedule.warmup_step", "5"}}),
      "--set: train.schedule.warmup_step: unknown key (did you mean train.schedule.warmup_steps?)");
  EXPECT_EQ(fault(std::string(kBase), {{"train.schedul", "step"}}),
            "--set: train.schedul: unknown key (did you mean train.schedule?)");
}

TEST(TrainingKeys, SchedulesAreSwept) {
  const auto swept = trials(9,
                            "train: {schedule: {kind: linear, final_factor: 0.5}}\n"
                            "parameters:\n"
                            "  train.schedule:\n"
                            "    values:\n"
                            "      - constant\n"
                            "      - {kind: step, factor: 0.5}\n"
                            "      - {kind: cosine, warmup_steps: 4, label: warm}\n"
                            "      - {final_factor: 0.25, label: deeper}\n");
  ASSERT_EQ(swept.size(), 4U);
  expect_equal(swept[0].spec.train.schedule, {});
  expect_equal(swept[1].spec.train.schedule,
               {ScheduleKind::kStep, SchedulePer::kStep, 0, 0.0, 1, 0.5});
  expect_equal(swept[2].spec.train.schedule, {ScheduleKind::kCosine, SchedulePer::kStep, 4});
  expect_equal(swept[3].spec.train.schedule, {ScheduleKind::kLinear, SchedulePer::kStep, 0, 0.25});
  EXPECT_EQ(swept[0].label, "schedule=constant");
  EXPECT_EQ(swept[2].label, "schedule=warm");
  const auto warmups =
      trials(9, "parameters: {train: {schedule.warmup_steps: {min: 0, max: 10, count: 3}}}");
  ASSERT_EQ(warmups.size(), 3U);
  EXPECT_EQ(warmups[1].spec.train.schedule.warmup_steps, 5);
  EXPECT_EQ(warmups[1].parameters[0].second, ParameterValue(std::int64_t{5}));
}

TEST(TrainingKeys, ClippingIsReadSetAndSwept) {
  const ClipSpec none = trials(9, "").at(0).spec.train.clip;
  EXPECT_EQ(none.norm, 0.0);
  EXPECT_EQ(none.value, 0.0);
  const ClipSpec both = trials(9, "train: {clip: {norm: 5, value: 0.5}}").at(0).spec.train.clip;
  EXPECT_EQ(both.norm, 5.0);
  EXPECT_EQ(both.value, 0.5);
  EXPECT_EQ(trials(9, "", {{"train.clip.norm", "2"}}).at(0).spec.train.clip.norm, 2.0);
  const auto swept =
      trials(9, "parameters: {train.clip.value: {min: 0.01, max: 1, count: 3, log: true}}");
  ASSERT_EQ(swept.size(), 3U);
  EXPECT_EQ(swept[1].spec.train.clip.value, 0.1);
}

TEST(TrainingKeys, ALayersOwnOptimizer) {
  const char* const own =
      "    - {name: code, kind: dense, quantizer: binary, optimizer: {kind: sgd, lr: 0.5, on: "
      "quantized}}";
  const LayerSpec layer = trials(6, own).at(0).spec.model.layers.at(0);
  ASSERT_TRUE(layer.optimizer);
  EXPECT_EQ(layer.optimizer->on, OptimizerTarget::kQuantized);
  EXPECT_EQ(layer.optimizer->component.name, "sgd");
  EXPECT_EQ(layer.optimizer->component.parameters,
            (std::vector<NamedParameter>{{"lr", 0.5}, {"momentum", 0.0}}));
  EXPECT_FALSE(trials(6, own).at(0).spec.model.layers.at(1).optimizer);

  const auto set = [&](const std::vector<Override>& overrides) {
    return trials(6, own, overrides).at(0).spec.model.layers.at(0).optimizer;
  };
  EXPECT_FALSE(set({{"model.layers.code.optimizer", "none"}}));
  // `on` belongs to the layer, not to the optimizer that is replaced.
  const auto replaced = set({{"model.layers.code.optimizer", "adam"}});
  ASSERT_TRUE(replaced);
  EXPECT_EQ(replaced->component.name, "adam");
  EXPECT_EQ(replaced->component.parameters.at(0), NamedParameter("lr", 0.001));
  EXPECT_EQ(replaced->on, OptimizerTarget::kQuantized);
  EXPECT_EQ(set({{"model.layers.code.optimizer.on", "all"}})->on, OptimizerTarget::kAll);
  EXPECT_EQ(set({{"model.layers.code.optimizer.lr", "2"}})->component.parameters.at(0),
            NamedParameter("lr", 2.0));
  // A layer may get one that the file does not give.
  const auto given = trials(9, "", {{"model.layers.out.optimizer", "sgd"}});
  EXPECT_EQ(given.at(0).spec.model.layers.at(1).optimizer->component.name, "sgd");
}

TEST(TrainingKeys, ALayersOwnOptimizerIsSwept) {
  const auto swept = trials(9,
                            "parameters:\n"
                            "  model.layers.code.optimizer:\n"
                            "    values: [none, sgd, {kind: adam, lr: 0.25, label: fast}]\n");
  ASSERT_EQ(swept.size(), 3U);
  EXPECT_FALSE(swept[0].spec.model.layers[0].optimizer);
  EXPECT_EQ(swept[1].spec.model.layers[0].optimizer->component.name, "sgd");
  EXPECT_EQ(swept[2].spec.model.layers[0].optimizer->component.parameters.at(0),
            NamedParameter("lr", 0.25));
  EXPECT_EQ(swept[2].label, "optimizer=fast");
}

// The data itself is not looked at: a folder of its name suffices.
Result<Experiment> labelled(const std::string& target, const std::string& rest = "") {
  return resolve(
      "schema: 1\ndata: {source: idx, path: core}\nmodel:\n  loss: mse\n" + target +
          "  layers: [{name: code, kind: dense}, {name: out, kind: dense}]\noptimizer: adam\n" +
          rest,
      {}, AESWEEP_SOURCE_DIRECTORY);
}

TEST(TrainingKeys, LabelTargetsAndTheirMetric) {
  const Result<Experiment> labels = labelled("  target: labels\n  classes: 10\n");
  ASSERT_TRUE(labels.ok()) << labels.status().message();
  EXPECT_EQ(labels.value().trials[0].spec.model.target, Target::kLabels);
  EXPECT_EQ(labels.value().trials[0].spec.model.classes, 10);
  EXPECT_EQ(labels.value().metric, "test/error");
  EXPECT_EQ(labelled("").value().metric, "test/mse");
  const char* const with_labels = "  target: labels\n  classes: 10\n";
  EXPECT_TRUE(labelled(with_labels, "metric: {name: test/loss_prediction}\n").ok());
  EXPECT_EQ(labelled(with_labels, "metric: {name: test/fvu}\n").status().message().substr(0, 47),
            "a.yaml:9:16: metric.name: unknown metric test/f");
  EXPECT_FALSE(labelled(with_labels, "metric: {name: test/loss_reconstruction}\n").ok());
  const Result<Experiment> classes =
      labelled(with_labels, "parameters: {model.classes: {values: [10, 11]}}\n");
  ASSERT_TRUE(classes.ok()) << classes.status().message();
  EXPECT_EQ(classes.value().trials[1].spec.model.classes, 11);
  EXPECT_EQ(classes.value().trials[1].parameters[0].second, ParameterValue(std::int64_t{11}));
}

// Trials are compared by one metric, so all of them must have it.
TEST(TrainingKeys, AMetricThatOnlySomeTrialsHaveIsRefused) {
  const std::string targets =
      "parameters:\n  model: {values: [{target: input, label: i}, {target: labels, classes: 10, "
      "label: l}]}\n";
  const Result<Experiment> mse = labelled("", targets);
  ASSERT_FALSE(mse.ok());
  EXPECT_NE(mse.status().message().find("metric.name: unknown metric test/mse"), std::string::npos)
      << mse.status().message();
  EXPECT_TRUE(labelled("", targets + "metric: {name: test/loss}\n").ok());
  const std::string quantizers =
      "parameters: {model.layers.code.quantizer: {values: [binary, none]}}\n";
  EXPECT_TRUE(labelled("", quantizers).ok());
  EXPECT_FALSE(labelled("", quantizers + "metric: {name: train/flip_ratio_code}\n").ok());
}

TEST(TrainingKeys, NamesAreParameters) {
  const auto of = [](const PlannedTrial& trial) {
    return std::get<std::string>(trial.spec.model.layers.at(1).layer.parameters.at(0).second);
  };
  const std::string tied = "    - {name: out, kind: tied, of: encoder/weights.t-1}";
  const auto one = trials(7, tied);
  EXPECT_EQ(of(one[0]), "encoder/weights.t-1");
  EXPECT_NE(one[0].resolved.find("      of: \"encoder/weights.t-1\"\n"), std::string::npos);
  // A number is a name, too, and stays a text in the canonical form.
  const auto number = trials(7, "    - {name: out, kind: tied, of: 12}");
  EXPECT_EQ(of(number[0]), "12");
  EXPECT_NE(number[0].resolved.find("      of: \"12\"\n"), std::string::npos);
  EXPECT_EQ(of(trials(7, tied, {{"model.layers.out.of", "code"}})[0]), "code");
  const auto swept =
      trials(7, tied + "\nparameters: {model.layers.out.of: {values: [encoder, code]}}");
  ASSERT_EQ(swept.size(), 2U);
  EXPECT_EQ(of(swept[1]), "code");
  EXPECT_EQ(swept[1].label, "of=code");
}

}  // namespace
}  // namespace aesweep::test
