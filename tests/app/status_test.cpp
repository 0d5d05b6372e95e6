// Proves what `aesweep status` tells of a run: of folders that the journal's own writer has made,
// running, finished, killed, torn and damaged, as text and as JSON read by a JSON reader.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runner/app/status_command.hpp"
#include "runner/app/status_report.hpp"
#include "runner/journal/journal_file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void expect_has(const std::string& whole, const std::string& words) {
  EXPECT_NE(whole.find(words), std::string::npos) << "expected: " << words << "\nfound:\n" << whole;
}

JobStarted job() {
  JobStarted job;
  job.utc = "2026-05-04T10:11:12Z";
  job.name = "sweep";
  job.experiment = {"experiment.yaml", 3, std::string(64, 'a')};
  job.metric = "test/mse";
  job.ranks = 3;
  job.groups = 2;
  job.host = "node3";
  return job;
}

TrialFinished finished(std::int64_t number, Outcome outcome, double mse,
                       const std::string& reason = "") {
  TrialFinished record;
  record.number = number;
  record.outcome = outcome;
  record.reason = reason;
  record.last = {{"train/mse", 1.0}, {"test/mse", mse}};
  record.file = {"trials/" + std::to_string(number), 1, std::string(64, 'b')};
  return record;
}

// Eight trials, of which the experiment asks for the first seven: completed (twice), diverged,
// failed (with a worse first attempt), begun, begun and then written down, untouched.
std::vector<Record> records() {
  TrialRerun rerun{3, 2};
  TrialFinished again = finished(3, Outcome::kFailed, kNan, "layer code: a \xff reason");
  again.attempt = 2;
  CheckpointWritten checkpoint;
  checkpoint.number = 5;
  checkpoint.step = 840;
  checkpoint.epochs = 4;
  TrialCrashed crash{5, 1, 2, "SIGSEGV in activation swish"};
  return {job(),
          TrialsPlanned{0, {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"}},
          TrialsAsked{{{0, 6}}},
          finished(0, Outcome::kCompleted, 0.5),
          finished(1, Outcome::kCompleted, 0.25),
          finished(2, Outcome::kDiverged, 0.125, "step 7: layer code: nan"),
          finished(3, Outcome::kFailed, 0.0, "the first attempt's reason"),
          rerun,
          again,
          TrialBegun{4, 1, 0, 1, "node3"},
          crash,
          TrialBegun{5, 1, 0, 2, "node4"},
          checkpoint};
}

LiveState live() {
  LiveTrial trial;
  trial.number = 5;
  trial.label = "units=7 lr=0.5";
  trial.ranks = 2;
  trial.host = "node4";
  trial.epoch = 4;
  trial.epochs = 9;
  trial.step = 900;
  trial.seconds = 75.0;
  trial.last = {{"train/mse", 0.75}, {"test/mse", kNan}};
  LiveState live;
  live.utc = "2026-05-04T10:12:40Z";
  live.seconds = 88.0;
  live.samples_per_second = 81250.4;
  live.seconds_left = 41.0;
  live.epochs_done = 33;
  live.epochs_total = 60;
  live.trials = {trial};
  return live;
}

class StatusTest : public ::testing::Test {
 protected:
  void write(const std::vector<Record>& records) {
    Result<JournalFile> journal = JournalFile::create(run_.journal());
    ASSERT_TRUE(journal.ok()) << journal.status().message();
    for (const Record& record : records) {
      ASSERT_TRUE(journal->append(encode(record)).ok());
      ASSERT_TRUE(journal->sync().ok());
    }
  }
  RunStatus read() {
    Result<RunStatus> status = read_run_status(run_);
    EXPECT_TRUE(status.ok()) << status.status().message();
    return status.ok() ? std::move(status).value() : RunStatus();
  }
  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> contents;
    for (const auto& entry : fs::recursive_directory_iterator(run_.path)) {
      std::ifstream in(entry.path());
      contents[entry.path()] = {std::istreambuf_iterator<char>(in), {}};
    }
    return contents;
  }

  TemporaryFolder folder_;
  RunFolder run_{folder_.path()};
};

TEST_F(StatusTest, OfARunningSweep) {
  write(records());
  folder_.write("live.json", encode(live()));
  const Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  const auto before = contents();
  const RunStatus status = read();
  EXPECT_TRUE(status.at_work());
  const std::string words = status_text(status);
  expect_has(words, "run       sweep, " + run_.path + "\n");
  expect_has(words, "job       pid " + std::to_string(::getpid()));
  expect_has(words, ", 3 ranks in 2 groups, since 2026-05-04T10:11:12Z\n");
  expect_has(words,
             "trials    7: 2 completed, 1 diverged, 1 failed, 2 running, 1 waiting; 1 more of "
             "earlier experiments\n");
  expect_has(words,
             "progress  33 of 60 epochs, 81250 samples/s, 0:41 left, as of 2026-05-04T10:12:40Z\n");
  expect_has(words, "best      trial 1, test/mse 0.25\n");
  expect_has(words, "4/9");
  expect_has(words, "units=7 lr=0.5");
  expect_has(words, "trial 2, attempt 1 diverged: step 7: layer code: nan\n");
  expect_has(words, "trial 3, attempt 2 failed: layer code: a \xef\xbf\xbd reason\n");
  expect_has(words, "trial 5, attempt 1 crashed: SIGSEGV in activation swish\n");
  EXPECT_EQ(words.find("first attempt's"), std::string::npos);
  EXPECT_EQ(contents(), before);
}

// With dozens of metrics and long labels the table keeps to the width, and to the metric that
// counts.
TEST_F(StatusTest, TheTableOfRunningTrialsIsNarrow) {
  write(records());
  LiveState many = live();
  for (int i = 0; i < 30; ++i) {
    many.trials[0].last.emplace_back("train/loss_code_l1_" + std::to_string(i), 0.25);
  }
  many.trials[0].last.emplace_back("test/mse", 0.0625);
  std::erase_if(many.trials[0].last, [](const auto& one) { return std::isnan(one.second); });
  for (int i = 0; i < 50; ++i) many.trials[0].label += " \xc3\xa4=" + std::to_string(i);
  folder_.write("live.json", encode(many));
  const Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  const RunStatus status = read();
  const std::string words = status_text(status, 70);
  EXPECT_EQ(words.find("loss_code"), std::string::npos);
  expect_has(words, "0.0625");
  expect_has(words, "...\n");
  std::istringstream table(words.substr(words.find("\n\n") + 2));
  std::string line;
  for (int row = 0; row < 3; ++row) {
    ASSERT_TRUE(std::getline(table, line));
    const auto points =
        std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    EXPECT_LE(points, 70) << line;
    EXPECT_EQ(points == 70, row > 0) << line;
  }
  EXPECT_EQ(Json::parse(status_json(status))["running"][0]["metrics"].size(), 32U);
}

// Before a job has said anything of itself, the journal tells of checkpoints; nothing is shown as
// 0.
TEST_F(StatusTest, WhatIsNotKnownYetIsNotShown) {
  std::vector<Record> all = records();
  all.emplace_back(TrialBegun{5, 1, 0, 2, "node4"});
  write(all);
  const Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  std::string words = status_text(read());
  EXPECT_EQ(words.find("progress"), std::string::npos) << words;
  expect_has(words, "    5        1                   4   840\n");
  expect_has(words, "    4        1                   -     -\n");
  LiveState young = live();
  young.samples_per_second = 0.0;
  young.seconds_left = -1.0;
  folder_.write("live.json", encode(young));
  expect_has(status_text(read()), "progress  33 of 60 epochs, as of 2026-05-04T10:12:40Z\n");
  young.epochs_done = 0;
  young.trials.clear();
  folder_.write("live.json", encode(young));
  words = status_text(read());
  EXPECT_EQ(words.find("progress"), std::string::npos) << words;
  expect_has(words, "    5        1                   4   840\n");
}

// A job died of a plugin and nobody has charged the trial: the rank's slot tells of it.
TEST_F(StatusTest, WhatADeadJobsRanksLeft) {
  write(records());
  {
    Result<CrashSlot> slot = CrashSlot::create(run_.crash(), 2);
    ASSERT_TRUE(slot.ok()) << slot.status().message();
    Result<CrashSlot> quiet = CrashSlot::create(run_.crash(), 3);
    ASSERT_TRUE(quiet.ok()) << quiet.status().message();
    quiet->set_trial(4, 1);
    slot->set_trial(5, 1);
    slot->arm();
    note_crash("SIGSEGV in activation swish");
  }
  const RunStatus status = read();
  const std::string words = status_text(status);
  expect_has(words, "rank 2 died: SIGSEGV in activation swish, trial 5, attempt 1\n");
  expect_has(words, "--supervise");
  EXPECT_EQ(words.find("rank 3"), std::string::npos);
  EXPECT_EQ(Json::parse(status_json(status))["left_crashes"], Json::parse(R"([
      {"rank": 2, "number": 5, "attempt": 1, "what": "SIGSEGV in activation swish"}])"));
  // While a job is at work the slots are its own.
  const Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  EXPECT_EQ(status_text(read()).find("died"), std::string::npos);
}

TEST_F(StatusTest, AsJson) {
  write(records());
  folder_.write("live.json", encode(live()));
  const Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  const std::string line = status_json(read());
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const Json json = Json::parse(line);
  EXPECT_EQ(json["format"], "aesweep-status");
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["name"], "sweep");
  EXPECT_EQ(json["job"]["at_work"], true);
  EXPECT_EQ(json["job"]["holder_dead"], false);
  EXPECT_EQ(json["job"]["ranks"], 3);
  EXPECT_EQ(json["job"]["number"], 1);
  EXPECT_TRUE(json["job"]["ended"].is_null());
  EXPECT_EQ(json["trials"], Json::parse(R"({"asked": 7, "not_asked": 1, "completed": 2,
      "pruned": 0, "diverged": 1, "failed": 1, "running": 2, "interrupted": 0, "waiting": 1})"));
  EXPECT_EQ(json["progress"]["seconds_left"], 41.0);
  EXPECT_EQ(json["progress"]["epochs_done"], 33);
  EXPECT_EQ(json["best"], Json::parse(R"({"number": 1, "metric": "test/mse", "value": 0.25})"));
  ASSERT_EQ(json["running"].size(), 1U);
  EXPECT_EQ(json["running"][0]["epoch"], 4);
  EXPECT_EQ(json["running"][0]["metrics"]["train/mse"], 0.75);
  EXPECT_TRUE(json["running"][0]["metrics"]["test/mse"].is_null());
  ASSERT_EQ(json["failed"].size(), 2U);
  EXPECT_EQ(json["failed"][0]["status"], "diverged");
  EXPECT_EQ(json["failed"][1]["attempt"], 2);
  EXPECT_EQ(json["failed"][1]["reason"], "layer code: a \xef\xbf\xbd reason");
  EXPECT_EQ(json["crashes"][0]["what"], "SIGSEGV in activation swish");
  EXPECT_EQ(json["torn_bytes"], 0);
}

