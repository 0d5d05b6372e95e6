// Proves what a user gets for a right and a wrong call of the commands that do not train, by
// running the real program and comparing exit status and texts.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "tests/app/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

const std::string kQuickstart = AESWEEP_SOURCE_DIRECTORY "/experiments/quickstart.yaml";
const std::string kEveryComponent = AESWEEP_SOURCE_DIRECTORY "/tests/app/every_component.yaml";
const std::string kMnist = AESWEEP_SOURCE_DIRECTORY "/experiments/mnist_sparse.yaml";

void expect_has(const std::string& whole, const std::string& words) {
  EXPECT_NE(whole.find(words), std::string::npos) << "expected: " << words << "\nfound:\n" << whole;
}

struct BadCall {
  std::vector<std::string> arguments;
  std::vector<std::string> words;  // All in the one line on stderr.
};

TEST(CommandLine, AnswersEveryBadCallWithOneLineAndStatusTwo) {
  TemporaryFolder folder;
  const std::string absent = folder.path("absent.yaml");
  const std::string bad_yaml = folder.write("bad.yaml", "name: a\nmodel: [1, 2\n");
  const std::string not_yaml = folder.write("unknown.yaml", "schema: 1\nmodle: {}\n");
  const std::vector<BadCall> table = {
      {{}, {"expected a command: run, plan or plugins", "aesweep --help"}},
      {{"rnu"}, {"unknown command 'rnu' (did you mean run?)", "aesweep --help"}},
      {{"--frobnicate"}, {"--frobnicate", "aesweep --help"}},
      {{"run", kQuickstart, "--frobnicate"}, {"--frobnicate", "aesweep run --help"}},
      {{"run", kQuickstart, "-o", ""}, {"-o", "is empty", "aesweep run --help"}},
      {{"run", kQuickstart, "--output="}, {"output"}},
      {{"plan"}, {"EXPERIMENT", "aesweep plan --help"}},
      {{"plan", kQuickstart, "another.yaml"}, {"another.yaml", "aesweep plan --help"}},
      {{"plan", kQuickstart, "--ranks", "0"}, {"--ranks", "0", "aesweep plan --help"}},
      {{"plan", kQuickstart, "--ranks", "two"}, {"--ranks", "two", "aesweep plan --help"}},
      {{"plan", kQuickstart, "--set", "train.epochs"}, {"train.epochs", "KEY=VALUE"}},
      {{"plan", kQuickstart, "--set", "=1"}, {"=1", "KEY=VALUE"}},
      {{"plan", kQuickstart, "--set", "train.epochz=1"}, {"epochz", "did you mean"}},
      {{"plan", kQuickstart, "--set", "train.epochs=0"}, {"train.epochs", "0"}},
      {{"plan", absent}, {absent, "No such file"}},
      {{"plan", folder.path()}, {folder.path(), "is a folder"}},
      {{"plan", bad_yaml}, {bad_yaml + ":"}},
      {{"plan", not_yaml}, {not_yaml + ":2:1", "modle", "did you mean model"}},
      {{"plugins", "some.so"}, {"some.so", "is not an absolute path"}},
      {{"plugins", folder.path("some.so")}, {folder.path("some.so"), "No such file"}},
  };
  for (const BadCall& call : table) {
    const Answer answer = aesweep(call.arguments);
    SCOPED_TRACE(answer.err);
    EXPECT_EQ(answer.status, 2);
    EXPECT_EQ(answer.out, "");
    EXPECT_TRUE(answer.err.starts_with("aesweep: "));
    EXPECT_EQ(count_of(answer.err, "\n"), 1);
    for (const std::string& words : call.words) expect_has(answer.err, words);
  }
}

TEST(CommandLine, HelpIsEverywhereWithExamplesAndStatuses) {
  for (const std::vector<std::string>& call : std::vector<std::vector<std::string>>{
           {"--help"}, {"-h"}, {"run", "--help"}, {"plan", "--help"}, {"plugins", "--help"}}) {
    const Answer answer = aesweep(call);
    SCOPED_TRACE(call.front());
    EXPECT_EQ(answer.status, 0);
    EXPECT_EQ(answer.err, "");
    expect_has(answer.out, "Examples:");
    expect_has(answer.out, "Exit status:");
    expect_has(answer.out, "aesweep");
  }
  expect_has(aesweep({"run", "--help"}).out, "--accept-mixed-nodes");
}

