// Proves that a trial whose splits are streamed from files has the bits of one whose splits are in
// memory in the same order of blocks, on any number of ranks and after it was left in the middle of
// an epoch; and that a file which has changed or can no longer be read ends the trial with the
// reason: in training and evaluation on all ranks alike, in taking samples on the rank that does.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/data/stream_file.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/probe_components.hpp"
#include "tests/train/scripted_control.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 7;
constexpr std::int64_t kTrainRows = 101;
constexpr std::int64_t kTestRows = 23;
constexpr std::int64_t kValidationRows = 17;
constexpr std::size_t kRowBytes = kCols * sizeof(float);

// Three splits of f32, in memory and in a file each.
class TwoForms {
 public:
  TwoForms() {
    add(memory_.train, streamed_.train, "train", kTrainRows);
    add(memory_.test, streamed_.test, "test", kTestRows);
    add(memory_.validation, streamed_.validation, "validation", kValidationRows);
  }

  [[nodiscard]] const Dataset& memory() const { return memory_; }
  [[nodiscard]] const Dataset& streamed() const { return streamed_; }
  void cut(const std::string& split, std::int64_t rows) const {
    std::filesystem::resize_file(folder_.path(split),
                                 static_cast<std::uintmax_t>(rows) * kRowBytes);
  }

 private:
  void add(Split& memory, Split& streamed, const std::string& name, std::int64_t rows) {
    std::vector<float>& values = values_.emplace_back();
    for (std::int64_t i = 0; i < rows * kCols; ++i) {
      values.push_back(static_cast<float>(
          0.5 + 0.5 * std::sin(1.3 * static_cast<double>(rows + i * (i + 5) % 211))));
    }
    memory.rows = rows;
    memory.cols = kCols;
    memory.scale = 0.75;
    memory.variation = 1.0;  // Only divided by.
    memory.block_rows = 6;
    memory.pool_rows = 20;
    memory.labels = labels_.data();
    streamed = memory;
    memory.samples = reinterpret_cast<const std::byte*>(values.data());
    folder_.write(name, std::as_bytes(std::span(values)));
    auto file = StreamFile::open(folder_.path(name), 0, kRowBytes, rows);
    AESWEEP_CHECK(file.ok(), file.status().message());
    streamed.stream = std::make_shared<StreamFile>(std::move(file).value());
  }

  TemporaryFolder folder_;
  std::vector<std::int32_t> labels_ = std::vector<std::int32_t>(kTrainRows, 1);
  std::vector<std::vector<float>> values_;
  Dataset memory_;
  Dataset streamed_;
};

TrialSpec base() {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", 5, "tanh"), dense("output", 0, "")};
  spec.optimizer = {"adam", {{"lr", 0.01}}};
  spec.train.epochs = 3;
  spec.train.batch_rows = 13;
  spec.train.shard_rows = 4;
  spec.train.seed = 4;
  spec.record.samples = 9;
  return spec;
}

TEST(StreamedTrial, HasTheBitsOfOneInMemoryOnAnyRanks) {
  const TwoForms data;
  for (const bool shuffle : {true, false}) {
    TrialSpec spec = base();
    spec.train.shuffle = shuffle;
    const TrialResult memory = run_group(spec, probe_catalogue(), data.memory(), 1);
    ASSERT_EQ(memory.outcome, Outcome::kCompleted) << memory.reason;
    EXPECT_EQ(memory.samples.size(), 3U);
    // More ranks than a batch has shards, too.
    for (int ranks = 1; ranks <= 5; ++ranks) {
      const TrialResult streamed = run_group(spec, probe_catalogue(), data.streamed(), ranks);
      expect_same_bits(memory, streamed);
      EXPECT_EQ(streamed.sample_labels, memory.sample_labels);
    }
  }
}

// By blocks is another order than over the whole split.
TEST(StreamedTrial, GoesByTheOrderOfBlocks) {
  const TwoForms data;
  Dataset whole = data.memory();
  whole.train.block_rows = whole.train.pool_rows = 0;
  const TrialResult a = run_group(base(), probe_catalogue(), data.memory(), 1);
  const TrialResult b = run_group(base(), probe_catalogue(), whole, 1);
  EXPECT_FALSE(a.weights_final[0].bytes == b.weights_final[0].bytes);
}

TEST(StreamedTrial, GoesOnInTheMiddleOfAnEpoch) {
  const TwoForms data;
  const TrialResult undisturbed = run_group(base(), probe_catalogue(), data.memory(), 1);
  // Within an epoch, and after its last step.
  for (const std::int64_t step : {11, 16}) {
    std::vector<Seen> seen(2);
    const auto leaving = [&](int rank) {
      return std::make_unique<ScriptedControl>(
          seen[static_cast<std::size_t>(rank)], [step](const StepReport& report) {
            return report.steps == step ? kControlInterrupt : kControlGoOn;
          });
    };
    ASSERT_EQ(run_group(base(), probe_catalogue(), data.streamed(), 2, leaving, nullptr).outcome,
              Outcome::kInterrupted);
    const auto quiet = [](int) { return std::make_unique<TrialControl>(); };
    expect_same_bits(undisturbed, run_group(base(), probe_catalogue(), data.streamed(), 3, quiet,
                                            &seen[0].states.front()));
  }
}

// Every rank must come back, with one reason: run_group compares them.
TEST(StreamedTrial, AFileThatCannotBeReadIsTheReasonOnAllRanks) {
  for (int ranks = 1; ranks <= 3; ++ranks) {
    for (const auto& [split, rows, where] :
         {std::tuple("train", kTrainRows, "data, step "),
          {"validation", kValidationRows, "data, evaluation batch "},
          {"test", kTestRows, "data, evaluation batch "}}) {
      const TwoForms data;
      data.cut(split, rows - 1);
      const TrialResult result = run_group(base(), probe_catalogue(), data.streamed(), ranks);
      EXPECT_EQ(result.outcome, Outcome::kFailed);
      EXPECT_TRUE(result.reason.starts_with(where)) << result.reason;
      EXPECT_NE(result.reason.find(split), std::string::npos) << result.reason;
    }
  }
}

// Cuts the test file when the last epoch is over.
class CutAtTheEnd final : public TrialControl {
 public:
  explicit CutAtTheEnd(const TwoForms& data) : data_(data) {}
  void epoch_done(const EpochReport& report) override {
    if (report.epoch == report.epochs) data_.cut("test", 1);
  }

 private:
  const TwoForms& data_;
};

TEST(StreamedTrial, SamplesThatCannotBeReadFailTheTrial) {
  const TwoForms data;
  CutAtTheEnd control(data);
  SoloExchange alone;
  const TrialResult result = run_trial(base(), probe_catalogue(), data.streamed(), alone, control);
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_NE(result.reason.find("test"), std::string::npos) << result.reason;
}

}  // namespace
}  // namespace aesweep::test