// Another process took the lease and was killed: nothing runs, what was begun is interrupted.
TEST_F(StatusTest, OfAKilledSweep) {
  write(records());
  folder_.write("live.json", encode(live()));
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
    ::_exit(lease.ok() ? 0 : 1);
  }
  int ended = 1;
  ASSERT_EQ(::waitpid(child, &ended, 0), child);
  ASSERT_EQ(ended, 0);
  const RunStatus status = read();
  EXPECT_FALSE(status.at_work());
  EXPECT_FALSE(status.live.has_value());
  const std::string words = status_text(status);
  expect_has(words, "job       no job; the last one is dead: pid " + std::to_string(child));
  expect_has(
      words,
      "; the last one was killed; go on with --resume, or with --supervise if a plugin crashed\n");
  expect_has(words, "2 interrupted, 1 waiting");
  EXPECT_EQ(words.find("progress"), std::string::npos);
  const Json json = Json::parse(status_json(status));
  EXPECT_EQ(json["job"]["at_work"], false);
  EXPECT_EQ(json["job"]["holder_dead"], true);
  EXPECT_EQ(json["interrupted"], Json::parse(R"([
      {"number": 4, "attempt": 1, "step": 0, "epoch": 0},
      {"number": 5, "attempt": 1, "step": 840, "epoch": 4}])"));
  EXPECT_EQ(json["running"], Json::array());
  EXPECT_TRUE(json["progress"].is_null());
}

