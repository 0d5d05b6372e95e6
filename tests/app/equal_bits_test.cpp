// Proves that the same experiment gives the same results on 1, 2, 3 and 4 ranks, with 1, 2 and 3
// ranks per trial: by running the program on experiments with every built-in component and
// comparing results.h5 outside /runtime and every trial's file byte for byte.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/app/program.hpp"
#include "tests/support/h5_compare.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

struct Experiment {
  const char* file;
  int trials;
};
constexpr Experiment kComponents = {"every_component.yaml", 73};
constexpr Experiment kOptimizers = {"every_optimizer.yaml", 48};

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> arguments(const Experiment& experiment, const std::string& folder,
                                   int ranks_per_trial) {
  return {"run",   std::string(AESWEEP_SOURCE_DIRECTORY "/tests/app/") + experiment.file,
          "-o",    folder,
          "--set", "resources.ranks_per_trial=" + std::to_string(ranks_per_trial)};
}

void expect_same_trials(const std::string& left, const std::string& right, int trials) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(left + "/trials")) {
    const fs::path other = right + "/trials/" + entry.path().filename().string();
    EXPECT_TRUE(contents(entry.path()) == contents(other)) << other << " has other bytes";
    ++files;
  }
  EXPECT_EQ(files, trials);
}

struct Shape {
  int ranks;
  int ranks_per_trial;
};

void expect_equal_bits(const Experiment& experiment, const std::vector<Shape>& shapes) {
  TemporaryFolder folder;
  const std::string reference = folder.path("reference");
  const Answer alone = aesweep(arguments(experiment, reference, 1));
  ASSERT_EQ(alone.status, 0) << alone.err;
  ASSERT_EQ(count_of(alone.out, "completed"), experiment.trials) << alone.out;
  for (const Shape shape : shapes) {
    SCOPED_TRACE(std::to_string(shape.ranks) + " ranks, " + std::to_string(shape.ranks_per_trial) +
                 " per trial");
    const std::string other =
        folder.path(std::to_string(shape.ranks) + "_" + std::to_string(shape.ranks_per_trial));
    const Answer answer =
        aesweep_on_ranks(shape.ranks, arguments(experiment, other, shape.ranks_per_trial));
    ASSERT_EQ(answer.status, 0) << answer.err;
    const Comparison compared = compare_h5(reference + "/results.h5", other + "/results.h5");
    EXPECT_TRUE(compared.equal) << compared.difference;
    expect_same_trials(reference, other, experiment.trials);
  }
}

TEST(EqualBits, OfEveryComponentOnAnyRanks) {
  expect_equal_bits(kComponents, {{2, 1}, {2, 2}, {3, 1}, {3, 2}, {3, 3}, {4, 2}, {4, 3}});
}

TEST(EqualBits, OfEveryOptimizerOnAnyRanks) {
  expect_equal_bits(kOptimizers, {{2, 2}, {3, 1}, {3, 3}, {4, 3}});
}

// Another seed gives other results: without this, the comparison above could not fail.
TEST(EqualBits, AnotherSeedIsSeen) {
  TemporaryFolder folder;
  std::vector<std::string> one = arguments(kOptimizers, folder.path("one"), 1);
  std::vector<std::string> two = arguments(kOptimizers, folder.path("two"), 1);
  two.insert(two.end(), {"--set", "train.seed=4"});
  ASSERT_EQ(aesweep(one).status, 0);
  ASSERT_EQ(aesweep(two).status, 0);
  EXPECT_FALSE(compare_h5(folder.path("one/results.h5"), folder.path("two/results.h5")).equal);
}

}  // namespace
}  // namespace aesweep
