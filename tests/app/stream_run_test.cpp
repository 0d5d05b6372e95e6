// Proves that samples that stay in their file (`data.storage: stream`) give the results of the same
// samples in memory, bit for bit: on 1, 2 and 3 ranks, and where all ranks were killed in the
// middle of an epoch and another number of ranks went on; by running the program on a .npy file
// with splits of odd sizes, labels and an evaluation of hashes.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "runner/journal/records.hpp"
#include "tests/app/journal_records.hpp"
#include "tests/app/program.hpp"
#include "tests/support/h5_compare.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr int kRows = 2311;
constexpr int kCols = 29;
constexpr int kStepsPerEpoch = 30;  // 1801 samples in batches of 61: the last one has 32.

// Blocks of 37 rows in pools of 301, so of 8 blocks: 49 blocks, the last one of 25 rows; 7 pools.
// A checkpoint every 31 steps is never at the end of one of 20 epochs of 30 steps.
constexpr const char* kExperiment = R"(schema: 1
name: stream
data:
  source: files
  path: samples.npy
  labels: labels.npy
  split: {train: [0, 1801], validation: [1801, 2012], test: [2012, 2311]}
  block_rows: 37
  pool_rows: 301
model:
  loss: mse
  layers:
    - {name: code, kind: dense, units: 11, activation: relu}
    - {name: out, kind: dense}
optimizer: {kind: adam, lr: 1.0e-2}
train: {epochs: 2, batch_rows: 61, seed: 5}
checkpoint: {every: 31 steps}
evaluate:
  codes: {binarize: [zero, mean, median, itq], queries: 101, database: 1733}
parameters:
  optimizer.lr: {values: [1.0e-2, 3.0e-3]}
)";

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The bytes of a .npy file, version 1.0, with `elements` in C order.
template <class T>
std::string npy(const std::string& type, const std::string& shape, const std::vector<T>& elements) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  header += '\n';
  const std::string start("\x93NUMPY\x01\x00\x76\x00", 10);  // 118 bytes of header: 128 in all.
  const char* bytes = reinterpret_cast<const char*>(elements.data());
  return start + header + std::string(bytes, elements.size() * sizeof(T));
}

class StreamRun : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<float> samples;
    std::vector<std::int32_t> labels;
    std::uint32_t state = 1;  // A linear congruential generator: Numerical Recipes' "ranqd1".
    const auto draw = [&state] { return state = state * 1664525U + 1013904223U; };
    for (int row = 0; row < kRows; ++row) {
      labels.push_back(static_cast<std::int32_t>(draw() >> 16) % 7);
      for (int col = 0; col < kCols; ++col) {
        const float noise = static_cast<float>(draw() >> 8) * 0x1p-24F;
        samples.push_back(col % 7 == labels.back() ? noise + 0.5F : 0.5F * noise);
      }
    }
    folder_.write("samples.npy", npy("<f4", "(2311, 29)", samples));
    folder_.write("labels.npy", npy("<i4", "(2311,)", labels));
    yaml_ = folder_.write("stream.yaml", kExperiment);
  }

  [[nodiscard]] std::vector<std::string> arguments(const std::string& name,
                                                   const std::vector<std::string>& sets) const {
    std::vector<std::string> all = {"run", yaml_, "-o", folder_.path(name)};
    for (const std::string& set : sets) all.insert(all.end(), {"--set", set});
    return all;
  }
  void run(int ranks, const std::string& name, std::vector<std::string> sets,
           const std::vector<std::string>& more = {}) const {
    sets.push_back("resources.ranks_per_trial=" + std::to_string(ranks));
    std::vector<std::string> all = arguments(name, sets);
    all.insert(all.end(), more.begin(), more.end());
    const Answer answer = aesweep_on_ranks(ranks, all);
    ASSERT_EQ(answer.status, 0) << answer.err;
    ASSERT_EQ(count_of(answer.out, "completed"), 2) << answer.out;
  }
  void expect_same(const std::string& left, const std::string& right) const {
    // What was asked for is there as it was written: `data.storage=stream`.
    const Comparison compared =
        compare_h5(folder_.path(left + "/results.h5"), folder_.path(right + "/results.h5"),
                   {"/runtime", "/config/overrides"});
    EXPECT_TRUE(compared.equal) << right << ": " << compared.difference;
    for (const char* trial : {"/trials/000000.1.h5", "/trials/000001.1.h5"}) {
      const std::string bytes = contents(folder_.path(left + trial));
      EXPECT_FALSE(bytes.empty());
      EXPECT_TRUE(bytes == contents(folder_.path(right + trial))) << right << trial;
    }
  }
  template <class T>
  [[nodiscard]] std::vector<T> records(const std::string& name) const {
    return records_in<T>(folder_.path(name + "/journal"));
  }
  void kill_in_mid_epoch(const std::string& name) const;

  TemporaryFolder folder_;
  std::string yaml_;
};