TEST_F(StatusTest, OfASweepThatEndedInOrder) {
  std::vector<Record> all = records();
  all.emplace_back(JobEnded{"2026-05-04T11:00:00Z", 75, 12.0, "stopped by SIGUSR1"});
  write(all);
  std::string words = status_text(read());
  expect_has(words,
             "job       no job; the last one ended 2026-05-04T11:00:00Z with status 75: stopped by "
             "SIGUSR1\n");
  const Json json = Json::parse(status_json(read()));
  EXPECT_TRUE(json["job"]["holder"].is_null());
  EXPECT_EQ(json["job"]["ended"]["status"], 75);
  // Whoever holds the folder now, a rebuild for example, trains nothing.
  const Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  expect_has(status_text(read()), "2 interrupted, 1 waiting");
}

TEST_F(StatusTest, LiveNewsOfAnEarlierJobAreNotShown) {
  std::vector<Record> all = records();
  JobStarted later = job();
  later.utc = "2026-05-05T00:00:00Z";
  all.emplace_back(later);
  write(all);
  folder_.write("live.json", encode(live()));
  const Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  const RunStatus status = read();
  EXPECT_TRUE(status.at_work());
  EXPECT_FALSE(status.live.has_value());
  // The later job has begun neither; one of them goes on from a checkpoint.
  expect_has(status_text(status), "1 interrupted, 2 waiting");
  EXPECT_EQ(Json::parse(status_json(status))["job"]["number"], 2);
}

