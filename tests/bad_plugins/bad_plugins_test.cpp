// Proves what becomes of every bad plugin of this folder (README.md has the table), as a user sees
// it: the real program runs an experiment that names it, on two ranks, and must answer with the
// expected status and words. No bad plugin stops the trials of others, unless it crashes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/abi/plugin.h"
#include "core/base/text.hpp"
#include "tests/app/program.hpp"
#include "tests/store/raw_hdf5.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

// A plugin that hangs is waited for this long.
const std::map<std::string, std::string> kShortProbe = {{"AESWEEP_PROBE_SECONDS", "1"}};

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class BadPlugins : public ::testing::Test {
 protected:
  // Copies a library and its manifest into `subfolder`; returns the library's path.
  std::string install(const std::string& name, const std::string& from = ".",
                      const std::string& subfolder = ".") {
    const fs::path target = fs::path(folder_.path()) / subfolder;
    fs::create_directories(target);
    for (const char* suffix : {".so", ".plugin.yaml"}) {
      const fs::path copy = target / (name + suffix);
      fs::copy_file(fs::path(AESWEEP_BAD_PLUGINS) / from / (name + suffix), copy,
                    fs::copy_options::overwrite_existing);
      EXPECT_EQ(::chmod(copy.c_str(), 0644), 0);
    }
    return (target / (name + ".so")).lexically_normal().string();
  }

  // Four steps in each of two epochs, every batch in two shards: one for each of two ranks. The
  // code's activation is each of `activations` in turn, trial 0 first.
  std::string experiment(const std::vector<std::string>& libraries,
                         const std::vector<std::string>& activations) {
    const auto list = [](const std::vector<std::string>& words) {
      std::string all;
      for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
      return "[" + all + "]";
    };
    return folder_.write("bad.yaml", R"(schema: 1
name: bad
data: {source: superposition, train_rows: 256, test_rows: 64, cols: 16, atoms: 16, active_mean: 2}
model:
  loss: mse
  layers:
    - {name: code, kind: dense, units: 16, activation: relu}
    - {name: decoder, kind: dense}
optimizer: {kind: adam, lr: 1.0e-3}
train: {epochs: 2, batch_rows: 64, shard_rows: 32, seed: 1}
resources: {ranks_per_trial: 2}
plugins: )" + list(libraries) + "\nparameters:\n  model.layers.code.activation: {values: " +
                                         list(activations) + "}\n");
  }

  Answer run(const std::string& yaml, int ranks = 2) {
    fs::remove_all(folder_.path("run"));
    const std::vector<std::string> arguments = {"run", yaml, "-o", folder_.path("run")};
    return ranks == 1 ? aesweep(arguments, kShortProbe)
                      : aesweep_on_ranks(ranks, arguments, kShortProbe);
  }

  [[nodiscard]] std::string log() const { return contents(folder_.path("run/run.log")); }

  TemporaryFolder folder_;
};

// Once, whatever the number of ranks.
void expect_once(const std::string& where, const std::string& words) {
  EXPECT_EQ(count_of(where, words), 1) << "expected once: " << words << "\nin: " << where;
}

struct Refused {
  const char* name;
  std::string words;
  int ranks = 1;  // Two ranks take two seconds longer: the launcher waits before it gives up.
};

TEST_F(BadPlugins, AreRefusedWhenTheyAreLoaded) {
  const std::string own = text(AESWEEP_ABI_MAJOR, ".", AESWEEP_ABI_MINOR);
  const std::string older = text(AESWEEP_ABI_MAJOR, ".", AESWEEP_ABI_MINOR - 1);
  const std::string newer = text(AESWEEP_ABI_MAJOR + 1, ".", AESWEEP_ABI_MINOR);
  const std::vector<Refused> table = {
      {"other_magic", "not an aesweep plugin: magic number 0x12345678"},
      {"newer_major", "built for plugin ABI " + newer + ", this program has " + own},
      {"older_minor", "built for plugin ABI " + older + ", this program has " + own},
      {"short_table", "component short_table lacks a function that every activation has"},
      {"null_member", "component null_member lacks a function that every activation has"},
      {"missing_symbol", "not an aesweep plugin: it exports no symbol aesweep_plugin"},
      {"unresolved_symbol", "undefined symbol: nobody_defines_this"},
      {"constructor_exits", "its constructor called exit(0)", 2},
      {"constructor_hangs", "its constructor did not return within 1 s", 2},
      {"constructor_crashes", "its constructor died of SIGSEGV"},
      {"never_returns",
       "its activation never_returns, called to see whether it is pure, did not "
       "return within 1 s"},
  };
  for (const Refused& bad : table) {
    SCOPED_TRACE(bad.name);
    const std::string library = install(bad.name);
    const std::string yaml = experiment({library}, {bad.name});
    const Answer answer = run(yaml, bad.ranks);
    EXPECT_EQ(answer.status, 3) << answer.err;
    expect_once(answer.err, "aesweep: " + yaml);
    expect_once(answer.err, library + ": " + bad.words);
    EXPECT_FALSE(fs::exists(folder_.path("run")));
  }
}

