// Proves what right calls of `run` and of the commands on run folders come out as: a table of
// command lines. Wrong ones are in command_line_test.
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "runner/app/command_line.hpp"
#include "runner/app/version.hpp"

namespace aesweep {

// Stands for the program's, which looks into every library.
std::string version_text() { return "version"; }

namespace {

using Words = std::vector<std::string>;

Command parse(const Words& words) {
  std::vector<const char*> argv = {"aesweep"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse_command_line(static_cast<int>(argv.size()), argv.data());
}

RunOptions run(Words words) {
  words.insert(words.begin(), {"run", "a.yaml"});
  const Command command = parse(words);
  EXPECT_TRUE(std::holds_alternative<RunOptions>(command));
  const auto* options = std::get_if<RunOptions>(&command);
  return options == nullptr ? RunOptions() : *options;
}

TEST(Options, HowARunStarts) {
  struct Case {
    Words words;
    StartMode start;
    bool rerun;
  };
  const std::vector<Case> table = {
      {{}, StartMode::kNew, false},
      {{"--resume"}, StartMode::kResume, false},
      {{"--resume=auto"}, StartMode::kAuto, false},
      {{"--extend"}, StartMode::kExtend, false},
      {{"--rerun", "failed"}, StartMode::kResume, true},
      {{"--rerun=failed"}, StartMode::kResume, true},
      {{"--resume", "--rerun", "failed"}, StartMode::kResume, true},
      {{"--resume=auto", "--rerun", "failed"}, StartMode::kAuto, true},
      {{"--extend", "--rerun", "failed"}, StartMode::kExtend, true},
  };
  for (const Case& c : table) {
    SCOPED_TRACE(c.words.empty() ? "" : c.words.front());
    const RunOptions options = run(c.words);
    EXPECT_EQ(options.start, c.start);
    EXPECT_EQ(options.rerun_failed, c.rerun);
    EXPECT_EQ(options.experiment.path, "a.yaml");
    EXPECT_FALSE(options.supervised);
    EXPECT_FALSE(options.search_crash);
    EXPECT_FALSE(options.accept_numerics);
  }
}

TEST(Options, WhatRunsAgain) {
  const RunOptions options = run({"--rerun", "damaged"});
  EXPECT_EQ(options.start, StartMode::kResume);
  EXPECT_TRUE(options.rerun_damaged);
  EXPECT_FALSE(options.rerun_failed);
  EXPECT_FALSE(run({"--rerun", "failed"}).rerun_damaged);
}

TEST(Options, WhatASupervisorTellsItsJobs) {
  const RunOptions options =
      run({"--resume=auto", "--supervised", "--search-crash", "--accept-numerics"});
  EXPECT_TRUE(options.supervised);
  EXPECT_TRUE(options.search_crash);
  EXPECT_TRUE(options.accept_numerics);
}

// The jobs get everything but what says how they start.
TEST(Options, SuperviseRebuildsTheLineForItsJobs) {
  const Command command = parse({"run",
                                 "--supervise",
                                 "--set",
                                 "train.epochs=2",
                                 "-n",
                                 "3",
                                 "a.yaml",
                                 "--launcher",
                                 "srun -K1",
                                 "--set",
                                 "name=b",
                                 "-o",
                                 "out folder",
                                 "--data-dir",
                                 "d",
                                 "--extend",
                                 "--rerun",
                                 "failed",
                                 "--accept-mixed-nodes",
                                 "--accept-numerics"});
  const auto* options = std::get_if<SuperviseOptions>(&command);
  ASSERT_NE(options, nullptr);
  EXPECT_EQ(options->ranks, 3);
  EXPECT_EQ(options->launcher, "srun -K1");
  EXPECT_EQ(options->run.start, StartMode::kExtend);
  EXPECT_TRUE(options->run.rerun_failed);
  EXPECT_EQ(options->run.folder, "out folder");
  EXPECT_EQ(options->arguments,
            (Words{"run", "a.yaml", "--data-dir", "d", "--set", "train.epochs=2", "--set", "name=b",
                   "-o", "out folder", "--accept-mixed-nodes", "--accept-numerics"}));
  const Command plain = parse({"run", "--supervise", "a.yaml"});
  const auto* least = std::get_if<SuperviseOptions>(&plain);
  ASSERT_NE(least, nullptr);
  EXPECT_EQ(least->ranks, 1);
  EXPECT_EQ(least->launcher, "mpirun");
  EXPECT_EQ(least->arguments, (Words{"run", "a.yaml"}));
}

TEST(Options, CommandsOnRunFolders) {
  const Command status = parse({"status", "runs/a", "--json"});
  ASSERT_TRUE(std::holds_alternative<StatusOptions>(status));
  EXPECT_EQ(std::get<StatusOptions>(status).folder, "runs/a");
  EXPECT_TRUE(std::get<StatusOptions>(status).json);
  EXPECT_FALSE(std::get<StatusOptions>(status).watch);
  EXPECT_TRUE(std::get<StatusOptions>(parse({"status", "--watch", "runs/a"})).watch);
  EXPECT_EQ(std::get<ValidateOptions>(parse({"validate", "runs/a"})).folder, "runs/a");
  EXPECT_EQ(std::get<RebuildOptions>(parse({"rebuild", "runs/a"})).folder, "runs/a");
}

}  // namespace
}  // namespace aesweep
