// Proves where data.path leads: the data folder first, then the experiment's folder; and that a
// folder that is nowhere gives a message with every place that was tried.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/config/fake_catalogue.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep::test {
namespace {

// The path that an experiment in FOLDER/exp/a.yaml with this data path gets, or its fault.
std::string path_of(const TemporaryFolder& folder, const std::string& written,
                    const std::string& data_dir) {
  std::string yaml = base_with(2, "data: {source: idx, path: \"" + written + "\"}");
  Result<Document> document = parse_experiment(yaml, folder.path("exp/a.yaml"), {});
  if (!document.ok()) return document.status().message();
  Result<Experiment> experiment = resolve_experiment(*document, fake_catalogue(), data_dir);
  return experiment.ok() ? experiment->data.path : experiment.status().message();
}

class DataPath : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_.path("exp/mnist"));
    std::filesystem::create_directories(folder_.path("exp/only_here"));
    std::filesystem::create_directories(folder_.path("data/mnist"));
    folder_.write("data/file", "x");
  }
  TemporaryFolder folder_;
};

TEST_F(DataPath, PrefersTheDataFolder) {
  EXPECT_EQ(path_of(folder_, "mnist", folder_.path("data")), folder_.path("data/mnist"));
  EXPECT_EQ(path_of(folder_, "mnist", ""), folder_.path("exp/mnist"));
  EXPECT_EQ(path_of(folder_, "only_here", folder_.path("data")), folder_.path("exp/only_here"));
  EXPECT_EQ(path_of(folder_, "../data/mnist", ""), folder_.path("data/mnist"));
}

TEST_F(DataPath, TakesAnAbsolutePathAsItIs) {
  EXPECT_EQ(path_of(folder_, folder_.path("exp/mnist"), folder_.path("data")),
            folder_.path("exp/mnist"));
}

TEST_F(DataPath, SaysWhereItLooked) {
  const std::string place = folder_.path("exp/a.yaml") + ":2:27: data.path: ";
  EXPECT_EQ(path_of(folder_, "cifar", folder_.path("data")),
            place + "found no folder cifar; tried " + folder_.path("data/cifar") + " and " +
                folder_.path("exp/cifar"));
  EXPECT_EQ(path_of(folder_, "cifar", ""),
            place + "found no folder cifar; tried " + folder_.path("exp/cifar") +
                "; give the folder that holds data sets by --data-dir or AESWEEP_DATA_DIR");
  EXPECT_EQ(path_of(folder_, "file", folder_.path("data")),
            place + "found no folder file; tried " + folder_.path("data/file") + " (a file) and " +
                folder_.path("exp/file"));
}

TEST_F(DataPath, OfTheOtherKindNeedsNoDataFolder) {
  EXPECT_EQ(path_of(folder_, "../data/file", ""),
            folder_.path("exp/a.yaml") + ":2:27: data.path: found no folder ../data/file; tried " +
                folder_.path("data/file") + " (a file)");
}

TEST_F(DataPath, KeepsTheTextAndPathAsGiven) {
  const std::string yaml = base_with(2, "data: {source: idx, path: mnist}");
  Result<Document> document = parse_experiment(yaml, folder_.path("exp/a.yaml"), {});
  ASSERT_TRUE(document.ok());
  Result<Experiment> experiment = resolve_experiment(*document, fake_catalogue(), "");
  ASSERT_TRUE(experiment.ok()) << experiment.status().message();
  EXPECT_EQ(experiment->text, yaml);
  EXPECT_EQ(experiment->path, folder_.path("exp/a.yaml"));
}

}  // namespace
}  // namespace aesweep::test
