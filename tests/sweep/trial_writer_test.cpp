// TrialWriter: each job comes back once with its own status, also when writing fails or throws, and
// what was added is written before the writer goes.

#include "runner/sweep/trial_writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

TrialWriter::Job job(std::int64_t trial) {
  TrialWriter::Job one;
  one.trial = trial;
  one.path = text("file ", trial);
  one.result.steps = trial * 10;
  one.summary.seconds = static_cast<double>(trial);
  one.samples = trial * 100;
  return one;
}

TrialWriter::Written wait_for_next(TrialWriter& writer) {
  for (;;) {
    if (std::optional<TrialWriter::Written> written = writer.try_take()) return *written;
    std::this_thread::yield();
  }
}

TEST(TrialWriter, ReportsEachStatus) {
  const std::thread::id owner = std::this_thread::get_id();
  TrialWriter writer([owner](const std::string& path, const TrialRecord& record) {
    EXPECT_NE(std::this_thread::get_id(), owner);
    EXPECT_EQ(path, text("file ", record.result->steps / 10));
    if (record.result->steps == 20) return Status::world("no space left");
    if (record.result->steps == 30) throw std::runtime_error("odd");
    return Status();
  });
  EXPECT_FALSE(writer.try_take().has_value());
  for (std::int64_t trial = 0; trial < 7; ++trial) writer.add(job(trial));
  std::set<std::int64_t> seen;
  for (int open = 7; open > 0; --open) {
    EXPECT_EQ(writer.open(), open);
    const TrialWriter::Written written = wait_for_next(writer);
    const std::int64_t trial = written.trial;
    EXPECT_TRUE(seen.insert(trial).second);
    EXPECT_EQ(written.samples, trial * 100);
    EXPECT_EQ(written.summary.seconds, static_cast<double>(trial));
    EXPECT_EQ(written.status.ok(), trial != 2 && trial != 3);
    if (trial == 2) {
      EXPECT_EQ(written.status.message(), "no space left");
    }
    if (trial == 3) {
      EXPECT_EQ(written.status.message(), "file 3: cannot write: odd");
    }
  }
  EXPECT_EQ(writer.open(), 0);
  EXPECT_EQ(seen.size(), 7U);
}

TEST(TrialWriter, WritesWhatWasAddedBeforeItGoes) {
  std::atomic<int> written = 0;
  {
    TrialWriter writer([&written](const std::string&, const TrialRecord&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++written;
      return Status();
    });
    for (std::int64_t trial = 0; trial < 37; ++trial) writer.add(job(trial));
  }
  EXPECT_EQ(written, 37);
}

}  // namespace
}  // namespace aesweep
