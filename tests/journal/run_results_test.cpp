// results.h5 from a journal, and validate: a small run is made by the store's own functions, loose
// files, segment, checkpoint and all; then each of its files is damaged, and must be named.
#include "runner/journal/run_results.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/base/sha256.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/journal/lease_record.hpp"
#include "runner/journal/validate.hpp"
#include "runner/store/checkpoint_file.hpp"
#include "runner/store/segment_file.hpp"
#include "tests/store/sample_trials.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

StoredAttempt attempt(std::int64_t number, double value, Outcome outcome = Outcome::kCompleted) {
  StoredAttempt stored;
  stored.finished.number = number;
  stored.finished.outcome = outcome;
  stored.finished.last = {{"train/loss", 99.0}, {"test/fvu", value}};
  return stored;
}

TEST(BestAttempts, FiniteCompletedOnesInOrder) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<StoredAttempt> all = {attempt(5, 2.0),
                                          attempt(3, 1.0),
                                          attempt(2, 1.0),
                                          attempt(9, nan),
                                          attempt(8, -inf),
                                          attempt(7, 0.0, Outcome::kPruned),
                                          attempt(6, 0.0, Outcome::kDiverged),
                                          attempt(4, 0.0, Outcome::kFailed),
                                          attempt(1, 3.0)};
  std::vector<const StoredAttempt*> attempts;
  for (const StoredAttempt& stored : all) attempts.push_back(&stored);
  using Places = std::vector<std::size_t>;
  EXPECT_EQ(best_attempts(attempts, "test/fvu", true, 10), (Places{2, 1, 0, 8}));
  EXPECT_EQ(best_attempts(attempts, "test/fvu", false, 3), (Places{8, 0, 2}));
  EXPECT_EQ(best_attempts(attempts, "test/fvu", true, 0), Places{});
  EXPECT_EQ(best_attempts(attempts, "no/such", true, 3), Places{});
}

// A run of five trials: 0 and 1 in a segment, 2 in a file of its own, 3 with two checkpoints, 4 not
// begun.
class RunTest : public testing::Test {
 protected:
  RunTest() {
    AESWEEP_CHECK(make_run_folder(folder_).ok(), "no folder");
    Result<JournalFile> journal = JournalFile::create(folder_.journal());
    AESWEEP_CHECK(journal.ok(), journal.status().message());
    journal_ = std::make_unique<JournalFile>(std::move(*journal));
    JobStarted job;
    const std::string experiment = "schema: 1\nname: sample\n";
    temporary_.write("run/experiment.yaml", experiment);
    job.experiment = {"experiment.yaml", experiment.size(), sha256_hex(experiment)};
    job.name = "sample";
    job.metric = "test/fvu";
    job.best_weights = 2;
    job.runtime = {{"mpi", "4.1"}, {"host", "from-the-job"}};
    add(job);
    TrialsPlanned planned;
    for (int i = 0; i < 5; ++i) planned.keys.push_back("key-of-trial-" + std::to_string(i));
    add(planned);
    add(TrialsAsked{{{1, 4}}});
    for (int i = 0; i < 3; ++i) add_trial(i);
    fold();
    add_checkpoint(10);
    add_checkpoint(20);
  }

  void add(const Record& record) {
    AESWEEP_CHECK(state_.apply(record).ok(), encode(record));
    AESWEEP_CHECK(journal_->append(encode(record)).ok() && journal_->sync().ok(), "no journal");
  }

  void add_trial(std::int64_t number) {
    const TrialResult result = sample_result(number, 3);
    Result<FileFacts> facts =
        write_trial(folder_.file(trial_file(number, 1)), sample_record(number, result));
    AESWEEP_CHECK(facts.ok(), facts.status().message());
    TrialFinished finished;
    finished.number = number;
    finished.seconds = 2.0;
    finished.reproducible = number != 1;
    finished.last = {{"test/fvu", static_cast<double>(number)}};
    finished.file = {trial_file(number, 1), facts->bytes, facts->sha256};
    add(finished);
  }

  void fold() {
    std::vector<SegmentSource> sources;
    for (int i = 0; i < 2; ++i) {
      const FileRecord& file = state_.trials[static_cast<std::size_t>(i)].finished[0].finished.file;
      sources.push_back({folder_.file(file.name), i, 1, {file.bytes, file.sha256}, i == 0});
    }
    const std::string name = segment_file(0, 1, 1);
    Result<SegmentFacts> facts = write_segment(folder_.file(name), sources);
    AESWEEP_CHECK(facts.ok(), facts.status().message());
    TrialsFolded folded;
    folded.segment = {name, facts->file.bytes, facts->file.sha256};
    for (const SegmentMember& member : facts->members) {
      folded.members.push_back(
          {member.number, member.attempt, member.facts.bytes, member.facts.sha256});
    }
    add(folded);
    for (const SegmentSource& source : sources) fs::remove(source.path);
  }

