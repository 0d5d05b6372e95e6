// Proves that a trial's file holds every field of its record, read on the raw HDF5 API, that its
// bytes depend on the record alone, and that a failing disk gives a message and no file.
#include "runner/store/trial_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/store/verified_file.hpp"
#include "tests/store/limited_child.hpp"
#include "tests/store/raw_hdf5.hpp"
#include "tests/store/sample_trials.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

std::vector<char> bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t files_in(const std::string& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

template <class T>
std::vector<T> values(const NamedTensor& tensor) {
  std::vector<T> all(tensor.bytes.size() / sizeof(T));
  if (!all.empty()) std::memcpy(all.data(), tensor.bytes.data(), tensor.bytes.size());
  return all;
}

TEST(TrialFile, Name) {
  EXPECT_EQ(trial_file_name(12, 1), "000012.1.h5");
  EXPECT_EQ(trial_file_name(1234567, 30), "1234567.30.h5");
}

TEST(TrialFile, HoldsEveryTensor) {
  TrialResult result = sample_result(3, 2);
  result.weights_final.push_back(counting_tensor("deep/weights", {2, 3, 4}, Scalar::kF64, 0.25));
  result.weights_final.push_back(counting_tensor("deep/scale", {}, Scalar::kF64, 7));
  result.weights_final.push_back(counting_tensor("deep/none", {0, 5}, Scalar::kF32, 0));
  Result<std::vector<std::byte>> image = trial_image(sample_record(3, result));
  ASSERT_TRUE(image.ok()) << image.status().message();
  const RawFile file(*image);
  EXPECT_EQ(file.text("/trial/config"), "trial: 3\nmodel:\n  layers: [code]\n");
  EXPECT_FALSE(file.has("/trial/reason"));
  struct Group {
    std::string path;
    const std::vector<NamedTensor>& tensors;
  };
  for (const Group& group : {Group{"/trial/weights_initial/", result.weights_initial},
                             Group{"/trial/weights_final/", result.weights_final},
                             Group{"/trial/samples/", result.samples}}) {
    for (const NamedTensor& tensor : group.tensors) {
      std::string path = tensor.name;
      std::replace(path.begin(), path.end(), '/', '_');
      path = group.path + path;
      EXPECT_EQ(file.shape(path), std::vector<hsize_t>(tensor.shape.begin(), tensor.shape.end()))
          << path;
      if (tensor.scalar == Scalar::kF32) {
        EXPECT_EQ(file.columns(path).at(0), "f4");
        EXPECT_EQ(file.numbers<float>(path), values<float>(tensor)) << path;
      } else {
        EXPECT_EQ(file.columns(path).at(0), "f8");
        EXPECT_EQ(file.numbers<double>(path), values<double>(tensor)) << path;
      }
    }
  }
  EXPECT_EQ(file.columns("/trial/samples/labels").at(0), "i4");
  EXPECT_EQ(file.numbers<std::int32_t>("/trial/samples/labels"), result.sample_labels);
  EXPECT_EQ(file.members("/trial/weights_final"),
            (std::vector<std::string>{"code_bias", "code_weights", "deep_none", "deep_scale",
                                      "deep_weights"}));
}

TEST(TrialFile, ReadsBack) {
  TrialResult result = sample_result(5, 3);
  result.outcome = Outcome::kDiverged;
  result.reason = "step 4, layer code: the loss is NaN";
  const TrialRecord record = sample_record(5, result);
  const TemporaryFolder folder;
  const std::string path = folder.path("trial.h5");
  Result<FileFacts> facts = write_trial(path, record);
  ASSERT_TRUE(facts.ok()) << facts.status().message();
  EXPECT_EQ(facts->bytes, fs::file_size(path));
  EXPECT_EQ(facts->sha256, *sha256_file(path));
  Result<std::unique_ptr<ByteSink>> image = open_verified(path, path, *facts);
  ASSERT_TRUE(image.ok()) << image.status().message();
  const h5::Session session;
  Result<OpenedTrial> trial = open_trial(**image, path);
  ASSERT_TRUE(trial.ok()) << trial.status().message();
  EXPECT_EQ(trial->number, 5);
  EXPECT_EQ(trial->key, record.key);
  EXPECT_EQ(trial->seed, record.seed);
  EXPECT_EQ(trial->label, record.label);
  EXPECT_EQ(trial->config, record.config);
  EXPECT_EQ(trial->status, "diverged");
  EXPECT_EQ(trial->status_code, 1);
  EXPECT_EQ(trial->reason, result.reason);
  EXPECT_EQ(trial->epochs, result.epochs);
  EXPECT_EQ(trial->steps, result.steps);
  EXPECT_EQ(trial->parameters, record.parameters);
  ASSERT_EQ(trial->metrics.size(), 2u);
  EXPECT_EQ(trial->metrics[1].name, "test/fvu");
  EXPECT_EQ(trial->metrics[1].unit, "1");
  EXPECT_EQ(trial->metrics[1].formula, "squared error / variation");
  ASSERT_EQ(trial->history.size(), result.history.size());
  for (std::size_t i = 0; i < result.history.size(); ++i) {
    EXPECT_EQ(trial->history[i].epoch, result.history[i].epoch);
    EXPECT_EQ(trial->history[i].step, result.history[i].step);
    EXPECT_EQ(trial->history[i].metric, result.history[i].metric);
    EXPECT_EQ(trial->history[i].value, result.history[i].value);
  }
  EXPECT_TRUE(trial->file.close().ok());
}

TEST(TrialFile, FailedTrialHasNoWeights) {
  TrialResult result;
  result.outcome = Outcome::kFailed;
  result.reason = "code.units: 0 is not in [1, 65536]";
  Result<std::vector<std::byte>> image = trial_image(sample_record(1, result));
  ASSERT_TRUE(image.ok()) << image.status().message();
  const RawFile file(*image);
  EXPECT_EQ(file.members("/trial"), (std::vector<std::string>{"config", "reason"}));
  EXPECT_EQ(file.text("/trial/reason"), result.reason);
}

TEST(TrialFile, BytesDependOnTheRecordAlone) {
  const TrialResult result = sample_result(4, 2);
  TrialRecord record = sample_record(4, result);
  const std::vector<std::byte> first = std::move(trial_image(record)).value();
  // Object times are in whole seconds.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  record.attempt = 2;
  EXPECT_EQ(first, std::move(trial_image(record)).value());
  const TrialResult other = sample_result(4, 3);
  record.result = &other;
  EXPECT_NE(first, std::move(trial_image(record)).value());
}

TEST(TrialFile, MemoryAndDiskGiveTheSameBytes) {
  TrialResult result = sample_result(4, 200);
  result.weights_final.push_back(counting_tensor("big/weights", {1000, 701}, Scalar::kF64, 0));
  const TrialRecord record = sample_record(4, result);
  const TemporaryFolder folder;
  Result<FileFacts> memory = write_trial(folder.path("memory"), record);
  Result<FileFacts> disk = write_trial(folder.path("disk"), record, 0);
  ASSERT_TRUE(memory.ok()) << memory.status().message();
  ASSERT_TRUE(disk.ok()) << disk.status().message();
  EXPECT_EQ(*memory, *disk);
  EXPECT_EQ(disk->sha256, *sha256_file(folder.path("disk")));
  EXPECT_GT(bytes_of(folder.path("disk")).size(), 5600000u);
  EXPECT_EQ(bytes_of(folder.path("memory")), bytes_of(folder.path("disk")));
  // The same trial again, by either way, is adopted; another one is not.
  EXPECT_TRUE(write_trial(folder.path("memory"), record, 0).ok());
  EXPECT_TRUE(write_trial(folder.path("disk"), record).ok());
  const TrialResult other = sample_result(4, 1);
  EXPECT_NE(write_trial(folder.path("disk"), sample_record(4, other), 0)
                .status()
                .message()
                .find("exists with other contents"),
            std::string::npos);
  EXPECT_EQ(files_in(folder.path()), 2u);
}

TEST(TrialFile, CollidingNamesAreInputFaults) {
  struct Case {
    const char* expected;
    void (*spoil)(TrialRecord&, TrialResult&);
  };
  const Case cases[] = {
      {"trial 1: parameters 'a.b' and 'a/b' would both be stored as a_b",
       [](TrialRecord& record, TrialResult&) {
         record.parameters = {{"a.b", true}, {"a/b", true}};
       }},
      {"metrics 'train/a_b' and 'train/a.b' would both be stored as train_a_b",
       [](TrialRecord&, TrialResult& result) {
         result.metrics = {{"train/a_b", "1", ""}, {"train/a.b", "1", ""}};
       }},
      {"tensors 'a/b_c' and 'a_b/c' would both be stored as a_b_c",
       [](TrialRecord&, TrialResult& result) {
         result.weights_final = {counting_tensor("a/b_c", {1}, Scalar::kF32, 0),
                                 counting_tensor("a_b/c", {1}, Scalar::kF32, 0)};
       }},
      {"tensor 'labels' would be stored as labels, a name that the results format uses itself",
       [](TrialRecord&, TrialResult& result) {
         result.samples = {counting_tensor("labels", {1}, Scalar::kF32, 0)};
       }},
  };
  for (const Case& c : cases) {
    TrialResult result = sample_result(1, 1);
    TrialRecord record = sample_record(1, result);
    c.spoil(record, result);
    const Result<std::vector<std::byte>> image = trial_image(record);
    EXPECT_EQ(image.status().fault(), Fault::kInput);
    EXPECT_NE(image.status().message().find(c.expected), std::string::npos)
        << image.status().message();
  }
}

TEST(TrialFile, RefusesWhatIsNotOne) {
  const TemporaryFolder folder;
  const TrialResult result = sample_result(1, 1);
  std::vector<std::byte> image = std::move(trial_image(sample_record(1, result))).value();
  const std::string text_file = folder.write("text", std::string_view("no HDF5 at all"));
  const std::string cut =
      folder.write("cut", std::span<const std::byte>(image).first(image.size() / 2));
  for (const auto& [path, expected] :
       {std::pair{text_file, "signature"}, std::pair{cut, "truncated file"}}) {
    Result<std::unique_ptr<ByteSink>> bytes = open_verified(path, path, {});
    ASSERT_TRUE(bytes.ok()) << bytes.status().message();
    const h5::Session session;
    const Result<OpenedTrial> trial = open_trial(**bytes, path);
    EXPECT_EQ(trial.status().fault(), Fault::kWorld);
    EXPECT_NE(trial.status().message().find(path), std::string::npos) << trial.status().message();
    EXPECT_NE(trial.status().message().find(expected), std::string::npos)
        << trial.status().message();
  }
}

TEST(TrialFile, WithoutWeights) {
  TrialResult result = sample_result(9, 3);
  result.outcome = Outcome::kPruned;
  result.reason = "limits.max_trial_time";
  const std::vector<std::byte> image = std::move(trial_image(sample_record(9, result))).value();
  MemorySink sink(image), again(image);
  Result<std::vector<std::byte>> bare = trial_without_weights(sink, "image");
  ASSERT_TRUE(bare.ok()) << bare.status().message();
  EXPECT_EQ(*bare, *trial_without_weights(again, "image"));
  EXPECT_LT(bare->size(), image.size());
  const RawFile with(image), without(*bare);
  EXPECT_EQ(without.members("/"), with.members("/"));
  EXPECT_EQ(without.members("/trial"), (std::vector<std::string>{"config", "reason", "samples"}));
  for (const char* table : {"/summary", "/parameters", "/metrics", "/history"}) {
    EXPECT_EQ(without.columns(table), with.columns(table));
  }
  EXPECT_EQ(without.numbers<double>("/history", "value"),
            with.numbers<double>("/history", "value"));
  EXPECT_EQ(without.numbers<float>("/trial/samples/codes"),
            with.numbers<float>("/trial/samples/codes"));
  EXPECT_EQ(without.text("/trial/config"), with.text("/trial/config"));
  MemorySink to_read(*bare);
  const h5::Session session;
  Result<OpenedTrial> trial = open_trial(to_read, "bare");
  ASSERT_TRUE(trial.ok()) << trial.status().message();
  EXPECT_EQ(trial->status, "pruned");
  EXPECT_EQ(trial->status_code, 3);
  EXPECT_EQ(trial->reason, result.reason);
}

// A file size limit at every place in turn, below and above the size that is announced to the disk.
TEST(TrialFile, NoLimitCrashesOrLeavesAFile) {
  TrialResult result = sample_result(4, 50);
  result.weights_final.push_back(counting_tensor("big/weights", {100, 70}, Scalar::kF64, 0));
  const TrialRecord record = sample_record(4, result);
  const TemporaryFolder folder;
  const std::string path = folder.path("trial.h5");
  for (const std::uint64_t way : {kImageBytesMax, std::uint64_t{0}}) {
    for (std::uint64_t limit = 0; limit < 60000; limit += 7777) {
      const ChildEnd end =
          run_in_child([&] { return limit_file_size(limit); },
                       [&] { return write_trial(path, record, way).status().message(); });
      ASSERT_TRUE(end.exited && end.status == 0) << limit << ": " << end.status;
      EXPECT_NE(end.output.find("File too large; raise the file size limit"), std::string::npos)
          << limit << ": " << end.output;
      EXPECT_EQ(files_in(folder.path()), 0u);
    }
  }
}

// Writes a file of some hundred KiB through a sink, without announcing its size to the disk, so
// that libhdf5 itself meets the limit; its own driver crashes here. Returns the sink's error.
std::string write_unannounced(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  FileSink sink(fd);
  const h5::Session session;
  Result<h5::Node> file = h5::create_file(sink, path);
  for (int i = 0; file.ok() && i < 300; ++i) {
    // What fails once the disk is full does not matter: that nothing crashes does.
    Result<h5::Node> group = h5::create_group(*file, text("group", i));
    if (group.ok()) (void)h5::write_text(*group, "text", std::string(100, 'x'));
  }
  if (file.ok()) (void)file->close();
  return text(sink.error());
}

TEST(TrialFile, SinkMeetsAFileSizeLimit) {
  const TemporaryFolder folder;
  for (std::uint64_t limit = 0; limit < 40000; limit += 1009) {
    const ChildEnd end = run_in_child([&] { return limit_file_size(limit); },
                                      [&] { return write_unannounced(folder.path("file")); });
    ASSERT_TRUE(end.exited && end.status == 0) << limit << ": " << end.status;
    EXPECT_EQ(end.output, text(EFBIG)) << limit;
  }
}

TEST(TrialFile, SinkMeetsAFullDisk) {
  const TemporaryFolder folder;
  for (std::size_t filled = 0; filled <= 65536; filled += 8192) {
    const ChildEnd end = run_in_child([&] { return mount_small_disk(folder.path()); },
                                      [&] {
                                        folder.write("filler", std::string(filled, 'x'));
                                        return write_unannounced(folder.path("file"));
                                      });
    if (end.exited && end.status == 77) GTEST_SKIP() << "this process may not mount a tmpfs";
    ASSERT_TRUE(end.exited && end.status == 0) << filled << ": " << end.status;
    EXPECT_EQ(end.output, text(ENOSPC)) << filled;
  }
}

}  // namespace
}  // namespace aesweep
