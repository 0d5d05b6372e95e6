// Proves that two texts of an experiment differ in exactly the keys that are named: a table of
// edits, each with the lines that it must give.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/config/fake_catalogue.hpp"

namespace aesweep::test {
namespace {

using Lines = std::vector<std::string>;

// kBase with a sweep, and with one of its lines replaced.
std::string edited(int line = 9, const std::string& replacement = "") {
  std::string yaml = base_with(line == 10 ? 9 : line, line == 10 ? "" : replacement);
  const std::string sweep = line == 10 ? replacement
                                       : "parameters: {train.seed: {values: [1, 2]}, "
                                         "optimizer.lr: {min: 0.1, max: 1, count: 2}}";
  return yaml + (yaml.ends_with('\n') ? "" : "\n") + sweep + "\n";
}

Lines changed(const std::string& after, const std::vector<Override>& overrides = {}) {
  return changed_keys(edited(), {}, after, overrides);
}

TEST(ChangedKeys, NothingWhereTheTextsMeanTheSame) {
  EXPECT_EQ(changed(edited()), Lines());
  EXPECT_EQ(changed("# A comment.\n" + edited()), Lines());
  for (const char* line :
       {"name: other", "resources: {ranks_per_trial: 2}", "checkpoint: {every: 1h}",
        "checkpoint: none", "limits: {max_time: 1h}", "train: {shuffle: true, epochs: 1}",
        "record: {samples: 64}", "metric: {goal: minimize}"}) {
    EXPECT_EQ(changed(edited(9, line)), Lines()) << line;
  }
  EXPECT_EQ(changed(edited(8, "optimizer: {kind: adam}")), Lines());
  EXPECT_EQ(changed(edited(2, "data: {source: superposition, noise: 0.0}")), Lines());
  EXPECT_EQ(changed(edited(6,
                           "    - {kind: dense, activation: {kind: relu}, units: 64, "
                           "name: code}")),
            Lines());
  EXPECT_EQ(changed(edited(10,
                           "parameters:\n  train: {seed: {values: [1, 2]}}\n"
                           "  optimizer.lr: {count: 2, min: 1.0e-1, max: 1.0}")),
            Lines());
}

TEST(ChangedKeys, NamesValuesOfBoth) {
  EXPECT_EQ(changed(edited(9, "train: {epochs: 7}")), Lines{"train.epochs: 1 -> 7"});
  EXPECT_EQ(changed(edited(9, "record: {every: 2}")), Lines{"record.every: 1 -> 2"});
  EXPECT_EQ(changed(edited(9, "record: {weights: {best: 3}}")),
            Lines{"record.weights: all -> {best: 3}"});
  EXPECT_EQ(changed(edited(9, "record: {weights: all}")), Lines());
  EXPECT_EQ(changed(edited(8, "optimizer: sgd")), Lines{"optimizer: adam -> sgd"});
  EXPECT_EQ(changed(edited(8, "optimizer: {kind: sgd, momentum: 0.5}")),
            (Lines{"optimizer: adam -> sgd", "optimizer.momentum: (none) -> 0.5"}));
  EXPECT_EQ(
      changed(edited(6,
                     "    - {name: code, kind: dense, units: 32, "
                     "activation: {kind: topk, k: 4}}")),
      (Lines{"model.layers.code.units: 64 -> 32", "model.layers.code.activation: relu -> topk",
             "model.layers.code.activation.k: (none) -> 4"}));
  EXPECT_EQ(changed(edited(6, "    - {name: code, kind: dense, units: 64}")),
            Lines{"model.layers.code.activation: relu -> (none)"});
  EXPECT_EQ(changed(edited(6,
                           "    - {name: code, kind: dense, units: 64, activation: relu, "
                           "regularizers: [{kind: l1, coefficient: 0.5}]}")),
            (Lines{"model.layers.code.regularizers: (none) -> [l1]",
                   "model.layers.code.regularizers.l1.kind: (none) -> l1",
                   "model.layers.code.regularizers.l1.coefficient: (none) -> 0.5"}));
  EXPECT_EQ(changed(edited(2, "data: {source: superposition, atoms: 32}")),
            Lines{"data.atoms: 64 -> 32"});
}

TEST(ChangedKeys, OrderOfLayersCounts) {
  const std::string a = "    - {name: a, kind: dense, units: 4}\n";
  const std::string b = "    - {name: b, kind: dense, units: 4}\n";
  EXPECT_EQ(changed_keys(base_with(6, a + b), {}, base_with(6, b + a), {}),
            Lines{"model.layers: [a, b, out] -> [b, a, out]"});
}

TEST(ChangedKeys, SweepsAreShownAsWritten) {
  EXPECT_EQ(changed(edited(10, "parameters: {train.seed: {values: [1, 2, 3]}}")),
            (Lines{"parameters.train.seed: [1, 2] -> [1, 2, 3]",
                   "parameters.optimizer.lr: {min: 0.1, max: 1, count: 2} -> (none)"}));
  EXPECT_EQ(changed(edited(10,
                           "parameters: {train.seed: 3, "
                           "optimizer.lr: {min: 0.1, max: 1, count: 2, log: true}}")),
            (Lines{"train.seed: 0 -> 3",
                   "parameters.optimizer.lr: {min: 0.1, max: 1, count: 2} -> "
                   "{min: 0.1, max: 1, count: 2, log: true}",
                   "parameters.train.seed: [1, 2] -> (none)"}));
  // Equal labels do not hide different maps.
  const std::string map = "parameters: {optimizer: {values: [{lr: 1, label: x}]}}";
  const std::string other = "parameters: {optimizer: {values: [{lr: 2, label: x}]}}";
  EXPECT_EQ(changed_keys(edited(10, map), {}, edited(10, other), {}),
            Lines{"parameters.optimizer: [{lr: 1}] -> [{lr: 2}]"});
}

TEST(ChangedKeys, OverridesCount) {
  EXPECT_EQ(changed(edited(), {{"train.epochs", "3"}}), Lines{"train.epochs: 1 -> 3"});
  EXPECT_EQ(changed_keys(edited(), {{{"train.epochs", "3"}}}, edited(9, "train: {epochs: 3}"), {}),
            Lines());
  EXPECT_EQ(changed(edited(), {{"optimizer.lr", "0.5"}}),
            (Lines{"optimizer.lr: (none) -> 0.5",
                   "parameters.optimizer.lr: {min: 0.1, max: 1, count: 2} -> (none)"}));
}

TEST(ChangedKeys, LongValuesAreCutButCompared) {
  std::string seeds = "1";
  for (int i = 2; i < 100; ++i) seeds += ", " + std::to_string(i);
  const auto sweep = [&](const char* last) {
    return edited(10, "parameters: {train.seed: {values: [" + seeds + ", " + last + "]}}");
  };
  const Lines lines = changed_keys(sweep("100"), {}, sweep("101"), {});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_LT(lines[0].size(), 250U);
}

TEST(ChangedKeys, NothingForATextThatCannotBeRead) {
  EXPECT_EQ(changed("schema: 9\n"), Lines());
  EXPECT_EQ(changed_keys("[", {}, edited(), {}), Lines());
}

}  // namespace
}  // namespace aesweep::test
