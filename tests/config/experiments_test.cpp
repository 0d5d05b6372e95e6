// Proves that every file in experiments/ is an experiment of the built-in components, and that the
// two that the documentation promises vary what they say.
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

}  // namespace
}  // namespace aesweep::test