TEST_F(StreamRun, GivesTheResultsOfMemoryOnAnyRanks) {
  run(1, "memory", {"data.storage=memory"});
  const std::vector<TrialFinished> finished = records<TrialFinished>("memory");
  ASSERT_EQ(finished.size(), 2U);
  std::string metrics;
  for (const auto& [metric, value] : finished.front().last) metrics += metric + "\n";
  for (const char* metric : {"validation/mse\n", "test/mse\n", "codes/itq/map\n"}) {
    EXPECT_EQ(count_of(metrics, metric), 1) << metric << metrics;
  }
  for (const int ranks : {1, 2, 3}) {
    const std::string name = "stream_" + std::to_string(ranks);
    run(ranks, name, {"data.storage=stream"});
    expect_same("memory", name);
  }
  run(2, "memory_2", {"data.storage=memory"});
  expect_same("memory", "memory_2");
}

// Without this, the comparison above could not fail.
TEST_F(StreamRun, OtherPoolsGiveOtherResults) {
  run(1, "one", {"data.storage=stream"});
  run(1, "two", {"data.storage=stream", "data.pool_rows=338"});
  const std::vector<TrialFinished> one = records<TrialFinished>("one");
  const std::vector<TrialFinished> two = records<TrialFinished>("two");
  ASSERT_FALSE(one.empty() || two.empty());
  EXPECT_NE(one.front().last, two.front().last);
}

// Runs on two ranks, each of which says who it is by an empty file, and kills both after a few
// checkpoints.
void StreamRun::kill_in_mid_epoch(const std::string& name) const {
  const std::string ranks = folder_.path(name + "_ranks");
  fs::create_directory(ranks);
  std::vector<std::string> all = {AESWEEP_MPIEXEC,
                                  AESWEEP_MPIEXEC_COUNT,
                                  "2",
                                  "/bin/sh",
                                  "-c",
                                  ": > \"$0/$$\"; exec \"$@\"",
                                  ranks,
                                  AESWEEP_BINARY_DIRECTORY "/bin/aesweep"};
  const std::vector<std::string> own =
      arguments(name, {"data.storage=stream", "train.epochs=20", "resources.ranks_per_trial=2"});
  all.insert(all.end(), own.begin(), own.end());
  Answer answer;
  std::thread job([&] { answer = run_program(all); });
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (records<CheckpointWritten>(name).size() < 3 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(2ms);
  }
  int killed = 0;
  for (const auto& rank : fs::directory_iterator(ranks)) {
    if (::kill(std::stoi(rank.path().filename()), SIGKILL) == 0) ++killed;
  }
  job.join();
  EXPECT_EQ(killed, 2);
  EXPECT_NE(answer.status, 0);
}

TEST_F(StreamRun, GoesOnFromTheMiddleOfAnEpochOnOtherRanks) {
  run(1, "memory", {"data.storage=memory", "train.epochs=20"});
  if (HasFatalFailure()) return;
  kill_in_mid_epoch("killed");
  const std::vector<CheckpointWritten> checkpoints = records<CheckpointWritten>("killed");
  ASSERT_GE(checkpoints.size(), 3U);
  EXPECT_NE(checkpoints.back().step % kStepsPerEpoch, 0) << checkpoints.back().step;
  EXPECT_LT(records<TrialFinished>("killed").size(), 2U);
  for (const int ranks : {1, 3}) {
    const std::string name = "resumed_" + std::to_string(ranks);
    fs::copy(folder_.path("killed"), folder_.path(name), fs::copy_options::recursive);
    run(ranks, name, {"data.storage=stream", "train.epochs=20"}, {"--resume"});
    expect_same("memory", name);
  }
}

}  // namespace
}  // namespace aesweep
