// Proves what a user gets for a right and a wrong call of the commands that do not train, by
// running the real program and comparing exit status and texts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "tests/app/program.hpp"
#include "tests/data/array_builder.hpp"
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
      {{},
       {"expected a command: run, plan, status, validate, rebuild, encode, search, render, "
        "plugins or plugin",
        "aesweep --help"}},
      {{"rnu"}, {"unknown command 'rnu' (did you mean run?)", "aesweep --help"}},
      {{"--frobnicate"}, {"--frobnicate", "aesweep --help"}},
      {{"run", kQuickstart, "--frobnicate"}, {"--frobnicate", "aesweep run --help"}},
      {{"run", kQuickstart, "-o", ""}, {"-o", "is empty", "aesweep run --help"}},
      {{"run", kQuickstart, "--output="}, {"output"}},
      {{"run", kQuickstart, "--resume=later"}, {"--resume=later", "--resume=auto"}},
      {{"run", kQuickstart, "--resume", "--extend"}, {"--extend", "leave --resume out"}},
      {{"run", kQuickstart, "--rerun", "all"}, {"--rerun", "failed", "aesweep run --help"}},
      {{"run", kQuickstart, "--rerun"}, {"--rerun", "aesweep run --help"}},
      {{"run", kQuickstart, "-n", "2"}, {"-n", "--supervise", "mpirun -n N"}},
      {{"run", kQuickstart, "--launcher", "srun"}, {"--launcher", "--supervise"}},
      {{"run", kQuickstart, "--supervise", "-n", "0"}, {"-n", "0", "aesweep run --help"}},
      {{"run", kQuickstart, "--supervise", "--supervised"}, {"--supervise", "without a launcher"}},
      {{"run", kQuickstart, "--accept-numerics"}, {"--accept-numerics", "new run"}},
      {{"status"}, {"RUN", "aesweep status --help"}},
      {{"status", "a", "b"}, {"b", "aesweep status --help"}},
      {{"status", "a", "--json", "--watch"}, {"--watch", "--json"}},
      {{"status", absent}, {absent, "no run is there"}},
      {{"status", folder.path()}, {folder.path(), "no run is there"}},
      {{"validate"}, {"RUN", "aesweep validate --help"}},
      {{"validate", absent}, {absent, "no run is there"}},
      {{"rebuild"}, {"RUN", "aesweep rebuild --help"}},
      {{"rebuild", absent}, {absent, "no run is there"}},
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
      {{"plugins", "some.so"}, {"/some.so: ", "No such file"}},  // Made absolute.
      {{"plugins", folder.path("some.so")}, {folder.path("some.so"), "No such file"}},
      {{"plugin"}, {"expected plugin new or plugin check", "aesweep plugin --help"}},
      {{"plugin", "nwe"}, {"nwe", "aesweep plugin --help"}},
      {{"plugin", "new", "a"}, {"--kind", "aesweep plugin new --help"}},
      {{"plugin", "new", "--kind", "loss"}, {"NAME", "aesweep plugin new --help"}},
      {{"plugin", "new", "--kind", "los", "a"}, {"los", "loss", "aesweep plugin new --help"}},
      {{"plugin", "new", "--kind", "loss", "--example", "learned", "a"}, {"learned", "loss"}},
      {{"plugin", "check"}, {"LIBRARY", "aesweep plugin check --help"}},
      {{"plugin", "check", "a.so", "--seconds", "0"}, {"--seconds", "aesweep plugin check --help"}},
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
  for (const std::vector<std::string>& call :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"-h"},
                                             {"run", "--help"},
                                             {"plan", "--help"},
                                             {"status", "--help"},
                                             {"validate", "--help"},
                                             {"rebuild", "--help"},
                                             {"search", "--help"},
                                             {"plugins", "--help"},
                                             {"plugin", "--help"},
                                             {"plugin", "new", "--help"},
                                             {"plugin", "check", "--help"}}) {
    const Answer answer = aesweep(call);
    SCOPED_TRACE(call.front());
    EXPECT_EQ(answer.status, 0);
    EXPECT_EQ(answer.err, "");
    expect_has(answer.out, "Examples:");
    expect_has(answer.out, "Exit status:");
    expect_has(answer.out, "aesweep");
  }
  const std::string run = aesweep({"run", "--help"}).out;
  for (const char* option : {"--accept-mixed-nodes", "--resume", "--extend", "--rerun",
                             "--accept-numerics", "--supervise", "--launcher"}) {
    expect_has(run, option);
  }
  EXPECT_EQ(run.find("--search-crash"), std::string::npos);  // For supervisors alone.
}