TEST_F(StatusTest, ATornTailAndAPoorLiveFileAreNoFaults) {
  write(records());
  std::ofstream(run_.journal(), std::ios::app) << "0000";
  folder_.write("live.json", "{\"utc\": ");
  const Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  const RunStatus status = read();
  EXPECT_EQ(status.torn_bytes, 4U);
  EXPECT_FALSE(status.live.has_value());
  expect_has(status_text(status), "2 running");
}

TEST_F(StatusTest, AnUnreadableLeaseIsSaid) {
  write(records());
  folder_.write("lease", "nonsense");
  const RunStatus status = read();
  EXPECT_FALSE(status.lease_fault.empty());
  expect_has(status_text(status), "job       unknown: ");
  EXPECT_TRUE(Json::parse(status_json(status))["job"]["at_work"].is_null());
}

TEST_F(StatusTest, ADamagedJournalIsAFaultOfTheWorld) {
  std::string bytes;
  write(records());
  {
    std::ifstream in(run_.journal());
    bytes = {std::istreambuf_iterator<char>(in), {}};
  }
  bytes[bytes.size() / 2] ^= 1;
  folder_.write("journal", bytes);
  const Result<RunStatus> status = read_run_status(run_);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.status().fault(), Fault::kWorld);
  expect_has(status.status().message(), run_.journal());
}

TEST_F(StatusTest, WhatIsNoRunIsAnInputFault) {
  folder_.write("file", "text");
  for (const std::string& path :
       {run_.path, run_.path + "/absent", run_.path + "/file", run_.path + "/file/below"}) {
    const Result<RunStatus> status = read_run_status({path});
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.status().fault(), Fault::kInput);
    expect_has(status.status().message(), path);
    EXPECT_EQ(status.status().message().find("-o"), std::string::npos);
  }
}

TEST_F(StatusTest, WatchingEndsWithTheJob) {
  write(records());
  Result<Lease> lease = Lease::acquire(run_.lease(), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  ::testing::internal::CaptureStdout();
  std::thread job([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    lease->release();
  });
  const Status status = show_status({run_.path, false, true}, std::chrono::milliseconds(10));
  job.join();
  const std::string out = ::testing::internal::GetCapturedStdout();
  EXPECT_TRUE(status.ok()) << status.message();
  expect_has(out, "2 running");
  EXPECT_LT(out.find("2 running"), out.rfind("the last one was killed"));
  EXPECT_EQ(out.find('\033'), std::string::npos);
}

}  // namespace
}  // namespace aesweep