  void add_checkpoint(std::int64_t step) {
    CheckpointRecord record;
    record.number = 3;
    record.key = "key-of-trial-3";
    record.numeric_fingerprint = "numbers";
    record.state.steps = step;
    record.state.tensors = {counting_tensor("code/weights", {7, 3}, Scalar::kF32, 1)};
    const std::string name = checkpoint_file(3, 1, step);
    Result<FileFacts> facts = write_checkpoint(folder_.file(name), record);
    AESWEEP_CHECK(facts.ok(), facts.status().message());
    CheckpointWritten written;
    written.number = 3;
    written.step = step;
    written.file = {name, facts->bytes, facts->sha256};
    add(written);
  }

  void end_job() {
    Result<FileFacts> facts = write_run_results(folder_, state_, ResultsExtent::kWhole);
    AESWEEP_CHECK(facts.ok(), facts.status().message());
    add(ResultsWritten{{"results.h5", facts->bytes, facts->sha256}});
    add(JobEnded{"", 0, 5.0, ""});
  }

  void expect_clean() const {
    const ValidationReport report = validate_run(folder_);
    EXPECT_TRUE(report.problems.empty()) << report.problems[0];
    EXPECT_TRUE(report.notes.empty()) << report.notes[0];
  }
  // Some problem, and all of them, name the file; a single one of results.h5, with what mends it.
  void expect_problem(const std::string& name) const {
    const ValidationReport report = validate_run(folder_);
    EXPECT_FALSE(report.problems.empty()) << name;
    for (const std::string& problem : report.problems) {
      EXPECT_NE(problem.find(name), std::string::npos) << problem;
      EXPECT_EQ(problem.find("run `aesweep validate`"), std::string::npos) << problem;
      const bool of_checkpoint = name.find("checkpoints/") != std::string::npos;
      EXPECT_EQ(problem.find("costs time alone") != std::string::npos, of_checkpoint) << problem;
      const bool of_results = name.find("results.h5") != std::string::npos;
      EXPECT_EQ(problem.find("aesweep rebuild " + folder_.path) != std::string::npos, of_results)
          << problem;
      EXPECT_TRUE(!of_results || report.problems.size() == 1U) << problem;
    }
  }
  void expect_note(const std::string& name) const {
    const ValidationReport report = validate_run(folder_);
    EXPECT_TRUE(report.problems.empty()) << report.problems[0];
    ASSERT_EQ(report.notes.size(), 1U) << name;
    EXPECT_NE(report.notes[0].find(name), std::string::npos) << report.notes[0];
  }

  const TemporaryFolder temporary_;
  const RunFolder folder_{temporary_.path("run")};
  std::unique_ptr<JournalFile> journal_;
  RunState state_;
};

TEST_F(RunTest, SourcesAreWhereTheJournalSays) {
  const std::vector<TrialSource> sources = trial_sources(folder_, state_);
  ASSERT_EQ(sources.size(), 3U);
  EXPECT_TRUE(sources[0].in_segment);
  EXPECT_EQ(sources[0].path, folder_.file("trials/000000-000001.1.segment"));
  EXPECT_EQ(sources[0].expected.sha256, state_.segments[0].members[0].sha256);
  EXPECT_FALSE(sources[2].in_segment);
  EXPECT_EQ(sources[2].path, folder_.file("trials/000002.1.h5"));
  EXPECT_EQ(sources[2].expected.sha256, state_.trials[2].finished[0].finished.file.sha256);
  EXPECT_TRUE(sources[0].weights);
  EXPECT_TRUE(sources[1].weights);
  EXPECT_FALSE(sources[2].weights);  // The third of the two best.
}

// A fact of /runtime, which is there once.
std::string fact(const RunRecord& record, const std::string& name) {
  std::string value;
  int count = 0;
  for (const auto& [key, said] : record.runtime) {
    if (key == name) value = said, ++count;
  }
  EXPECT_EQ(count, 1) << name;
  return value;
}

