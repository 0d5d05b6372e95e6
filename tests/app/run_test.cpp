// Proves that `aesweep run` works from the command line to results.h5, alone and under the
// launcher, and that every wrong call ends on all ranks with one message and status 2: by running
// the program.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/app/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

const std::string kQuickstart = AESWEEP_SOURCE_DIRECTORY "/experiments/quickstart.yaml";

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The files that a finished run of the quickstart leaves in `folder`.
void expect_results(const std::string& folder) {
  EXPECT_TRUE(contents(folder + "/results.h5").starts_with("\x89HDF\r\n\x1a\n")) << folder;
  EXPECT_FALSE(contents(folder + "/run.log").empty()) << folder;
  EXPECT_EQ(contents(folder + "/experiment.yaml"), contents(kQuickstart)) << folder;
}

// One epoch on little data: a fraction of a second.
std::vector<std::string> short_run(const std::string& folder) {
  return {"run",   kQuickstart,        "-o",    folder,
          "--set", "train.epochs=1",   "--set", "data.train_rows=370",
          "--set", "data.test_rows=37"};
}

TEST(Run, AloneWritesResultsAndEndsWithTableAndPath) {
  TemporaryFolder folder;
  const Answer answer = aesweep(short_run(folder.path("run")));
  ASSERT_EQ(answer.status, 0) << answer.err;
  expect_results(folder.path("run"));
  EXPECT_NE(answer.out.find("completed"), std::string::npos) << answer.out;
  EXPECT_TRUE(answer.out.ends_with(folder.path("run/results.h5") + "\n")) << answer.out;
}

TEST(Run, UsesAFolderNamedAfterTheExperiment) {
  TemporaryFolder folder;
  std::vector<std::string> arguments = short_run("");
  arguments.erase(arguments.begin() + 2, arguments.begin() + 4);
  const Answer answer = aesweep(arguments, {}, folder.path());
  ASSERT_EQ(answer.status, 0) << answer.err;
  expect_results(folder.path("runs/quickstart"));
}

TEST(Run, OnTwoRanksWritesResultsOnce) {
  TemporaryFolder folder;
  const Answer answer = aesweep_on_ranks(2, short_run(folder.path("run")));
  ASSERT_EQ(answer.status, 0) << answer.err;
  expect_results(folder.path("run"));
  EXPECT_EQ(count_of(answer.out, "results.h5"), 1) << answer.out;
}

TEST(Run, RefusesAFolderInUseAndLeavesItAlone) {
  TemporaryFolder folder;
  fs::create_directory(folder.path("run"));
  folder.write("run/precious", "mine");
  const Answer answer = aesweep(short_run(folder.path("run")));
  EXPECT_EQ(answer.status, 2);
  EXPECT_NE(answer.err.find(folder.path("run")), std::string::npos) << answer.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path("run")), {}), 1);
  EXPECT_EQ(contents(folder.path("run/precious")), "mine");
}

// The program under a shell that first runs `limits`; `redirection` ends the line.
Answer aesweep_limited(const std::string& limits, std::vector<std::string> arguments,
                       const std::string& redirection = "") {
  const std::string line =
      limits + "; exec " AESWEEP_BINARY_DIRECTORY "/bin/aesweep \"$@\"" + redirection;
  arguments.insert(arguments.begin(), {"/bin/sh", "-c", line, "sh"});
  return run_program(arguments, {{"PMIX_MCA_gds", "hash"}});
}

// A run that ended with status 3 keeps whole files only.
void expect_no_results(const std::string& folder) {
  EXPECT_FALSE(fs::exists(folder + "/results.h5"));
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  }
}

// Blocks of ulimit -f are 512 bytes: the first limit is below a trial's file, the second between
// that and results.h5. Open MPI's own files of several megabytes are kept in memory instead.
TEST(Run, AFileSizeLimitIsAFaultOfTheWorldAndLeavesNoHalfFile) {
  for (const char* limit : {"ulimit -f 10", "ulimit -f 400"}) {
    SCOPED_TRACE(limit);
    TemporaryFolder folder;
    const Answer answer = aesweep_limited(limit, short_run(folder.path("run")));
    EXPECT_EQ(answer.status, 3) << answer.err;
    EXPECT_NE(answer.err.find("raise the file size limit (ulimit -f)"), std::string::npos)
        << answer.err;
    expect_no_results(folder.path("run"));
  }
}

TEST(Run, AReaderThatWentAwayIsAFaultOfTheWorldAfterTheResults) {
  TemporaryFolder folder;
  const std::string status = folder.path("status");
  const std::string line =
      "{ " AESWEEP_BINARY_DIRECTORY "/bin/aesweep \"$@\"; echo $? > " + status + "; } | true";
  std::vector<std::string> arguments = short_run(folder.path("run"));
  arguments.insert(arguments.begin(), {"/bin/sh", "-c", line, "sh"});
  const Answer answer = run_program(arguments);
  EXPECT_EQ(contents(status), "3\n");
  EXPECT_NE(answer.err.find("cannot write to standard output"), std::string::npos) << answer.err;
  expect_results(folder.path("run"));
}

