// Proves that a checkpoint gives back every bit of its record, that its bytes depend on the record
// alone, whichever way they were written, and that no disk leaves half of one.
#include "runner/store/checkpoint_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "tests/store/limited_child.hpp"
#include "tests/store/raw_hdf5.hpp"
#include "tests/store/sample_trials.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t files_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
}

// All numbers of a record as text, doubles by their bits: what must not change.
std::string shown(const CheckpointRecord& record) {
  const auto bits = [](double value) {
    std::uint64_t word = 0;
    std::memcpy(&word, &value, sizeof word);
    return text(std::hex, word, " ");
  };
  const TrialState& state = record.state;
  std::string all = text(record.number, " ", record.key, " ", record.numeric_fingerprint, " ",
                         state.epochs, " ", state.steps, " ", state.batches, "\n");
  for (const HistoryRow& row : state.history) {
    all += text(row.epoch, " ", row.step, " ", row.metric, " ") + bits(row.value);
  }
  all += text("\n", state.sums.rows, " ") + bits(state.sums.error) + bits(state.sums.code_sum);
  for (const double term : state.sums.terms) all += bits(term);
  for (const std::uint64_t count : state.sums.unit_counts) all += text(count, " ");
  for (const FlipCount& flip : state.sums.flips) {
    all += text(flip.changed, "/", flip.compared, " ");
  }
  for (const NamedTensor& tensor : state.tensors) {
    all += text("\n", tensor.name, " ", static_cast<int>(tensor.scalar), ":");
    for (const std::int64_t dim : tensor.shape) all += text(" ", dim);
    all += " " + sha256_hex(tensor.bytes);
  }
  return all;
}

CheckpointRecord sample_checkpoint() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  CheckpointRecord record;
  record.number = 12;
  record.key = "a-key";
  record.numeric_fingerprint = "a fingerprint of any length";
  TrialState& state = record.state;
  state.epochs = 2;
  state.steps = 87;
  state.batches = 13;
  double strange = 0;  // A NaN with a payload and a sign.
  const std::uint64_t word = 0xfff4dead0000beef;
  std::memcpy(&strange, &word, sizeof strange);
  state.history = {{0, 0, 0, NAN}, {1, 37, 0, kInfinity}, {1, 37, 1, strange}, {2, 74, 0, -0.0}};
  state.sums.rows = (std::int64_t{1} << 53) + 1;
  state.sums.terms = {0.1, -kInfinity, NAN, 5e-324};
  state.sums.error = -0.0;
  state.sums.code_sum = 1.0 / 3;
  state.sums.unit_counts = {0, 1, std::numeric_limits<std::uint64_t>::max()};
  state.sums.flips = {{1, 2}, {std::numeric_limits<std::uint64_t>::max(), 1}};
  // Names that results.h5 would store as one, a scalar, an empty one.
  state.tensors = {counting_tensor("code/weights", {7, 3}, Scalar::kF32, 0.5),
                   counting_tensor("code.weights", {3}, Scalar::kF32, 7),
                   counting_tensor("code/weights/optimizer/0", {7, 3}, Scalar::kF64, 1),
                   counting_tensor("norm/steps", {}, Scalar::kF64, 9),
                   counting_tensor("none", {0, 5}, Scalar::kF32, 0),
                   counting_tensor("a/code/weights/image", {2, 3, 4}, Scalar::kF32, -3)};
  return record;
}

TEST(CheckpointFile, RoundTrip) {
  const TemporaryFolder folder;
  for (const bool empty : {false, true}) {
    const CheckpointRecord record = empty ? CheckpointRecord() : sample_checkpoint();
    const std::string path = folder.path(empty ? "empty" : "full");
    Result<FileFacts> facts = write_checkpoint(path, record);
    ASSERT_TRUE(facts.ok()) << facts.status().message();
    EXPECT_EQ(facts->bytes, fs::file_size(path));
    EXPECT_EQ(facts->sha256, *sha256_file(path));
    for (const std::uint64_t way : {kImageBytesMax, std::uint64_t{0}}) {
      Result<CheckpointRecord> back = read_checkpoint(path, *facts, way);
      ASSERT_TRUE(back.ok()) << back.status().message();
      EXPECT_EQ(shown(*back), shown(record));
    }
  }
}

