// find_resume_point: the newest checkpoint that is whole and of the trial, with its time and
// whether it can be repeated; what could not be used is named and out of the way.

#include "runner/sweep/resume_point.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.hpp"
#include "tests/sweep/fake_group.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

class ResumePointTest : public testing::Test {
 protected:
  ResumePointTest()
      : services_(group_services()),
        experiment_(group_experiment(3, 4)),
        plan_(group_plan(experiment_, services_, folder_.path(), {})) {
    fs::create_directories(plan_.folder.checkpoints());
  }

  CheckpointWritten write(std::int64_t step, const std::string& key = "key5",
                          const std::string& fingerprint = "0123456789abcdef") {
    CheckpointRecord record{5, key, fingerprint, {}};
    record.state.steps = step;
    record.state.history.push_back({0, step, 0, 1.0});
    CheckpointWritten written;
    written.number = 5;
    written.step = step;
    written.seconds = static_cast<double>(step) / 10;
    written.file.name = checkpoint_file(5, 1, step);
    const Result<FileFacts> facts =
        services_.write_checkpoint(plan_.folder.file(written.file.name), record);
    written.file.bytes = facts->bytes;
    written.file.sha256 = facts->sha256;
    return written;
  }
  void damage(const CheckpointWritten& one) {
    std::fstream(plan_.folder.file(one.file.name), std::ios::in | std::ios::out) << "9";
  }
  [[nodiscard]] bool is_there(const CheckpointWritten& one) const {
    return fs::exists(plan_.folder.file(one.file.name));
  }
  [[nodiscard]] ResumePoint find(const std::vector<CheckpointWritten>& newest_first) const {
    return find_resume_point(plan_, plan_.trials.at(1), newest_first);
  }

  TemporaryFolder folder_;
  SweepServices services_;
  Experiment experiment_;
  SweepPlan plan_;
};

TEST_F(ResumePointTest, TheNewestIsTaken) {
  const CheckpointWritten old = write(10);
  const CheckpointWritten newest = write(20);
  const ResumePoint point = find({newest, old});
  ASSERT_TRUE(point.state.has_value());
  EXPECT_EQ(point.state->steps, 20);
  EXPECT_EQ(point.seconds, 2.0);
  EXPECT_TRUE(point.reproducible);
  EXPECT_TRUE(point.warnings.empty());
  EXPECT_TRUE(is_there(old));
}

TEST_F(ResumePointTest, DamagedMissingAndStrangeOnesArePassedOverNamedAndRemoved) {
  const CheckpointWritten good = write(10);
  const CheckpointWritten damaged = write(20);
  const CheckpointWritten missing = write(30);
  const CheckpointWritten strange = write(40, "key8");
  damage(damaged);
  fs::remove(plan_.folder.file(missing.file.name));
  const ResumePoint point = find({strange, missing, damaged, good});
  ASSERT_TRUE(point.state.has_value());
  EXPECT_EQ(point.state->steps, 10);
  EXPECT_EQ(point.seconds, 1.0);
  ASSERT_EQ(point.warnings.size(), 3U);
  EXPECT_NE(point.warnings[0].find("trial 5: cannot go on from step 40: "), std::string::npos);
  EXPECT_NE(point.warnings[0].find("is of the trial with the key key8, not of key5; tries step 30"),
            std::string::npos);
  EXPECT_NE(point.warnings[1].find(missing.file.name), std::string::npos);
  EXPECT_NE(point.warnings[2].find(damaged.file.name + ": is damaged; tries step 10"),
            std::string::npos);
  EXPECT_TRUE(is_there(good));
  EXPECT_FALSE(is_there(damaged));
  EXPECT_FALSE(is_there(strange));
}

TEST_F(ResumePointTest, OneThatCannotBeReadNowIsAFaultAndStays) {
  const CheckpointWritten good = write(10);
  const CheckpointWritten newest = write(20);
  services_.read_checkpoint = [](const std::string& path, const FileFacts&) {
    return Result<CheckpointRecord>(Status::world(path + ": Input/output error"));
  };
  const ResumePoint point = find({newest, good});
  EXPECT_FALSE(point.state.has_value());
  EXPECT_EQ(point.fault.fault(), Fault::kWorld);
  for (const char* words : {"step 20", "Input/output error", "--resume", "checkpoint before it"}) {
    EXPECT_NE(point.fault.message().find(words), std::string::npos) << point.fault.message();
  }
  EXPECT_TRUE(is_there(newest));
  EXPECT_TRUE(is_there(good));
}

TEST_F(ResumePointTest, WhatCannotBeComparedIsAFaultToo) {
  const CheckpointWritten good = write(10);
  CheckpointWritten folder = write(20);
  fs::remove(plan_.folder.file(folder.file.name));
  fs::create_directory(plan_.folder.file(folder.file.name));
  services_.read_checkpoint = [](const std::string& path, const FileFacts&) {
    return Result<CheckpointRecord>(Status::world(path + ": no"));
  };
  const ResumePoint point = find({folder, good});
  EXPECT_FALSE(point.state.has_value());
  EXPECT_NE(point.fault.message().find("not a regular file"), std::string::npos);
  EXPECT_TRUE(is_there(folder));
}

TEST_F(ResumePointTest, WithoutAnyTheTrialBeginsAtTheBeginning) {
  CheckpointWritten damaged = write(20);
  damaged.reproducible = false;
  damage(damaged);
  const ResumePoint point = find({damaged});
  EXPECT_FALSE(point.state.has_value());
  EXPECT_EQ(point.seconds, 0.0);
  EXPECT_TRUE(point.reproducible) << "nothing of it is left";
  ASSERT_EQ(point.warnings.size(), 1U);
  EXPECT_NE(point.warnings[0].find("; tries from the beginning"), std::string::npos);
  EXPECT_FALSE(find({}).state.has_value());
  EXPECT_TRUE(find({}).warnings.empty());
}

TEST_F(ResumePointTest, WhatCannotBeRepeatedIsMarked) {
  EXPECT_FALSE(find({write(10, "key5", "fedcba9876543210")}).reproducible);
  CheckpointWritten marked = write(20);
  marked.reproducible = false;
  EXPECT_FALSE(find({marked}).reproducible);
  EXPECT_EQ(find({marked}).state->steps, 20);
}

}  // namespace
}  // namespace aesweep
