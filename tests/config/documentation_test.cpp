// Proves that docs/experiment.md and docs/data.md say what the parser does: their tables together
// list exactly the keys that it accepts, their defaults are the parser's, "swept" is what it
// sweeps, and their examples are experiments of the built-in components.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runner/config/experiment.hpp"
#include "runner/config/schema.hpp"
#include "tests/support/builtins.hpp"

namespace aesweep::test {
namespace {

constexpr const char* kExperiment = "/docs/experiment.md";
constexpr const char* kData = "/docs/data.md";

std::string page(const std::string& path) {
  std::ifstream file(AESWEEP_SOURCE_DIRECTORY + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A row of a table whose first cell is a key in backticks.
struct Row {
  std::string key;
  std::string fallback;  // The default if it is in backticks; else empty.
  bool swept = false;
};

std::string unquoted(const std::string& cell) {
  const std::size_t first = cell.find('`');
  const std::size_t last = cell.rfind('`');
  const bool whole = first == 0 && last + 1 == cell.size() && last > first;
  return whole ? cell.substr(1, last - 1) : "";
}

std::vector<Row> rows() {
  std::vector<Row> rows;
  std::istringstream lines(page(kExperiment) + page(kData));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    std::istringstream parts(line.substr(1));
    for (std::string cell; std::getline(parts, cell, '|');) {
      const std::size_t begin = cell.find_first_not_of(' ');
      const std::size_t end = cell.find_last_not_of(' ');
      cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
    }
    cells.resize(4);
    rows.push_back({unquoted(cells[0]), unquoted(cells[2]), cells[3] == "yes"});
  }
  return rows;
}

std::vector<std::string> examples(const std::string& path = kExperiment) {
  std::vector<std::string> examples;
  const std::string text = page(path);
  const std::string fence = "```";
  for (std::size_t at = text.find("```yaml\n"); at != std::string::npos;
       at = text.find("```yaml\n", at)) {
    at += 8;
    const std::size_t end = text.find(fence, at);
    examples.push_back(text.substr(at, end - at));
    at = end + fence.size();
  }
  return examples;
}

Result<Experiment> resolve(const std::string& yaml, const std::vector<Override>& overrides = {}) {
  Result<Document> document = parse_experiment(yaml, "docs.yaml", overrides);
  if (!document.ok()) return document.status();
  return resolve_experiment(*document, builtins(), "");
}

// The first example without its sweep: what fragments and defaults are tried on.
std::string base() {
  const std::string first = examples().at(0);
  return first.substr(0, first.find("parameters:"));
}

// NAME of the pages in the example.
std::string in_example(std::string key) {
  const auto replace = [&](const std::string& from, const std::string& to) {
    const std::size_t at = key.find(from);
    if (at != std::string::npos) key.replace(at, from.size(), to);
  };
  replace("layers.NAME", "layers.code");
  replace("regularizers.NAME", "regularizers.l1");
  return key;
}

// Settings that are no part of a trial.
std::vector<double> settings(const Experiment& experiment) {
  const CheckpointSpec& checkpoint = experiment.checkpoint;
  const RunLimits& limits = experiment.limits;
  return {static_cast<double>(checkpoint.unit),
          checkpoint.every,
          static_cast<double>(checkpoint.keep),
          limits.max_time,
          limits.max_trial_time,
          limits.max_failure_rate,
          limits.stall,
          static_cast<double>(experiment.best_weights)};
}

TEST(Documentation, ListsExactlyTheAcceptedKeys) {
  std::vector<std::string> documented;
  for (const Row& row : rows()) documented.push_back(row.key);
  std::vector<std::string> accepted = accepted_keys();
  std::sort(documented.begin(), documented.end());
  std::sort(accepted.begin(), accepted.end());
  EXPECT_EQ(documented, accepted);
}

TEST(Documentation, GivesTheDefaults) {
  std::string bare = base();  // Without the line that sets what defaults are tried for.
  bare.erase(bare.find("train:"));
  const std::string data = "data: {source: superposition";
  bare.erase(bare.find(data) + data.size(), std::string(", atoms: 32, cols: 24").size());
  const std::string activation = "      activation: relu\n";
  bare.erase(bare.find(activation), activation.size());
  const Result<Experiment> expected = resolve(bare);
  ASSERT_TRUE(expected.ok()) << expected.status().message();
  int tried = 0;
  for (const Row& row : rows()) {
    if (row.fallback.empty()) continue;
    const Result<Experiment> given = resolve(bare, {{in_example(row.key), row.fallback}});
    ASSERT_TRUE(given.ok()) << row.key << ": " << given.status().message();
    EXPECT_EQ(given.value().trials.at(0).resolved, expected.value().trials.at(0).resolved)
        << row.key;
    EXPECT_EQ(given.value().metric, expected.value().metric) << row.key;
    EXPECT_EQ(given.value().goal, expected.value().goal) << row.key;
    EXPECT_EQ(given.value().ranks_per_trial, expected.value().ranks_per_trial) << row.key;
    EXPECT_EQ(settings(given.value()), settings(expected.value())) << row.key;
    ++tried;
  }
  EXPECT_GT(tried, 25);
}

// A key that is not swept is refused with a reason of its own, before its value is looked at.
TEST(Documentation, SaysWhatCanBeSwept) {
  for (const Row& row : rows()) {
    if (row.key.starts_with("parameters")) continue;
    const std::string key = in_example(row.key);
    const Result<Experiment> swept =
        resolve(base() + "parameters: {" + key + ": {values: [{label: x}]}}\n");
    const std::string message = swept.ok() ? "" : swept.status().message();
    const bool refused = message.find("cannot be swept") != std::string::npos;
    EXPECT_EQ(refused, !row.swept) << key << ": " << message;
  }
}

TEST(Documentation, ItsExamplesAreExperiments) {
  ASSERT_EQ(examples().size(), 4U);
  const Result<Experiment> complete = resolve(examples()[0]);
  ASSERT_TRUE(complete.ok()) << complete.status().message();
  EXPECT_EQ(complete.value().trials.size(), 6U);
  EXPECT_EQ(complete.value().name, "first_sweep");
  EXPECT_EQ(complete.value().trials[5].label, "coefficient=0.01 seed=2");
  // Its data is not there; everything else about it is checked before that is noticed.
  const Result<Experiment> labels = resolve(examples()[1]);
  ASSERT_FALSE(labels.ok());
  EXPECT_TRUE(labels.status().message().starts_with("docs.yaml:2:27: data.path: "))
      << labels.status().message();
  const Result<Experiment> ranges = resolve(base() + examples()[2]);
  ASSERT_TRUE(ranges.ok()) << ranges.status().message();
  EXPECT_EQ(ranges.value().trials.size(), 6U);
  EXPECT_EQ(ranges.value().trials[5].label, "lr=0.01 units=64");
  const Result<Experiment> maps = resolve(base() + examples()[3]);
  ASSERT_TRUE(maps.ok()) << maps.status().message();
  EXPECT_EQ(maps.value().trials.size(), 6U);
  EXPECT_EQ(maps.value().trials[5].label, "activation=top4 code=large");
}

// Their files are not there; everything else about them is checked before that is noticed.
TEST(Documentation, ExamplesOfDataAreParts) {
  ASSERT_EQ(examples(kData).size(), 2U);
  std::string own = base();
  own.replace(own.find("data:"), own.find("model:") - own.find("data:"), examples(kData)[0]);
  EXPECT_NE(resolve(own).status().message().find(": data.path: found no file faces.h5#images"),
            std::string::npos)
      << resolve(own).status().message();
  std::string stacked = base();
  stacked.replace(stacked.find("model:"), stacked.find("optimizer:") - stacked.find("model:"),
                  examples(kData)[1]);
  EXPECT_NE(resolve(stacked).status().message().find(
                ": model.init_from.path: found no file or folder ../runs/first"),
            std::string::npos)
      << resolve(stacked).status().message();
}

}  // namespace
}  // namespace aesweep::test