TEST_F(RunTest, TheRecordSaysWhoAndHowLong) {
  add(JobEnded{"", 75, 2.5, "TERM"});
  JobStarted again = *state_.job;
  again.ranks = 3;
  add(again);
  add(JobEnded{"", 0, 1.25, ""});
  const RunRecord record = run_record(folder_, state_, "text");
  EXPECT_EQ(record.experiment_text, "text");
  EXPECT_EQ(record.metric, "test/fvu");
  ASSERT_EQ(record.trial_runtime.size(), 3U);
  EXPECT_TRUE(record.trial_runtime[0].reproducible);
  EXPECT_FALSE(record.trial_runtime[1].reproducible);
  EXPECT_FALSE(record.trial_runtime[0].current);
  EXPECT_TRUE(record.trial_runtime[1].current);
  EXPECT_EQ(record.trial_runtime[2].seconds, 2.0);
  EXPECT_EQ(fact(record, "seconds"), "3.750");
  EXPECT_EQ(fact(record, "jobs"), "2");
  EXPECT_EQ(fact(record, "ranks"), "3");
  EXPECT_EQ(fact(record, "reproducible"), "0");
  EXPECT_EQ(fact(record, "host"), "from-the-job");
  EXPECT_EQ(fact(record, "mpi"), "4.1");
}

TEST_F(RunTest, TwoNumericFingerprintsAreMarkedForGood) {
  JobStarted job = *state_.job;
  job.numeric_fingerprint = "other";
  add(job);
  EXPECT_EQ(fact(run_record(folder_, state_, "text"), "reproducible"), "0");  // Of trial 1.
  state_.trials[1].finished[0].finished.reproducible = true;
  EXPECT_EQ(fact(run_record(folder_, state_, "text"), "reproducible"), "1");
  add_trial(4);
  for (int jobs = 0; jobs < 2; ++jobs) {
    const RunRecord record = run_record(folder_, state_, "text");
    EXPECT_EQ(fact(record, "reproducible"), "0");
    EXPECT_EQ(record.trial_runtime.at(0).numeric_fingerprint, "");
    EXPECT_EQ(record.trial_runtime.at(3).numeric_fingerprint, "other");
    EXPECT_TRUE(record.trial_runtime.at(3).reproducible) << "all of it is of one machine";
    add(job);  // Another that is as the last one.
  }
}

TEST_F(RunTest, PluginsAreThoseOfAllJobs) {
  JobStarted job = *state_.job;
  const PluginRecord tanh{"activation", "tanh", "activations", "0.1.0", "aa", "0.1"};
  const PluginRecord relu{"activation", "relu", "activations", "0.1.0", "aa", "0.1"};
  job.plugins = {tanh};
  add(job);
  job.plugins = {relu, tanh};
  add(job);
  job.plugins = {relu};
  add(job);
  EXPECT_EQ(run_record(folder_, state_, "text").plugins, (std::vector<PluginRecord>{tanh, relu}));
}

TEST_F(RunTest, WeightsThatAnotherRuleLeftOutAreNamed) {
  const auto left_out = [this](std::int64_t best, bool minimize) {
    state_.job->best_weights = best;
    state_.job->minimize = minimize;
    return weights_left_out(state_);
  };
  using Numbers = std::vector<std::int64_t>;
  EXPECT_EQ(left_out(1, true), Numbers{});  // Trial 0, as the segment was written.
  EXPECT_EQ(left_out(0, true), Numbers{1});
  EXPECT_EQ(left_out(2, true), Numbers{1});
  EXPECT_EQ(left_out(1, false), Numbers{});  // Trial 2, in a file of its own.
  EXPECT_EQ(left_out(2, false), Numbers{1});
}

TEST_F(RunTest, ResultsAreWrittenFromTheJournalAlone) {
  Result<FileFacts> first = write_run_results(folder_, state_, ResultsExtent::kWhole);
  ASSERT_TRUE(first.ok()) << first.status().message();
  Result<JournalLines> lines = read_journal(folder_.journal());
  ASSERT_TRUE(lines.ok());
  Result<RunState> replayed = replay(lines->payloads);
  ASSERT_TRUE(replayed.ok()) << replayed.status().message();
  fs::remove(folder_.results());
  Result<FileFacts> second = write_run_results(folder_, *replayed, ResultsExtent::kWhole);
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_EQ(*first, *second);
  temporary_.write("run/experiment.yaml", "schema: 2\nname: sample\n");
  second = write_run_results(folder_, *replayed, ResultsExtent::kWhole);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find("experiment.yaml"), std::string::npos);
  EXPECT_FALSE(write_run_results(folder_, RunState(), ResultsExtent::kTables).ok());
}

