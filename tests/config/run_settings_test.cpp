// Proves what the keys that hold for the run come out as: checkpoints, limits, what is recorded;
// durations in every unit, words in place of maps, and --set on them.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runner/config/duration.hpp"
#include "tests/config/fake_catalogue.hpp"

namespace aesweep::test {
namespace {

using Every = CheckpointSpec::Every;

Experiment with(const std::string& line, const std::vector<Override>& overrides = {}) {
  Result<Experiment> experiment = resolve(base_with(9, line), overrides);
  EXPECT_TRUE(experiment.ok()) << experiment.status().message();
  return experiment.ok() ? std::move(experiment).value() : Experiment();
}

TEST(Duration, EveryUnitAndTheirSums) {
  const std::vector<std::pair<const char*, double>> table = {
      {"90s", 90},   {"20m", 1200},  {"6h", 21600},       {"1h30m", 5400},
      {"0.5s", 0.5}, {"1.5h", 5400}, {"1d", 86400},       {"1d2h3m4.5s", 93784.5},
      {"0h10s", 10}, {"1h5s", 3605}, {"100000000s", 1e8}, {"0.001s", 0.001},
      {"2m0s", 120},
  };
  for (const auto& [words, seconds] : table) {
    EXPECT_EQ(parse_duration(words), std::optional(seconds)) << words;
  }
  for (const char* words :
       {"",     "s",   "5",   "5 s",  " 5s", "5s ",  "5S", "05s",  "5ms",  "5s5m",
        "5m5m", "+5s", "-5s", "1e2s", "inf", "infs", "0s", "0h0m", "0x5s", "1,5s"}) {
    EXPECT_EQ(parse_duration(words), std::nullopt) << words;
  }
}

TEST(RunSettings, Checkpoint) {
  const CheckpointSpec plain = with("").checkpoint;
  EXPECT_EQ(plain.unit, Every::kSeconds);
  EXPECT_EQ(plain.every, 60.0);
  EXPECT_EQ(plain.keep, 2);
  EXPECT_EQ(with("checkpoint: none").checkpoint.unit, Every::kNever);
  const std::vector<std::pair<const char*, std::pair<Every, double>>> table = {
      {"90s", {Every::kSeconds, 90}},      {"1h30m", {Every::kSeconds, 5400}},
      {"500 steps", {Every::kSteps, 500}}, {"1 step", {Every::kSteps, 1}},
      {"3 epochs", {Every::kEpochs, 3}},   {"1 epoch", {Every::kEpochs, 1}},
      {"\"7 steps\"", {Every::kSteps, 7}},
  };
  for (const auto& [words, expected] : table) {
    const CheckpointSpec spec = with(std::string("checkpoint: {every: ") + words + "}").checkpoint;
    EXPECT_EQ(spec.unit, expected.first) << words;
    EXPECT_EQ(spec.every, expected.second) << words;
    EXPECT_EQ(spec.keep, 2) << words;
  }
  EXPECT_EQ(with("checkpoint: {keep: 5}").checkpoint.keep, 5);
  EXPECT_EQ(with("checkpoint: {keep: 5}").checkpoint.every, 60.0);
}

TEST(RunSettings, Record) {
  const Experiment plain = with("");
  EXPECT_TRUE(plain.trials.at(0).spec.record.weights);
  EXPECT_EQ(plain.trials.at(0).spec.record.every, 1);
  EXPECT_EQ(plain.best_weights, 0);
  EXPECT_FALSE(with("record: {weights: none}").trials.at(0).spec.record.weights);
  const Experiment best = with("record: {weights: {best: 7}, every: 3, samples: 5}");
  EXPECT_TRUE(best.trials.at(0).spec.record.weights);
  EXPECT_EQ(best.trials.at(0).spec.record.every, 3);
  EXPECT_EQ(best.trials.at(0).spec.record.samples, 5);
  EXPECT_EQ(best.best_weights, 7);
}

TEST(RunSettings, Limits) {
  const RunLimits plain = with("").limits;
  EXPECT_EQ(plain.max_time, 0.0);
  EXPECT_EQ(plain.max_trial_time, 0.0);
  EXPECT_EQ(plain.max_failure_rate, 0.0);
  EXPECT_EQ(plain.stall, 60.0);
  const RunLimits given =
      with("limits: {max_time: 6h, max_trial_time: 20m, stall: 1s, max_failure_rate: 1}").limits;
  EXPECT_EQ(given.max_time, 21600.0);
  EXPECT_EQ(given.max_trial_time, 1200.0);
  EXPECT_EQ(given.max_failure_rate, 1.0);
  EXPECT_EQ(given.stall, 1.0);
  const RunLimits none = with("limits: {max_time: none, max_trial_time: none, stall: none}").limits;
  EXPECT_EQ(none.max_time, 0.0);
  EXPECT_EQ(none.max_trial_time, 0.0);
  EXPECT_EQ(none.stall, 0.0);
}

// A word gives way to keys below it and the other way round; the last one counts.
TEST(RunSettings, SetReplacesWordsByKeysAndBack) {
  EXPECT_EQ(with("checkpoint: none", {{"checkpoint.every", "5 steps"}}).checkpoint.every, 5.0);
  EXPECT_EQ(with("checkpoint: {keep: 3}", {{"checkpoint.every", "5 steps"}}).checkpoint.keep, 3);
  EXPECT_EQ(with("", {{"checkpoint", "none"}}).checkpoint.unit, Every::kNever);
  EXPECT_EQ(with("checkpoint: {keep: 3}", {{"checkpoint", "none"}}).checkpoint.unit, Every::kNever);
  EXPECT_EQ(with("", {{"checkpoint", "none"}, {"checkpoint.every", "1 epoch"}}).checkpoint.unit,
            Every::kEpochs);
  EXPECT_EQ(with("record: {weights: none}", {{"record.weights.best", "4"}}).best_weights, 4);
  EXPECT_EQ(with("record: {weights: {best: 4}}", {{"record.weights", "all"}}).best_weights, 0);
  EXPECT_EQ(with("", {{"limits.max_time", "90s"}}).limits.max_time, 90.0);
  EXPECT_EQ(fault(base_with(9, ""), {{"checkpoint.evry", "60s"}}),
            "--set: checkpoint.evry: unknown key (did you mean checkpoint.every?)");
  EXPECT_EQ(fault(base_with(9, ""), {{"record.weights.best", "0"}}),
            "--set: record.weights.best: 0 is not in [1, 1000000]");
  EXPECT_EQ(fault(base_with(9, ""), {{"limits.stall", "60"}}),
            "--set: limits.stall: found 60, expected none or a duration such as 90s, 20m, 6h or "
            "1h30m");
}

}  // namespace
}  // namespace aesweep::test