TEST(CommandLine, VersionNamesEverythingThatCanChangeAResult) {
  const Answer answer = aesweep({"--version"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.err, "");
  for (const char* words : {"aesweep 0.", "(revision ", "\nBLAS:       ", "\nMPI:        ",
                            "\nHDF5:       1.", "built for ", "this machine has x86-64",
                            "compiler:   GNU 1", "plugin ABI: 0.2", "fingerprint "}) {
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

TEST(PluginNew, RefusesNamesThatCannotBeAPlugins) {
  TemporaryFolder folder;
  for (const char* name : {"", "Swish", "2x", "_a", "a-b", "a.b", "a b", "../a", "/tmp/a",
                           "\xc3\xa4", "class", "template", "co_await", "xor_eq", "real", "op"}) {
    const Answer answer = aesweep({"plugin", "new", "--kind", "loss", name}, {}, folder.path());
    SCOPED_TRACE(text("'", name, "': ", answer.err));
    EXPECT_EQ(answer.status, 2);
    EXPECT_EQ(answer.out, "");
    EXPECT_EQ(count_of(answer.err, "\n"), 1);
    expect_has(answer.err, text("NAME: '", name, "'"));
    expect_has(answer.err, "choose");
  }
  const std::string longest(64, 'a');
  EXPECT_EQ(aesweep({"plugin", "new", "--kind", "loss", longest + "a"}, {}, folder.path()).status,
            2);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_EQ(aesweep({"plugin", "new", "--kind", "loss", longest}, {}, folder.path()).status, 0);
}

TEST(PluginNew, TouchesNothingThatIsThere) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("a_folder"));
  folder.write("a_file", "mine");
  std::filesystem::create_symlink("nowhere", folder.path("a_link"));
  for (const char* name : {"a_folder", "a_file", "a_link"}) {
    const Answer answer = aesweep({"plugin", "new", "--kind", "loss", name}, {}, folder.path());
    SCOPED_TRACE(answer.err);
    EXPECT_EQ(answer.status, 2);
    expect_has(answer.err, text("./", name, " is already there"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path("a_folder")));
  EXPECT_EQ(std::filesystem::file_size(folder.path("a_file")), 4u);
  EXPECT_FALSE(std::filesystem::exists(folder.path("nowhere")));
}

TEST(PluginNew, AFolderThatCannotBeMadeIsAFaultOfTheWorld) {
  const Answer answer = aesweep({"plugin", "new", "--kind", "loss", "a"}, {}, "/proc");
  EXPECT_EQ(answer.status, 3);
  expect_has(answer.err, "./a cannot be made");
}

// Every kind, with nothing left to fill in and the name where it belongs.
TEST(PluginNew, WritesAWholeProject) {
  TemporaryFolder folder;
  for (const char* kind :
       {"activation", "layer", "regularizer", "quantizer", "loss", "optimizer"}) {
    const std::string name = text("a_new_", kind, "_2");
    const Answer answer = aesweep({"plugin", "new", "--kind", kind, name}, {}, folder.path());
    SCOPED_TRACE(answer.err);
    EXPECT_EQ(answer.status, 0);
    expect_has(answer.out, text("aesweep plugin check ", name, "/b/lib", name, ".so"));
    EXPECT_EQ(answer.out.find("Note"), std::string::npos);
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path(name))) {
      std::ifstream in(entry.path());
      const std::string contents{std::istreambuf_iterator<char>(in), {}};
      EXPECT_EQ(contents.find('@'), std::string::npos) << entry.path();
      expect_has(contents, name);
      ++files;
    }
    EXPECT_EQ(files, 4);
  }
  std::ifstream in(folder.path("a_new_loss_2/a_new_loss_2.cpp"));
  const std::string source{std::istreambuf_iterator<char>(in), {}};
  expect_has(source, "struct ANewLoss2 {");
}