TEST_F(RunTest, AGoodRunIsClean) {
  expect_clean();
  end_job();
  expect_clean();
  fs::remove(folder_.file(checkpoint_file(3, 1, 10)));  // An older one may be gone.
  expect_clean();
  EXPECT_EQ(validate_run(folder_).files, 5);
}

TEST_F(RunTest, EachDamagedFileIsNamed) {
  end_job();
  for (const std::string& name :
       {experiment_file(1), trial_file(2, 1), segment_file(0, 1, 1), checkpoint_file(3, 1, 10),
        checkpoint_file(3, 1, 20), std::string("results.h5")}) {
    const std::string path = folder_.file(name);
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::string damaged = bytes;
    damaged[bytes.size() / 2] = static_cast<char>(damaged[bytes.size() / 2] ^ 4);
    temporary_.write("run/" + name, damaged);
    expect_problem(name);
    temporary_.write("run/" + name, bytes.substr(0, bytes.size() - 1));
    expect_problem(name);
    temporary_.write("run/" + name, bytes);
    if (name == checkpoint_file(3, 1, 10)) continue;
    fs::remove(path);
    expect_problem(name);
    fs::create_symlink("/dev/null", path);
    expect_problem(name);
    fs::remove(path);
    temporary_.write("run/" + name, bytes);
    expect_clean();
  }
}

// Lost attempts, in a file and in a segment, hinder nobody: their trials are to run again.
TEST_F(RunTest, LostAttemptsAreNotedAndLeftOut) {
  const std::string segment = segment_file(0, 1, 1);
  std::ifstream file(folder_.file(segment), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::size_t last = bytes.size() / 4;  // In the first member.
  bytes[last] = static_cast<char>(bytes[last] ^ 4);
  temporary_.write("run/" + segment, bytes);
  expect_problem(segment);
  EXPECT_NE(validate_run(folder_).problems.at(0).find("--rerun damaged"), std::string::npos);
  EXPECT_FALSE(write_run_results(folder_, state_, ResultsExtent::kTables).ok());
  add(TrialRerun{0, 2, true});
  ValidationReport report = validate_run(folder_);
  EXPECT_TRUE(report.problems.empty()) << report.problems[0];
  EXPECT_FALSE(report.notes.empty());
  fs::remove(folder_.file(trial_file(2, 1)));
  add(TrialRerun{2, 2, true});
  report = validate_run(folder_);
  EXPECT_TRUE(report.problems.empty()) << report.problems[0];
  const std::vector<TrialSource> sources = trial_sources(folder_, state_);
  ASSERT_EQ(sources.size(), 1U);
  EXPECT_EQ(sources[0].number, 1);
  const Result<FileFacts> written = write_run_results(folder_, state_, ResultsExtent::kWhole);
  EXPECT_TRUE(written.ok()) << written.status().message();
}

TEST_F(RunTest, ATrialsFileUnderAnotherNumberIsNamed) {
  const TrialResult result = sample_result(7, 3);
  Result<FileFacts> facts = write_trial(folder_.file(trial_file(4, 1)), sample_record(7, result));
  ASSERT_TRUE(facts.ok());
  TrialFinished finished;
  finished.number = 4;
  finished.file = {trial_file(4, 1), facts->bytes, facts->sha256};
  add(finished);
  expect_problem("trials/000004.1.h5: holds trial 7");
}

TEST_F(RunTest, DamageOfTheJournalIsNamed) {
  std::string bytes;
  {
    std::ifstream file(folder_.journal(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  temporary_.write("run/journal", bytes + "half a li");
  expect_note("its last 9 bytes");
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  temporary_.write("run/journal", bytes);
  expect_problem("journal");
  fs::remove(folder_.journal());
  expect_problem(folder_.path);
}

TEST_F(RunTest, FilesThatNobodyNamesAreNoted) {
  const auto noted = [&](const std::string& name) {
    temporary_.write("run/" + name, "x");
    expect_note(name);
    fs::remove(folder_.file(name));
  };
  noted("notes.txt");
  noted("trials/000009.1.h5");
  noted("checkpoints/.x.1.2.tmp");
  noted("crash/core");
  noted("live.json");
  temporary_.write("run/crash/rank-0", "");
  expect_clean();
  temporary_.write("run/lease", encode_lease(this_process()));
  expect_note("is at work");
  temporary_.write("run/lease", "x");
  expect_problem("lease");
}

}  // namespace
}  // namespace aesweep
