// Proves that every file in experiments/ is an experiment of the built-in components, and that
// those that the documentation promises vary what they say.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "runner/config/experiment.hpp"
#include "tests/support/builtins.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep::test {
namespace {

Result<Experiment> resolve(const std::filesystem::path& path, const std::string& data_dir) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  Result<Document> document = parse_experiment(text.str(), path.string(), {});
  if (!document.ok()) return document.status();
  return resolve_experiment(*document, builtins(), data_dir);
}

class Experiments : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(data_.path("mnist")); }

  Experiment experiment(const std::string& name) {
    Result<Experiment> found = resolve(
        std::filesystem::path(AESWEEP_SOURCE_DIRECTORY "/experiments") / name, data_.path());
    EXPECT_TRUE(found.ok()) << found.status().message();
    return found.ok() ? std::move(found).value() : Experiment();
  }

  TemporaryFolder data_;
};

TEST_F(Experiments, AreAllExperiments) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(AESWEEP_SOURCE_DIRECTORY "/experiments")) {
    if (entry.path().extension() != ".yaml") continue;
    const Experiment found = experiment(entry.path().filename().string());
    EXPECT_EQ(found.name, entry.path().stem().string());
    std::set<std::string> texts;
    for (const PlannedTrial& trial : found.trials) texts.insert(trial.resolved);
    EXPECT_EQ(texts.size(), found.trials.size()) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 2);
}

TEST_F(Experiments, QuickstartComparesAPenaltyWithNone) {
  const Experiment quickstart = experiment("quickstart.yaml");
  ASSERT_EQ(quickstart.trials.size(), 3U);
  EXPECT_EQ(quickstart.data.source, DataSpec::Source::kSuperposition);
  EXPECT_EQ(quickstart.metric, "dictionary/recovery");
  EXPECT_EQ(quickstart.goal, Goal::kMaximize);
  EXPECT_EQ(quickstart.trials[0].label, "coefficient=0");
}

TEST_F(Experiments, MnistVariesActivationWidthAndPenalty) {
  const Experiment mnist = experiment("mnist_sparse.yaml");
  ASSERT_EQ(mnist.trials.size(), 18U);
  EXPECT_EQ(mnist.data.path, data_.path("mnist"));
  EXPECT_EQ(mnist.trials[0].label, "activation=tanh units=100 coefficient=0");
  EXPECT_EQ(mnist.trials[17].label, "activation=relu units=400 coefficient=3e-04");
  ASSERT_EQ(mnist.trials[0].parameters.size(), 3U);
  EXPECT_EQ(mnist.trials[0].parameters[1],
            NamedParameter("model.layers.code.units", std::int64_t{100}));
  EXPECT_EQ(mnist.trials[0].parameters[2],
            NamedParameter("model.layers.code.regularizers.l1.coefficient", 0.0));
}

// The original and its sweep; what it is compared by needs labels, which the evaluation alone uses.
TEST_F(Experiments, SemanticHashingVariesSeedCodeAndWidth) {
  const Experiment hashing = experiment("semantic_hashing.yaml");
  ASSERT_EQ(hashing.trials.size(), 108U);
  EXPECT_EQ(hashing.trials[0].label, "seed=0 activation=sign_tanh units=10");
  EXPECT_EQ(hashing.trials[107].label, "seed=2 activation=sign_approx units=64");
  EXPECT_EQ(hashing.metric, "codes/zero/map");
  EXPECT_EQ(hashing.goal, Goal::kMaximize);
  const TrialSpec& original = hashing.trials[0].spec;
  ASSERT_EQ(original.model.layers.size(), 4U);
  EXPECT_EQ(original.model.layers[1].activation->name, "binary");
  EXPECT_EQ(original.optimizer.name, "adagrad");
  ASSERT_TRUE(original.evaluate.codes.has_value());
  EXPECT_EQ(original.evaluate.codes->binarize.size(), 4U);
}

TEST_F(Experiments, L1PenaltyGoesFromNoneToTenTimesTheOriginals) {
  const Experiment l1 = experiment("l1_penalty.yaml");
  ASSERT_EQ(l1.trials.size(), 27U);
  EXPECT_EQ(l1.trials[0].label, "coefficient=0 seed=0");
  EXPECT_EQ(l1.trials[21].label, "coefficient=0.1 seed=0");
  EXPECT_EQ(l1.trials[26].label, "coefficient=1 seed=2");
  for (const PlannedTrial& trial : l1.trials) {
    EXPECT_NE(trial.resolved.find("reduction: sum"), std::string::npos) << trial.resolved;
  }
}

TEST_F(Experiments, KerasPenalizesBothLayersOutputsAndWeights) {
  const Experiment keras = experiment("keras_softmax_kl.yaml");
  ASSERT_EQ(keras.trials.size(), 21U);
  EXPECT_EQ(keras.trials[0].label, "model=softmax_kl seed=0");
  EXPECT_EQ(keras.trials[20].label, "model=summed_l1 seed=2");
  for (const LayerSpec& layer : keras.trials[0].spec.model.layers) {
    ASSERT_EQ(layer.regularizers.size(), 2U);
    EXPECT_EQ(layer.regularizers[0].component.name, "l2");
    EXPECT_EQ(layer.regularizers[1].component.name, "softmax_kl");
  }
}

}  // namespace
}  // namespace aesweep::test