TEST(PluginNew, SaysWhereABuiltInHasTheName) {
  TemporaryFolder folder;
  const Answer same = aesweep({"plugin", "new", "--kind", "activation", "relu"}, {}, folder.path());
  EXPECT_EQ(same.status, 0);
  expect_has(same.out, "there is a built-in activation relu");
  const Answer other = aesweep({"plugin", "new", "--kind", "loss", "tanh"}, {}, folder.path());
  EXPECT_EQ(other.out.find("built-in"), std::string::npos) << other.out;
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
  TemporaryFolder folder;
  EXPECT_EQ(aesweep({"plugin", "new", "--kind", "loss", "a"}, broken, folder.path()).status, 0);
}

TEST(Plan, ShowsTrialsAndNeedsOfTheQuickstart) {
  const Answer answer = aesweep({"plan", kQuickstart, "--ranks", "2"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  for (const char* words :
       {"learned parameters", "steps", "experiment  quickstart", "data  ", "trials  ",
        "ranks       2: ", "idle        none", "memory  ", " per rank at most", "disk  ",
        " of trials, ", " of results.h5; ", " of journal and log\n", "checkpoints ",
        " at most while it runs\n", "files       "}) {
    expect_has(answer.out, words);
  }
  EXPECT_EQ(answer.out.find("warning"), std::string::npos) << answer.out;
  expect_has(aesweep({"plan", kQuickstart, "--set", "checkpoint=none"}).out,
             "checkpoints none, until the run is asked to stop\n");
}

TEST(Plan, WarnsOfATrialThatDoesNotFitIntoThisMachine) {
  const Answer answer =
      aesweep({"plan", kQuickstart, "--set", "model.layers.code.units=1048576", "--set",
               "data.cols=65536", "--set", "data.train_rows=128", "--set", "data.test_rows=64"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  expect_has(answer.out, "warning     trial ");
  expect_has(answer.out, " of this machine; ");
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
  expect_has(answer.out, "\n71     ");
  expect_has(answer.out, "trials      73");
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
  const Answer by_both =
      aesweep({"plan", kMnist, "--data-dir", folder.path()}, {{"AESWEEP_DATA_DIR", "/nowhere"}});
  EXPECT_EQ(by_both.out, by_option.out) << "the option counts";
  const Answer nowhere = aesweep({"plan", kMnist}, {{"AESWEEP_DATA_DIR", ""}});
  EXPECT_EQ(nowhere.status, 2);
  expect_has(nowhere.err, "--data-dir");
}

// What only the data files, or a trial with them, show to be wrong: plan and run name the key's
// place, and run does so before it trains.
TEST(Plan, PlacesFaultsThatTheDataShows) {
  TemporaryFolder folder;
  folder.write("x.npy", npy_file("|u1", "(11, 3)", std::string(33, '\x7')));
  const auto fault_of = [&](const std::string& split, const std::string& more) {
    const std::string yaml = folder.write(
        "a.yaml", "schema: 1\ndata:\n  source: files\n  path: x.npy\n  split: " + split +
                      "\nmodel:\n  loss: mse\n  layers:\n    - {name: code, kind: dense, "
                      "units: 4097}\n    - {name: out, kind: dense}\noptimizer: sgd\n"
                      "train: {epochs: 1}\n" +
                      more);
    const Answer plan = aesweep({"plan", yaml});
    EXPECT_EQ(plan.status, 2) << plan.out;
    const Answer run = aesweep({"run", yaml, "-o", folder.path("run")});
    EXPECT_EQ(run.status, 2) << run.out;
    EXPECT_EQ(run.err, plan.err);
    return plan.err.substr(std::min(plan.err.size(), std::string("aesweep: " + yaml).size()));
  };
  const std::string split = fault_of("{test: [8, 12]}", "");
  EXPECT_TRUE(split.starts_with(":5:17: data.split.test")) << split;
  const std::string codes = fault_of("{test: [8, 11]}", "evaluate: {codes: {binarize: mean}}\n");
  EXPECT_TRUE(
      codes.starts_with(":13:19: trial 0 (a): evaluate.codes: the code, layer code, has "
                        "4097 units;"))
      << codes;
}

}  // namespace
}  // namespace aesweep
