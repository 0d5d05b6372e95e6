// `aesweep run --supervise` with real jobs on two ranks: a plugin that crashes costs its own trial
// and nothing else, and whoever is killed, the results are those of a run that nobody disturbed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/text.hpp"
#include "runner/journal/records.hpp"
#include "tests/app/journal_records.hpp"
#include "tests/app/program.hpp"
#include "tests/support/h5_compare.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Process {
  pid_t parent = 0;  // 0: there is no such process.
  bool ended = true;
};

// From /proc/PID/stat: "id (name) state parent ...".
Process process(const std::string& pid) {
  const std::string stat = contents("/proc/" + pid + "/stat");
  std::istringstream rest(stat.substr(stat.rfind(')') + 1));
  std::string state;
  Process found;
  rest >> state >> found.parent;
  found.ended = state.empty() || state == "Z";
  return found;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const Process one = process(name);
    if (one.parent == parent && !one.ended) found.push_back(std::stoi(name));
  }
  return found;
}

void end(pid_t pid) {
  ASSERT_GT(pid, 1) << "there is no such process";  // 0 and -1 would be others.
  EXPECT_EQ(::kill(pid, SIGKILL), 0);
}

class SupervisedRun : public testing::Test {
 protected:
  std::string install(const std::string& name) {
    for (const char* suffix : {".so", ".plugin.yaml"}) {
      const std::string copy = folder_.path(name + suffix);
      fs::copy_file(std::string(AESWEEP_BAD_PLUGINS "/") + name + suffix, copy);
      EXPECT_EQ(::chmod(copy.c_str(), 0644), 0);
    }
    return folder_.path(name + ".so");
  }
  std::string experiment(const std::string& name, const std::string& plugin,
                         const std::string& activations, int epochs) {
    return folder_.write(name, text(R"(schema: 1
name: supervised
data: {source: superposition, train_rows: 256, test_rows: 64, cols: 16, atoms: 16, active_mean: 2}
model:
  loss: mse
  layers:
    - {name: code, kind: dense, units: 16, activation: relu}
    - {name: decoder, kind: dense}
optimizer: {kind: adam, lr: 1.0e-3}
train: {epochs: )",
                                    epochs, R"(, batch_rows: 64, shard_rows: 32, seed: 1}
resources: {ranks_per_trial: 2}
checkpoint: {every: 50 steps}
plugins: [)",
                                    plugin, R"(]
parameters:
  model.layers.code.activation: {values: )",
                                    activations, "}\n"));
  }

  [[nodiscard]] std::vector<std::string> supervise(const std::string& yaml) const {
    return {"run", yaml, "-o", folder_.path("run"), "--supervise", "-n", "2"};
  }
  template <class T>
  [[nodiscard]] std::vector<T> records() const {
    return records_in<T>(folder_.path("run/journal"));
  }
  // False: it takes too long.
  [[nodiscard]] bool wait_for_checkpoints(std::size_t count) const {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < end) {
      if (records<CheckpointWritten>().size() >= count) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }

  TemporaryFolder folder_;
};

TEST_F(SupervisedRun, APluginThatCrashesCostsItsOwnTrialAndNothingElse) {
  const std::string library = install("segfaults_at_step");
  const std::string yaml = experiment("crash.yaml", library, "[relu, segfaults_at_step, tanh]", 3);
  const Answer answer = aesweep(supervise(yaml));
  EXPECT_EQ(answer.status, 1) << answer.err;
  const std::string what =
      "SIGSEGV in activation segfaults_at_step (" + library + "), forward, layer code, step 6";
  EXPECT_EQ(count_of(answer.err, "rank 1, trial 1: " + what + "; restart "), 2) << answer.err;
  EXPECT_EQ(count_of(answer.err, "; restart "), 2) << answer.err;
  EXPECT_EQ(records<TrialCrashed>().size(), 2U);
  int completed = 0;
  for (const TrialFinished& trial : records<TrialFinished>()) {
    if (trial.outcome == Outcome::kCompleted) ++completed;
    if (trial.outcome != Outcome::kFailed) continue;
    EXPECT_EQ(trial.number, 1);
    EXPECT_EQ(trial.reason, "crashed in two jobs: SIGSEGV in activation segfaults_at_step");
  }
  EXPECT_EQ(completed, 2);

  // The same sweep with an innocent plugin in its place.
  const std::string other = experiment("fine.yaml", install("good"), "[relu, good, tanh]", 3);
  ASSERT_EQ(aesweep({"run", other, "-o", folder_.path("fine")}).status, 0);
  for (const char* trial : {"trials/000000.1.h5", "trials/000002.1.h5"}) {
    const std::string bytes = contents(folder_.path("run") + "/" + trial);
    EXPECT_FALSE(bytes.empty());
    EXPECT_TRUE(bytes == contents(folder_.path("fine") + "/" + trial)) << trial;
  }
}

// The launcher first, then a rank, each after a checkpoint of its own.
TEST_F(SupervisedRun, WhoeverIsKilledTheResultsAreTheSame) {
  const std::string yaml = experiment("long.yaml", "", "[relu, tanh]", 200);
  ASSERT_EQ(aesweep_on_ranks(2, {"run", yaml, "-o", folder_.path("alone")}).status, 0);
  Answer answer;
  std::thread run([&] { answer = aesweep(supervise(yaml)); });
  // The program is this process's only child, the launcher is its, the ranks are the launcher's.
  const auto only_child = [](pid_t parent) {
    const std::vector<pid_t> found = children_of(parent);
    return found.empty() ? 0 : found.front();
  };
  EXPECT_TRUE(wait_for_checkpoints(1));
  const pid_t launcher = only_child(only_child(::getpid()));
  const std::vector<pid_t> ranks = children_of(launcher);
  EXPECT_EQ(ranks.size(), 2U);
  end(launcher);
  EXPECT_TRUE(wait_for_checkpoints(4));
  const std::vector<pid_t> later = children_of(only_child(only_child(::getpid())));
  EXPECT_EQ(later.size(), 2U);
  for (const pid_t rank : ranks) {
    EXPECT_TRUE(process(std::to_string(rank)).ended) << "rank " << rank << " is an orphan";
  }
  end(later.empty() ? 0 : later.back());
  run.join();
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(count_of(answer.err, "aesweep: the launcher was ended by SIGKILL; restart 1"), 1)
      << answer.err;
  EXPECT_EQ(count_of(answer.err, "; restart 2"), 1) << answer.err;
  EXPECT_EQ(records<TrialCrashed>().size(), 0U);
  const Comparison same =
      compare_h5(folder_.path("run/results.h5"), folder_.path("alone/results.h5"));
  EXPECT_TRUE(same.equal) << same.difference;
}

}  // namespace
}  // namespace aesweep