TEST(CheckpointFile, BytesDependOnTheRecordAlone) {
  const TemporaryFolder folder;
  CheckpointRecord record = sample_checkpoint();
  record.state.tensors.push_back(counting_tensor("big", {1000, 301}, Scalar::kF64, 0));
  Result<FileFacts> memory = write_checkpoint(folder.path("memory"), record);
  Result<FileFacts> disk = write_checkpoint(folder.path("disk"), record, 0);
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  ASSERT_TRUE(disk.ok()) << disk.status().message();
  EXPECT_EQ(*memory, *disk);
  EXPECT_EQ(bytes_of(folder.path("memory")), bytes_of(folder.path("disk")));
  record.state.sums.unit_counts[1] = 2;
  Result<FileFacts> other = write_checkpoint(folder.path("other"), record);
  ASSERT_TRUE(other.ok());
  EXPECT_NE(other->sha256, memory->sha256);
}

TEST(CheckpointFile, CanBeLookedInto) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint");
  ASSERT_TRUE(write_checkpoint(path, sample_checkpoint()).ok());
  const RawFile file(path);
  EXPECT_EQ(file.text_attribute("/", "format"), "aesweep-checkpoint");
  EXPECT_EQ(file.numbers<float>("/tensor/000001_code_weights"), (std::vector<float>{7, 8, 9}));
  EXPECT_EQ(file.texts("/tensors", "name").at(2), "code/weights/optimizer/0");
}

TEST(CheckpointFile, RefusesOtherFiles) {
  const TemporaryFolder folder;
  const TrialResult result = sample_result(1, 1);
  const TrialSource trial = store_trial(folder.path(), sample_record(1, result));
  const Status status = read_checkpoint(trial.path, trial.expected).status();
  EXPECT_EQ(status.fault(), Fault::kWorld);
  EXPECT_NE(status.message().find(trial.path + ": its format is 'aesweep-trial', not"),
            std::string::npos)
      << status.message();
  const Status missing = read_checkpoint(folder.path("missing"), trial.expected).status();
  EXPECT_NE(missing.message().find("missing: No such file"), std::string::npos);
  const Status none = read_checkpoint(folder.path(), trial.expected).status();
  EXPECT_NE(none.message().find("not a regular file"), std::string::npos) << none.message();
}

TEST(CheckpointFile, RefusesImpossibleCounts) {
  const TemporaryFolder folder;
  const std::pair<const char*, void (*)(CheckpointRecord&)> cases[] = {
      {"number is -1", [](CheckpointRecord& record) { record.number = -1; }},
      {"steps is -2", [](CheckpointRecord& record) { record.state.steps = -2; }},
      {"88 batches of the epoch exceed its 87 steps",
       [](CheckpointRecord& record) { record.state.batches = 88; }},
      {"names metric -3", [](CheckpointRecord& record) { record.state.history[1].metric = -3; }}};
  for (const auto& [expected, spoil] : cases) {
    CheckpointRecord record = sample_checkpoint();
    spoil(record);
    const std::string path = folder.path(std::string("file") + expected[0] + expected[3]);
    Result<FileFacts> facts = write_checkpoint(path, record);
    ASSERT_TRUE(facts.ok()) << facts.status().message();
    const Status status = read_checkpoint(path, *facts).status();
    EXPECT_NE(status.message().find(expected), std::string::npos) << status.message();
  }
}

TEST(CheckpointFile, FullDiskLeavesNothing) {
  CheckpointRecord record = sample_checkpoint();
  record.state.tensors.push_back(counting_tensor("big", {100, 301}, Scalar::kF64, 0));
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint");
  for (const std::uint64_t way : {kImageBytesMax, std::uint64_t{0}}) {
    for (const bool full : {false, true}) {
      const auto worse = [&] {
        return full ? mount_small_disk(folder.path()) : limit_file_size(50000);
      };
      const ChildEnd end = run_in_child(worse, [&] {
        const Status status = write_checkpoint(path, record, way).status();
        return text(files_in(folder.path()), " files; ", status.message());
      });
      if (full && end.exited && end.status == 77) GTEST_SKIP() << "may not mount a tmpfs";
      ASSERT_TRUE(end.exited && end.status == 0) << end.status;
      EXPECT_EQ(end.output.rfind("0 files; cannot write " + path, 0), 0u) << end.output;
      EXPECT_NE(end.output.find(full ? "free that much space" : "raise the file size limit"),
                std::string::npos)
          << end.output;
    }
  }
}

}  // namespace
}  // namespace aesweep