TEST_F(BadPlugins, AreRefusedByEveryCommandThatLoadsThem) {
  const std::string library = install("constructor_exits");
  const std::string yaml = experiment({library}, {"constructor_exits"});
  for (const Answer& answer : {aesweep({"plan", yaml}), aesweep({"plugins", library})}) {
    EXPECT_EQ(answer.status, 3) << answer.err;
    expect_once(answer.err, library + ": its constructor called exit(0)");
    EXPECT_EQ(answer.out, "");
  }
}

TEST_F(BadPlugins, FilesThatSomeoneElseCouldHaveMadeAreRefused) {
  const std::string library = install("good");
  const std::string manifest = contents(folder_.path("good.plugin.yaml"));

  ASSERT_EQ(::chmod(library.c_str(), 0666), 0);
  Answer answer = run(experiment({library}, {"good"}), 1);
  EXPECT_EQ(answer.status, 3) << answer.err;
  expect_once(answer.err, library + ": is writable by others than its owner; run chmod go-w");

  const std::string link = folder_.path("link.so");
  fs::create_symlink(library, link);
  folder_.write("link.plugin.yaml", manifest);
  answer = run(experiment({link}, {"good"}), 1);
  EXPECT_EQ(answer.status, 2) << answer.err;
  expect_once(answer.err, link + ": is a symbolic link to " + library);

  ASSERT_EQ(::chmod(library.c_str(), 0644), 0);
  const std::size_t level = manifest.find("cpu_level: \"");
  ASSERT_NE(level, std::string::npos) << manifest;
  folder_.write("good.plugin.yaml", manifest.substr(0, level) + "cpu_level: \"power9\"" +
                                        manifest.substr(manifest.find('\n', level)));
  answer = run(experiment({library}, {"good"}), 1);
  EXPECT_EQ(answer.status, 3) << answer.err;
  expect_once(answer.err, library + ": was built for the CPU level power9");
}

// The same path leads to another file on each rank: each starts in a folder of its own.
Answer run_with_different_files(const TemporaryFolder& folder, const std::string& yaml,
                                const std::vector<std::string>& options) {
  std::vector<std::string> line = {AESWEEP_MPIEXEC};
  for (const char* place : {"rank_0", "rank_1"}) {
    if (line.size() > 1) line.emplace_back(":");
    line.insert(line.end(),
                {AESWEEP_MPIEXEC_COUNT, "1", "-wdir", folder.path(place),
                 AESWEEP_BINARY_DIRECTORY "/bin/aesweep", "run", yaml, "-o", folder.path("run")});
    line.insert(line.end(), options.begin(), options.end());
  }
  return run_program(line);
}

