// Proves that the README's experiment is the one whose table stands beside it: its YAML resolves to
// the trials of experiments/mnist_sparse.yaml.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "runner/config/experiment.hpp"
#include "tests/support/builtins.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

std::string contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

Experiment resolved(const std::string& text, const std::string& path, const std::string& data) {
  auto document = parse_experiment(text, path, {});
  EXPECT_TRUE(document.ok()) << document.status().message();
  auto experiment = resolve_experiment(*document, test::builtins(), data);
  EXPECT_TRUE(experiment.ok()) << experiment.status().message();
  return std::move(experiment).value();
}

TEST(Readme, ItsExperimentIsTheOneOfTheTable) {
  TemporaryFolder data;
  std::filesystem::create_directory(data.path("mnist"));
  const std::string readme = contents(AESWEEP_SOURCE_DIRECTORY "/README.md");
  const std::string opening = "```yaml\n";
  const std::size_t first = readme.find(opening);
  ASSERT_NE(first, std::string::npos);
  const std::size_t start = first + opening.size();
  const std::string yaml = readme.substr(start, readme.find("```", start) - start);
  const std::string path = AESWEEP_SOURCE_DIRECTORY "/experiments/mnist_sparse.yaml";
  const Experiment shown = resolved(yaml, "README.md", data.path());
  const Experiment ran = resolved(contents(path), path, data.path());
  EXPECT_EQ(shown.name, ran.name);
  ASSERT_EQ(shown.trials.size(), ran.trials.size());
  for (std::size_t i = 0; i < ran.trials.size(); ++i) {
    EXPECT_EQ(shown.trials[i].resolved, ran.trials[i].resolved) << i;
  }
}

}  // namespace
}  // namespace aesweep
