// Proves that a stored trial's configuration reads back as the trial that it was written from: over
// every trial of every file in experiments/, its canonical text is the same again; and what is
// wrong with a text, or with the components that are there, is said.
#include "runner/config/trial_config.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "runner/config/canonical.hpp"
#include "runner/config/experiment.hpp"
#include "tests/support/builtins.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep::test {
namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<Experiment> resolve(const std::string& yaml, const std::string& path,
                           const std::string& data_dir) {
  Result<Document> document = parse_experiment(yaml, path, {});
  if (!document.ok()) return document.status();
  return resolve_experiment(*document, builtins(), data_dir);
}

void expect_round_trips(const Experiment& experiment) {
  for (const PlannedTrial& trial : experiment.trials) {
    const Result<TrialSpec> read = parse_trial_config(trial.resolved, builtins());
    ASSERT_TRUE(read.ok()) << experiment.name << ": " << read.status().message();
    EXPECT_EQ(canonical_text(read.value(), experiment.data), trial.resolved);
  }
}

// One of everything that a configuration can have.
const char* const kRich =
    "schema: 1\n"
    "data: {source: superposition}\n"
    "model:\n"
    "  scalar: f64\n"
    "  loss: mse\n"
    "  layers:\n"
    "    - name: code\n"
    "      kind: dense\n"
    "      units: 12\n"
    "      activation: {kind: topk, k: 5}\n"
    "      regularizers: [{kind: l1, coefficient: 1e-3}]\n"
    "      quantizer: binary\n"
    "      optimizer: {kind: sgd, lr: 0.1, on: quantized}\n"
    "    - {name: out, kind: dense, bias: false}\n"
    "optimizer: {kind: adam, lr: 0.30000000000000004}\n"
    "train: {batch_rows: 7, seed: 9007199254740991, schedule: {kind: step, factor: 0.3}}\n"
    "evaluate: {active_threshold: 0.1, codes: {binarize: [itq, zero], queries: 5, radius: 3}}\n"
    "record: {weights: none, samples: 3, every: 2}\n";

TEST(TrialConfig, ReadsBackEveryTrialOfEveryExperiment) {
  TemporaryFolder data;
  std::filesystem::create_directory(data.path("mnist"));
  std::size_t trials = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(AESWEEP_SOURCE_DIRECTORY "/experiments")) {
    if (entry.path().extension() != ".yaml") continue;
    const Result<Experiment> experiment =
        resolve(bytes_of(entry.path()), entry.path().string(), data.path());
    ASSERT_TRUE(experiment.ok()) << experiment.status().message();
    expect_round_trips(experiment.value());
    trials += experiment->trials.size();
  }
  EXPECT_GE(trials, 21U);
}

TEST(TrialConfig, ReadsBackOneOfEverything) {
  const Result<Experiment> experiment = resolve(kRich, "rich.yaml", "");
  ASSERT_TRUE(experiment.ok()) << experiment.status().message();
  expect_round_trips(experiment.value());
  const Result<TrialSpec> read = parse_trial_config(experiment->trials.at(0).resolved, builtins());
  ASSERT_TRUE(read.ok());
  ASSERT_TRUE(read->evaluate.codes.has_value());
  EXPECT_EQ(read->evaluate.codes->binarize,
            (std::vector<Binarization>{Binarization::kItq, Binarization::kZero}));
  EXPECT_EQ(read->evaluate.codes->queries, 5);
  EXPECT_FALSE(read->record.weights);
  EXPECT_EQ(read->train.seed, 9007199254740991U);
  EXPECT_FALSE(read->model.given_weights.has_value());
}

TEST(TrialConfig, LeavesGivenWeightsAndDataOut) {
  const Result<Experiment> experiment = resolve(kRich, "rich.yaml", "");
  ASSERT_TRUE(experiment.ok());
  std::string text = experiment->trials.at(0).resolved;
  const std::string without = text;
  text.replace(text.find("superposition"), 13, "something_newer");
  text.insert(text.find("  loss:\n"), "  init_from:\n    sha256: \"00\"\n");
  const Result<TrialSpec> read = parse_trial_config(text, builtins());
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(canonical_text(read.value(), experiment->data), without);
}

TEST(TrialConfig, SaysWhatItCannotRead) {
  const Result<Experiment> experiment = resolve(kRich, "rich.yaml", "");
  ASSERT_TRUE(experiment.ok());
  const std::string text = experiment->trials.at(0).resolved;
  const auto fault = [](const std::string& given) {
    const Result<TrialSpec> read = parse_trial_config(given, builtins());
    EXPECT_EQ(read.status().fault(), Fault::kInput);
    return read.status().message();
  };
  EXPECT_EQ(fault("schema: 1\n"),
            "the stored configuration:1:1: data: missing; every experiment has it");
  std::string other = text;
  other.replace(other.find("kind: topk"), 10, "kind: newk");
  EXPECT_NE(fault(other).find("model.layers.code.activation.kind: unknown activation newk"),
            std::string::npos);
  for (std::size_t cut = 0; cut < text.size(); cut += 37) {  // No cut text is taken for whole.
    const Result<TrialSpec> read = parse_trial_config(text.substr(0, cut), builtins());
    if (read.ok()) {
      EXPECT_NE(canonical_text(read.value(), experiment->data), text);
    }
  }
}

}  // namespace
}  // namespace aesweep::test
