// Proves that the experiments on published systems run as they are: each in its quick variant
// (2,000 images, one epoch, two ranks), every trial completed, and their tables are made; and that
// the softmax-KL penalty of the Keras system changes no trial's figures, by running the program on
// the published MNIST files.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>

#include "tests/app/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

class Systems : public testing::Test {
 protected:
  void SetUp() override {
    const char* const directory = std::getenv("AESWEEP_DATA_DIR");
    if (directory == nullptr) {
      GTEST_SKIP() << "AESWEEP_DATA_DIR is not set: the experiments on MNIST are not run";
    }
  }

  Answer quick_run(const std::string& name) {
    return aesweep_on_ranks(
        2, {"run", AESWEEP_SOURCE_DIRECTORY "/experiments/" + name + ".yaml", "-o",
            folder_.path(name), "--set", "train.epochs=1", "--set", "data.limit=2000"});
  }

  void expect_completed(const std::string& name, int trials) {
    const Answer answer = quick_run(name);
    ASSERT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(count_of(answer.out, "completed"), trials) << answer.out;
  }

  // analysis/system_tables.py prints a Markdown table with `rows` rows below its head.
  void expect_table(const std::string& table, const std::string& name, int rows) {
    const std::string python = "/usr/bin/python3";  // Of the system: it has Debian's h5py.
    if (run_program({python, "-c", "import h5py, pandas"}).status != 0) {
      GTEST_SKIP() << python << " has no h5py or pandas: the table is not made";
    }
    const Answer answer =
        run_program({python, "-B", AESWEEP_SOURCE_DIRECTORY "/analysis/system_tables.py", table,
                     folder_.path(name + "/results.h5")});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(count_of(answer.out, "\n| "), rows) << answer.out;
    EXPECT_EQ(count_of(answer.out, "nan"), 0) << answer.out;
  }

  TemporaryFolder folder_;
};

TEST_F(Systems, SemanticHashingCompletesEveryTrial) {
  expect_completed("semantic_hashing", 108);
  expect_table("hashing", "semantic_hashing", 48);  // 4 widths x (8 trained codes + 4 made binary).
}

TEST_F(Systems, L1PenaltyCompletesEveryTrial) {
  expect_completed("l1_penalty", 27);
  expect_table("l1_penalty", "l1_penalty", 9);
}

TEST_F(Systems, SoftmaxKlLeavesEveryFigureAsItIsWithoutPenalty) {
  const Answer answer = quick_run("keras_softmax_kl");
  ASSERT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(count_of(answer.out, "completed"), 21) << answer.out;
  // Rows of the table: number, model, seed, figures.
  std::map<std::string, std::string> figures;
  std::istringstream table(answer.out);
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string number;
    std::string model;
    std::string seed;
    std::string rest;
    if (words >> number >> model >> seed && std::getline(words, rest)) {
      figures[model + " " + seed] = rest.substr(0, rest.find("completed"));
    }
  }
  for (const char* seed : {" 0", " 1", " 2"}) {
    const std::string without = figures["no_penalty" + std::string(seed)];
    EXPECT_FALSE(without.empty()) << answer.out;
    for (const char* model : {"softmax_kl", "softmax_kl_divided"}) {
      EXPECT_EQ(figures[std::string(model) + seed], without) << model << seed;
    }
    EXPECT_NE(figures[std::string("mean_kl") + seed], without);
  }
  expect_table("softmax_kl", "keras_softmax_kl", 7);
}

}  // namespace
}  // namespace aesweep
