// TrialWriter: each job, finished trial or checkpoint, comes back once with its own status and the
// facts of its file, also when writing fails or throws; what was added is written before the writer
// goes; snapshots are moved.

#include "runner/sweep/trial_writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

TrialWriter::Job trial_job(std::int64_t trial) {
  TrialWriter::FinishedTrial finished;
  finished.result.steps = trial * 10;
  TrialWriter::Job job;
  job.path = text("file ", trial);
  job.content = std::move(finished);
  job.report.kind = Message::Kind::kFinished;
  job.report.trial = trial;
  job.report.samples = trial * 100;
  job.report.file.name = text("name ", trial);
  return job;
}

TrialWriter::Job checkpoint_job(std::int64_t trial) {
  CheckpointRecord record;
  record.number = trial;
  record.state.tensors.push_back({"code/weights", {3}, Scalar::kF32, std::vector<std::byte>(12)});
  TrialWriter::Job job;
  job.path = text("checkpoint ", trial);
  job.content = std::move(record);
  job.report.kind = Message::Kind::kCheckpointed;
  job.report.trial = trial;
  job.report.checkpoint.step = trial * 7;
  job.report.checkpoint.file.name = text("name ", trial);
  return job;
}

Message wait_for_next(TrialWriter& writer) {
  for (;;) {
    if (std::optional<Message> report = writer.try_take()) return *std::move(report);
    std::this_thread::yield();
  }
}

// Trial 2 cannot be written, trial 3 throws, for trial 5 there is no memory; so for checkpoints.
Result<FileFacts> odd_write(const std::string& path, std::int64_t trial) {
  if (trial == 2) return Status::world("no space left");
  if (trial == 3) throw std::runtime_error("odd");
  if (trial == 5) throw std::bad_alloc();
  return FileFacts{static_cast<std::uint64_t>(trial), "hash of " + path};
}

TEST(TrialWriter, ReportsEachStatus) {
  const std::thread::id owner = std::this_thread::get_id();
  SweepServices services;
  services.write_trial = [owner](const std::string& path, const TrialRecord& record) {
    EXPECT_NE(std::this_thread::get_id(), owner);
    return odd_write(path, record.result->steps / 10);
  };
  services.write_checkpoint = [owner](const std::string& path, const CheckpointRecord& record) {
    EXPECT_NE(std::this_thread::get_id(), owner);
    return odd_write(path, record.number);
  };
  TrialWriter writer(services);
  EXPECT_FALSE(writer.try_take().has_value());
  for (std::int64_t trial = 0; trial < 7; ++trial) {
    writer.add(trial_job(trial));
    writer.add(checkpoint_job(trial));
  }
  EXPECT_EQ(writer.open_checkpoints(), 7);
  std::set<std::pair<bool, std::int64_t>> seen;
  int checkpoints = 7;
  for (int open = 14; open > 0; --open) {
    EXPECT_EQ(writer.open(), open);
    EXPECT_EQ(writer.open_checkpoints(), checkpoints);
    const Message report = wait_for_next(writer);
    const std::int64_t trial = report.trial;
    const bool finished = report.kind == Message::Kind::kFinished;
    checkpoints -= finished ? 0 : 1;
    EXPECT_TRUE(seen.emplace(finished, trial).second);
    EXPECT_EQ(report.samples, finished ? trial * 100 : 0);
    EXPECT_EQ(report.checkpoint.step, finished ? 0 : trial * 7);
    EXPECT_EQ(report.stored.ok(), trial != 2 && trial != 3 && trial != 5);
    const std::string path = text(finished ? "file " : "checkpoint ", trial);
    const FileRecord& file = finished ? report.file : report.checkpoint.file;
    EXPECT_EQ(file.name, text("name ", trial));
    if (report.stored.ok()) {
      EXPECT_EQ(file.bytes, static_cast<std::uint64_t>(trial));
      EXPECT_EQ(file.sha256, "hash of " + path);
    } else {
      EXPECT_EQ(report.stored.message(), trial == 2   ? "no space left"
                                         : trial == 3 ? path + ": cannot write: odd"
                                                      : "out of memory");
      EXPECT_EQ(file.sha256, "");
    }
  }
  EXPECT_EQ(writer.open_checkpoints(), 0);
  EXPECT_EQ(seen.size(), 14U);
}

TEST(TrialWriter, WritesWhatWasAddedBeforeItGoes) {
  std::atomic<int> written = 0;
  SweepServices services;
  services.write_trial = [&written](const std::string&, const TrialRecord&) -> Result<FileFacts> {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++written;
    return FileFacts{};
  };
  {
    TrialWriter writer(services);
    for (std::int64_t trial = 0; trial < 37; ++trial) writer.add(trial_job(trial));
  }
  EXPECT_EQ(written, 37);
}

TEST(TrialWriter, ASnapshotIsMovedNotCopied) {
  SweepServices services;
  std::atomic<const std::byte*> seen = nullptr;
  services.write_checkpoint = [&seen](const std::string&,
                                      const CheckpointRecord& record) -> Result<FileFacts> {
    seen = record.state.tensors[0].bytes.data();
    return FileFacts{};
  };
  TrialWriter writer(services);
  TrialWriter::Job job = checkpoint_job(1);
  const std::byte* const bytes =
      std::get<CheckpointRecord>(job.content).state.tensors[0].bytes.data();
  writer.add(std::move(job));
  static_cast<void>(wait_for_next(writer));
  EXPECT_EQ(seen, bytes);
}

}  // namespace
}  // namespace aesweep