TEST(CommandLine, VersionNamesEverythingThatCanChangeAResult) {
  const Answer answer = aesweep({"--version"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.err, "");
  for (const char* words : {"aesweep 0.", "(revision ", "\nBLAS:       ", "\nMPI:        ",
                            "\nHDF5:       1.", "built for ", "this machine has x86-64",
                            "compiler:   GNU 1", "plugin ABI: 0.1", "fingerprint "}) {
    expect_has(answer.out, words);
  }
}

TEST(CommandLine, PluginsListsEveryKindWithParametersAndLibraries) {
  const Answer answer = aesweep({"plugins"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(answer.err, "");
  for (const char* words :
       {"activation   relu", "activation   topk", "layer        dense", "regularizer  l1",
        "regularizer  kl_sparsity", "quantizer    binary", "loss         mse", "optimizer    adam",
        "xavier_uniform", "leaky_relu", "/lib/aesweep/adam.so"}) {
    expect_has(answer.out, words);
  }
}

TEST(CommandLine, AFullDiskBehindStdoutIsAFaultOfTheWorld) {
  const Answer answer = run_program(
      {"/bin/sh", "-c", "exec " AESWEEP_BINARY_DIRECTORY "/bin/aesweep plugins > /dev/full"});
  EXPECT_EQ(answer.status, 3);
  expect_has(answer.err, "standard output");
}

// An MPI library that was started under this setting would end the process.
TEST(CommandLine, OnlyRunStartsMpi) {
  const std::map<std::string, std::string> broken = {{"OMPI_MCA_pml", "no_such_component"}};
  EXPECT_EQ(aesweep({"--version"}, broken).status, 0);
  EXPECT_EQ(aesweep({"plugins"}, broken).status, 0);
  EXPECT_EQ(aesweep({"plan", kQuickstart}, broken).status, 0);
}

TEST(Plan, ShowsTrialsAndNeedsOfTheQuickstart) {
  const Answer answer = aesweep({"plan", kQuickstart, "--ranks", "2"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  for (const char* words :
       {"learned parameters", "steps", "experiment  quickstart", "data  ", "trials  ",
        "ranks       2: ", "idle        none", "memory  ", " per rank at most", "disk  "}) {
    expect_has(answer.out, words);
  }
}

TEST(Plan, UnderALauncherOneProcessPlansForAll) {
  const std::map<std::string, std::string> first = {{"OMPI_COMM_WORLD_RANK", "0"},
                                                    {"OMPI_COMM_WORLD_SIZE", "3"}};
  expect_has(aesweep({"plan", kQuickstart}, first).out, "ranks       3: ");
  const std::map<std::string, std::string> second = {{"PMI_RANK", "1"}, {"PMI_SIZE", "3"}};
  const Answer quiet = aesweep({"plan", kQuickstart}, second);
  EXPECT_EQ(quiet.status, 0) << quiet.err;
  EXPECT_EQ(quiet.out, "");
}

TEST(Plan, ShowsBothEndsOfALongTable) {
  const Answer answer = aesweep({"plan", kEveryComponent});
  EXPECT_EQ(answer.status, 0) << answer.err;
  expect_has(answer.out, "\n39     ");
  expect_has(answer.out, "\n...\n");
  EXPECT_EQ(answer.out.find("\n40     "), std::string::npos) << answer.out;
  expect_has(answer.out, "\n65     ");
  expect_has(answer.out, "trials      66");
}

TEST(Plan, SaysWhichRanksWouldIdle) {
  // One trial of batches of 64 rows in shards of 64: one shard, so one of three ranks has work.
  const Answer answer = aesweep({"plan", kQuickstart, "--ranks", "3", "--set",
                                 "train.batch_rows=64", "--set", "resources.ranks_per_trial=3"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  expect_has(answer.out, "ranks       3: 1 group of 3 ranks");
  expect_has(answer.out, "2 ranks get no rows");
}

// A published file's header and `rows` zero samples.
std::string idx_images(std::uint32_t rows) {
  std::string bytes{'\0', '\0', '\x08', '\x03'};
  for (const std::uint32_t size : {rows, 28u, 28u}) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xff);
  }
  return bytes + std::string(std::size_t{rows} * 28 * 28, '\0');
}

std::string idx_labels(std::uint32_t rows) {
  std::string bytes{'\0', '\0', '\x08', '\x01'};
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(rows >> shift & 0xff);
  return bytes + std::string(rows, '\0');
}

TEST(Plan, ReadsTheSizesOfDataFilesInTheDataFolder) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("mnist"));
  folder.write("mnist/train-images-idx3-ubyte", idx_images(370));
  folder.write("mnist/train-labels-idx1-ubyte", idx_labels(370));
  folder.write("mnist/t10k-images-idx3-ubyte", idx_images(37));
  folder.write("mnist/t10k-labels-idx1-ubyte", idx_labels(37));
  const Answer by_option = aesweep({"plan", kMnist, "--data-dir", folder.path()});
  EXPECT_EQ(by_option.status, 0) << by_option.err;
  expect_has(by_option.out, "370 training and 37 test samples of 784 values");
  const Answer by_variable = aesweep({"plan", kMnist}, {{"AESWEEP_DATA_DIR", folder.path()}});
  EXPECT_EQ(by_variable.out, by_option.out);
  const Answer nowhere = aesweep({"plan", kMnist}, {{"AESWEEP_DATA_DIR", ""}});
  EXPECT_EQ(nowhere.status, 2);
  expect_has(nowhere.err, "--data-dir");
}

}  // namespace
}  // namespace aesweep