// Runs a short trial and an endless one, and sends `signal` when the first is on the disk.
Answer interrupted_run(const TemporaryFolder& folder, const std::string& launcher,
                       const std::string& signal) {
  const std::string endless = folder.write(
      "endless.yaml", contents(kQuickstart) + "  train.epochs: {values: [1, 1000000]}\n");
  const std::string line =
      "env --default-signal=" + signal + " " + launcher +
      " " AESWEEP_BINARY_DIRECTORY
      "/bin/aesweep run \"$0\" -o \"$1\""
      " --set model.layers.code.regularizers.l1.coefficient=0.001 & child=$!; "
      "for i in $(seq 300); do [ -e \"$1\"/trials/000000.1.h5 ] && break; sleep 0.1; done; "
      "sleep 0.3; kill -" +
      signal + " $child; wait $child";
  return run_program({"/bin/sh", "-c", line, endless, folder.path("run")});
}

TEST(Run, AnInterruptedRunLeavesACheckpointAndSaysHowToGoOn) {
  for (const std::string signal : {"INT", "TERM", "USR1"}) {
    SCOPED_TRACE(signal);
    const TemporaryFolder folder;
    const Answer answer = interrupted_run(folder, "", signal);
    EXPECT_EQ(answer.status, 75);
    const std::string words =
        "interrupted (SIG" + signal + "): 1 of 2 trials finished; go on with --resume";
    EXPECT_EQ(count_of(answer.err, words), 1) << answer.err;
    EXPECT_EQ(count_of(contents(folder.path("run/run.log")), words), 1);
    EXPECT_FALSE(fs::is_empty(folder.path("run/checkpoints")));
    EXPECT_FALSE(fs::exists(folder.path("run/results.h5")));
  }
}

// The launcher kills its ranks one second later.
TEST(Run, AnInterruptedLauncherLeavesTheSameLineInTheLog) {
  const TemporaryFolder folder;
  const std::string launcher = AESWEEP_MPIEXEC " " AESWEEP_MPIEXEC_COUNT " 2";
  const Answer answer = interrupted_run(folder, launcher, "INT");
  EXPECT_NE(answer.status, 0);
  EXPECT_EQ(count_of(contents(folder.path("run/run.log")),
                     "): 1 of 2 trials finished; go on with --resume"),
            1)
      << answer.err;
  EXPECT_FALSE(fs::exists(folder.path("run/results.h5")));
}

struct WrongCall {
  std::vector<std::string> arguments;
  std::string words;
};

TEST(Run, SaysWhatIsWrongOnceForAllRanks) {
  TemporaryFolder folder;
  const std::string output = folder.path("run");
  const std::string unknown = folder.write("unknown.yaml", "schema: 1\nmodle: {}\n");
  const std::string plugin = folder.write(
      "plugin.yaml", contents(kQuickstart) + "\nplugins: [" + folder.path("none.so") + "]\n");
  // All four files, but of 5 images of 2 x 2 bytes only the first 7 bytes.
  const std::string images("\0\0\x08\x03\0\0\0\x05\0\0\0\x02\0\0\0\x02", 16);
  const std::string labels = std::string("\0\0\x08\x01\0\0\0\x05", 8) + "01234";
  fs::create_directory(folder.path("cut"));
  folder.write("cut/train-images-idx3-ubyte", images + "1234567");
  folder.write("cut/train-labels-idx1-ubyte", labels);
  folder.write("cut/t10k-images-idx3-ubyte", images + "12345678901234567890");
  folder.write("cut/t10k-labels-idx1-ubyte", labels);
  const std::string cut =
      folder.write("cut.yaml",
                   "schema: 1\ndata: {source: idx, path: cut}\nmodel:\n  loss: mse\n  layers:\n"
                   "    - {name: code, kind: dense, units: 2}\n    - {name: out, kind: "
                   "dense}\noptimizer: sgd\n");
  const std::vector<WrongCall> table = {
      {{"run", cut, "-o", output}, "train-images-idx3-ubyte"},
      {{"run", folder.path("absent.yaml"), "-o", output}, "No such file"},
      {{"run", unknown, "-o", output}, "unknown.yaml:2:1"},
      {{"run", plugin, "-o", output}, "none.so"},
      {{"run", kQuickstart, "-o", output, "--set", "model.layers.code.units=-1"}, "units"},
      {{"run", kQuickstart, "-o", output, "--set", "model.layers.code.unitz=1"}, "unitz"},
  };
  for (const WrongCall& call : table) {
    const Answer answer = aesweep_on_ranks(3, call.arguments);
    SCOPED_TRACE(answer.err);
    EXPECT_EQ(answer.status, 2);
    EXPECT_EQ(count_of(answer.err, "aesweep: "), 1);
    EXPECT_EQ(count_of(answer.err, call.words), 1);
    EXPECT_FALSE(fs::exists(output));
  }
}

}  // namespace
}  // namespace aesweep