TEST_F(BadPlugins, DifferentFilesOnTwoRanksAreRefusedOrMarked) {
  install("other_file", "rank_0", "rank_0");
  install("other_file", "rank_1", "rank_1");
  const std::string yaml = experiment({"/proc/self/cwd/other_file.so"}, {"other_file"});
  const std::string words = "plugin other_file differs: ";

  Answer answer = run_with_different_files(folder_, yaml, {});
  EXPECT_EQ(answer.status, 3) << answer.err;
  expect_once(answer.err, words);
  expect_once(answer.err, " on rank 0 (");
  expect_once(answer.err, " on rank 1 (");
  EXPECT_FALSE(fs::exists(folder_.path("run")));

  answer = run_with_different_files(folder_, yaml, {"--accept-mixed-nodes"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  expect_once(answer.err, "accepted, results are not reproducible: " + words);
  const RawFile results(folder_.path("run/results.h5"));
  EXPECT_EQ(results.text("/runtime/reproducible"), "0");
  EXPECT_EQ(results.numbers<std::int64_t>("/runtime/trials", "reproducible"),
            std::vector<std::int64_t>{0});
}

TEST_F(BadPlugins, AFileThatOneRankLacksIsRefusedWithTheRank) {
  install("other_file", "rank_0", "rank_0");
  fs::create_directory(folder_.path("rank_1"));
  const std::string yaml = experiment({"/proc/self/cwd/other_file.so"}, {"other_file"});
  const Answer answer = run_with_different_files(folder_, yaml, {});
  EXPECT_EQ(answer.status, 2) << answer.err;
  expect_once(answer.err, "aesweep: rank 1 on ");
  expect_once(answer.err, folder_.path("rank_1/other_file.so") + ": cannot be opened: No such");
}

struct Found {
  const char* name;
  const char* by;     // The case of the check.
  std::string words;  // Of its verdict.
};

// What a run cannot see, or not in time.
TEST_F(BadPlugins, AreFoundByTheCheck) {
  const std::vector<Found> table = {
      {"constructor_exits", "load", "loading ended the process with status 0"},
      {"writes_past_output", "shapes", "forward writes outside of y, into padding or neighbours"},
      {"writes_padding", "shapes", "forward writes outside of y, into padding or neighbours"},
      {"changes_rounding", "manners", "changes the floating-point mode (MXCSR 0x1f80 to 0x5f80)"},
      {"changes_flush_to_zero", "manners",
       "changes the floating-point mode (MXCSR 0x1f80 to 0x9fc0)"},
      {"prints_to_stdout", "manners", "forward: prints 8 bytes to stdout"},
      {"hidden_state", "purity", "the same shard again: y (0, 0) is"},
      {"wrong_gradient", "gradient", "differences of y give"},
      {"never_returns", "shapes", "forward of never_returns in f32 did not return within 1 s"},
  };
  for (const Found& bad : table) {
    SCOPED_TRACE(bad.name);
    const std::string library = install(bad.name);
    const Answer answer = aesweep({"plugin", "check", library, "--case", bad.by, "--seconds", "1"});
    EXPECT_EQ(answer.status, 1) << answer.err;
    EXPECT_NE(answer.out.find("FAIL  " + std::string(bad.by)), std::string::npos) << answer.out;
    EXPECT_NE(answer.out.find(bad.words), std::string::npos) << answer.out;
  }
}

TEST_F(BadPlugins, TheirGoodSiblingIsFoundGood) {
  const std::string library = install("good");
  Answer answer = aesweep({"plugin", "check", library});
  EXPECT_EQ(answer.status, 0) << answer.out << answer.err;
  answer = aesweep({"plugins", "good.so"}, {}, folder_.path());
  EXPECT_EQ(answer.status, 0) << answer.err;
  expect_once(answer.out, library);
  answer = run(experiment({library}, {"good"}), 1);
  EXPECT_EQ(answer.status, 0) << answer.err;
  const RawFile results(folder_.path("run/results.h5"));
  EXPECT_EQ(results.text("/runtime/reproducible"), "1");
  EXPECT_EQ(results.text("/runtime/impure_plugins"), "");
}

struct Outcome {
  const char* name;
  const char* outcome;
  int rank;  // On which it fails.
  std::string words;
};

// One sweep of good and bad trials.
TEST_F(BadPlugins, StopTheirOwnTrialOnly) {
  const std::vector<Outcome> table = {
      {"throws", "failed", 1,
       "throws (plugin throws), forward: internal failure: an exception left the plugin: too many"},
      {"error_without_text", "failed", 1,
       "error_without_text (plugin error_without_text), forward: numeric failure: the plugin gave "
       "no reason"},
      {"changes_rounding", "failed", 0,
       "changes_rounding (plugin changes_rounding), forward: changed the floating-point mode "
       "(MXCSR is 0x5f80, not 0x1f80, rounding)"},
      {"changes_flush_to_zero", "failed", 0,
       "changes_flush_to_zero (plugin changes_flush_to_zero), forward: changed the floating-point "
       "mode (MXCSR is 0x9fc0, not 0x1f80, flush to zero)"},
      {"returns_nan", "diverged", -1, "the output of layer code is not finite"},
      {"relu", "completed", -1, ""},
  };
  std::vector<std::string> libraries;
  std::vector<std::string> names = {"relu"};
  for (const Outcome& bad : table) {
    names.emplace_back(bad.name);
    if (std::string("relu") != bad.name) libraries.push_back(install(bad.name));
  }
  names.back() = "tanh";  // The last trial is a good one, too.

  const Answer answer = run(experiment(libraries, names));
  EXPECT_EQ(answer.status, 1) << answer.err;
  EXPECT_EQ(count_of(answer.out, "completed"), 2) << answer.out;
  for (std::size_t i = 0; i + 1 < table.size(); ++i) {
    SCOPED_TRACE(table[i].name);
    if (table[i].outcome == std::string("failed")) {
      const bool late = table[i].rank == 1;
      const std::string place = text("rank ", table[i].rank, ": code, step ", late ? 6 : 0);
      EXPECT_NE(log().find(text("trial ", i + 1, " (activation=", table[i].name, ") failed")),
                std::string::npos);
      EXPECT_NE(answer.out.find(text("trial ", i + 1, " failed: ", place)), std::string::npos)
          << answer.out;
    }
    expect_once(answer.out, table[i].words);
    expect_once(answer.err, table[i].words);
    expect_once(log(), table[i].words);
    EXPECT_NE(answer.out.find(text("trial ", i + 1, " ", table[i].outcome, ": ")),
              std::string::npos)
        << answer.out;
  }
  const RawFile results(folder_.path("run/results.h5"));
  EXPECT_EQ(results.numbers<std::int64_t>("/trials", "id").size(), names.size());
}

TEST_F(BadPlugins, AFailedTrialIsStatusOneWithoutALauncher) {
  const Answer answer = run(experiment({install("throws")}, {"throws", "relu"}), 1);
  EXPECT_EQ(answer.status, 1) << answer.err;
  EXPECT_EQ(count_of(answer.out, "completed"), 1) << answer.out;
  expect_once(answer.out, "trial 0 failed: rank 0: ");
}

TEST_F(BadPlugins, OneThatGivesNaNOnlyDiverges) {
  const Answer answer = run(experiment({install("returns_nan")}, {"returns_nan"}));
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_NE(answer.out.find("trial 0 diverged: "), std::string::npos) << answer.out;
}

TEST_F(BadPlugins, OneThatCrashesEndsTheJobAndIsNamed) {
  const std::string library = install("segfaults_at_step");
  const Answer answer = run(experiment({library}, {"relu", "segfaults_at_step", "tanh"}));
  EXPECT_NE(answer.status, 0);
  expect_once(answer.err, "aesweep: rank 1: SIGSEGV in activation segfaults_at_step (" + library +
                              "), forward, layer code, trial 1, step 6; the job ends\n");
  EXPECT_FALSE(fs::exists(folder_.path("run/results.h5")));
}

TEST_F(BadPlugins, OneThatCrashesInAThreadOfItsOwnIsNamed) {
  const std::string library = install("crashes_in_thread");
  const Answer answer = run(experiment({library}, {"crashes_in_thread"}), 1);
  EXPECT_EQ(answer.status, 139) << answer.err;
  expect_once(answer.err,
              "aesweep: rank 0: SIGSEGV in another thread, while activation "
              "crashes_in_thread (" +
                  library + "), forward, layer code, trial 0, step 6 was running; the job ends\n");
}

TEST_F(BadPlugins, OneThatExitsInTheMiddleOfARunIsNamedAndNoSuccess) {
  for (const auto& [name, function] :
       {std::pair("exits_at_step", "exit"), std::pair("leaves_at_step", "_exit")}) {
    const std::string library = install(name);
    const std::string yaml = experiment({library}, {"relu", name, "tanh"});
    for (const int ranks : {1, 2}) {
      SCOPED_TRACE(text(name, " on ", ranks));
      const Answer answer = run(yaml, ranks);
      EXPECT_EQ(answer.status, 3) << answer.err;
      expect_once(answer.err, text("aesweep: rank ", ranks - 1, ": ", function,
                                   "() was called in activation ", name, " (", library,
                                   "), forward, layer code, trial 1, step 6; the job ends\n"));
      EXPECT_FALSE(fs::exists(folder_.path("run/results.h5")));
    }
  }
}

TEST_F(BadPlugins, OneWithHiddenStateMarksItsTrialsAndNoOthers) {
  const std::string library = install("hidden_state");
  const Answer answer = run(experiment({library}, {"hidden_state", "relu"}));
  EXPECT_EQ(answer.status, 0) << answer.err;
  const std::string words =
      "plugin hidden_state (" + library + ") is not pure: activation " + "hidden_state: ";
  expect_once(answer.err, words);
  expect_once(log(), words);
  const RawFile results(folder_.path("run/results.h5"));
  EXPECT_EQ(results.text("/runtime/reproducible"), "0");
  EXPECT_TRUE(results.text("/runtime/impure_plugins").starts_with("hidden_state: activation "));
  EXPECT_EQ(results.numbers<std::int64_t>("/runtime/trials", "reproducible"),
            (std::vector<std::int64_t>{0, 1}));
}

}  // namespace
}  // namespace aesweep
