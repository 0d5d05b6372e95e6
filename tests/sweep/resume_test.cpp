// Jobs that follow each other on one run folder: resumed, extended and rerun sweeps end as if they
// had been one job, finished ones do nothing, and what does not fit is refused with nothing
// changed.

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/text.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/journal/lease.hpp"
#include "runner/sweep/sweep.hpp"
#include "runner/watch/crash_slot.hpp"
#include "tests/comm/mpi_main.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/sweep/fake_group.hpp"
#include "tests/sweep/fake_sweep.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

constexpr std::int64_t kEpochs = 4;
constexpr std::int64_t kSteps = kEpochs * kFakeBatches;  // Of a trial.

bool is_first() { return test_world().rank() == 0; }

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A run folder that all ranks share, and jobs on it, one after the other.
class Jobs {
 public:
  Jobs() {
    if (is_first()) folder_.emplace();
    options.output = test_world().broadcast(folder_ ? folder_->path("run") : "");
    services = fake_services(log);
    const SweepServices steps = group_services([this](const TrialSpec& spec, std::int64_t step) {
      ++trained;
      if (!interrupts || spec.train.seed != 1 || step < 7) return;
      interrupts = false;
      ::raise(SIGUSR1);
    });
    services.run_trial = steps.run_trial;
    services.write_checkpoint = steps.write_checkpoint;
    services.read_checkpoint = steps.read_checkpoint;
  }
  ~Jobs() { test_world().barrier(); }
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // The status of rank 0. `start` and the rest of the options hold from now on.
  int run(StartMode start, const Experiment& experiment) {
    options.start = start;
    trained = 0;
    log.results_of.clear();
    log.results_record.reset();
    ::signal(SIGUSR1, SIG_DFL);  // A sweep that has ended leaves it ignored.
    test_world().barrier();
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int mine = run_sweep(test_world(), options, experiment, Catalogue(), services);
    said = test_world().broadcast(testing::internal::GetCapturedStderr());
    table = test_world().broadcast(testing::internal::GetCapturedStdout());
    return std::stoi(test_world().broadcast(text(mine)));
  }
  // Steps of all ranks.
  [[nodiscard]] std::int64_t steps() const {
    std::int64_t all = 0;
    for (const std::string& one : test_world().all_gather(text(trained))) all += std::stoll(one);
    return all;
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return options.output + "/" + name;
  }
  [[nodiscard]] Files trials() const {
    Files files;
    for (const auto& entry : fs::directory_iterator(path("trials"))) {
      files[entry.path().filename().string()] = bytes_of(entry.path());
    }
    return files;
  }
  [[nodiscard]] std::size_t count(const std::string& folder) const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path(folder)), fs::directory_iterator()));
  }
  // Leaves a run in which the trial of seed 1 is left after some steps. All its ranks are
  // signalled: a launcher does the same.
  void interrupt(const Experiment& experiment) {
    interrupts = true;
    EXPECT_EQ(run(StartMode::kAuto, experiment), 75) << said;
    interrupts = false;
  }

  FakeLog log;
  SweepServices services;
  SweepOptions options;
  bool interrupts = false;
  std::int64_t trained = 0;  // Steps, by this rank.
  std::string said;          // By rank 0 on stderr,
  std::string table;         // and on stdout.

 private:
  std::optional<TemporaryFolder> folder_;
};

Experiment experiment_of(int trials) {
  Experiment experiment = fake_experiment(trials);
  for (PlannedTrial& trial : experiment.trials) {
    trial.spec.train.epochs = kEpochs;
    trial.spec.train.batch_rows = 10;
  }
  experiment.metric = "test/mix";
  return experiment;
}

void expect_said(const Jobs& jobs, const std::string& words) {
  EXPECT_NE(jobs.said.find(words), std::string::npos) << jobs.said;
}

TEST(Resume, AnInterruptedSweepEndsAsIfItHadNotBeen) {
  Jobs whole;
  ASSERT_EQ(whole.run(StartMode::kNew, experiment_of(5)), 0) << whole.said;
  for (const int ranks_per_trial : {0, 1, 2}) {
    Jobs jobs;
    Experiment experiment = experiment_of(5);
    experiment.ranks_per_trial = ranks_per_trial;
    jobs.interrupt(experiment);
    expect_said(jobs, "interrupted (SIGUSR1): ");
    expect_said(jobs, " of 5 trials finished; go on with --resume");
    EXPECT_FALSE(fs::exists(jobs.path("results.h5")));
    EXPECT_GE(jobs.count("checkpoints"), 1U);
    EXPECT_EQ(jobs.table.find("/results.h5\n"), std::string::npos);

    experiment.ranks_per_trial = 1;  // As if the number of ranks were another one.
    EXPECT_EQ(jobs.run(StartMode::kResume, experiment), 0) << jobs.said;
    expect_said(jobs, "trial 1 (seed=1) goes on at step 8, epoch ");
    EXPECT_LT(jobs.steps(), 5 * kSteps);  // What was done was not done again.
    EXPECT_EQ(jobs.trials(), whole.trials());
    EXPECT_EQ(jobs.count("checkpoints"), 0U);
    EXPECT_EQ(jobs.table.substr(0, jobs.table.find("/")),
              whole.table.substr(0, whole.table.find("/")));
    if (is_first()) {
      EXPECT_EQ(jobs.log.results_of.size(), 5U);
    }
  }
}

TEST(Resume, AFinishedRunOnlyReports) {
  Jobs jobs;
  ASSERT_EQ(jobs.run(StartMode::kAuto, experiment_of(3)), 0) << jobs.said;
  const std::string table = jobs.table;
  const std::string journal = bytes_of(jobs.path("journal"));
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0);
  EXPECT_EQ(jobs.table, table);
  EXPECT_EQ(jobs.steps(), 0);
  EXPECT_EQ(bytes_of(jobs.path("journal")), journal);
  test_world().barrier();
  if (is_first()) fs::remove(jobs.path("results.h5"));
  EXPECT_EQ(jobs.run(StartMode::kAuto, experiment_of(3)), 0) << jobs.said;
  EXPECT_TRUE(fs::exists(jobs.path("results.h5")));
  EXPECT_EQ(jobs.table, table);
  EXPECT_EQ(jobs.steps(), 0);
}

// Writes another byte over one that is there.
void damage(const std::string& path, std::size_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file.put('\xff');
}

TEST(Resume, DamagedResultsOfAFinishedRunAreWrittenAgain) {
  Jobs jobs;
  ASSERT_EQ(jobs.run(StartMode::kAuto, experiment_of(3)), 0) << jobs.said;
  const std::string results = bytes_of(jobs.path("results.h5"));
  test_world().barrier();
  if (is_first()) damage(jobs.path("results.h5"), 2);  // Of the same size.
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0) << jobs.said;
  expect_said(jobs, "results.h5 is missing, or its bytes are not those");
  expect_said(jobs, "3 trials, none left to run, ");
  EXPECT_EQ(bytes_of(jobs.path("results.h5")), results);
  EXPECT_EQ(jobs.steps(), 0);
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0);
  EXPECT_EQ(jobs.said, "");
}

TEST(Resume, DamagedAndMissingTrialsRunAgainWhenAskedFor) {
  Jobs jobs;
  Experiment experiment = experiment_of(4);
  experiment.ranks_per_trial = 1;  // Steps are counted on each rank.
  ASSERT_EQ(jobs.run(StartMode::kNew, experiment), 0) << jobs.said;
  const Files before = jobs.trials();
  test_world().barrier();
  if (is_first()) {
    damage(jobs.path("trials/000001.1.h5"), 3);
    fs::remove(jobs.path("trials/000002.1.h5"));
    fs::remove(jobs.path("results.h5"));
  }
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment), 3);
  expect_said(jobs, "trials/000002.1.h5 is missing");
  expect_said(jobs, "--rerun damaged");
  jobs.options.rerun_damaged = true;
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment), 0) << jobs.said;
  expect_said(jobs,
              "trial 1: what was stored of it is missing or damaged; it runs again as attempt 2");
  EXPECT_EQ(jobs.steps(), 2 * kSteps);
  EXPECT_EQ(jobs.trials()["000001.2.h5"], before.at("000001.1.h5"));
  EXPECT_EQ(jobs.trials()["000002.2.h5"], before.at("000002.1.h5"));
  if (is_first()) {
    ASSERT_EQ(jobs.log.results_of.size(), 4U);
    EXPECT_TRUE(jobs.log.results_of[1].ends_with("000001.2.h5"));
  }
  // Nothing is damaged any more; the lost files hinder nobody.
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment), 0) << jobs.said;
  EXPECT_EQ(jobs.steps(), 0);
  jobs.options.rerun_damaged = false;
  EXPECT_EQ(jobs.run(StartMode::kExtend, experiment_of(5)), 0) << jobs.said;
}

TEST(Resume, StartsThatDoNotFitAreRefused) {
  Jobs jobs;
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(2)), 2);
  expect_said(jobs, "there is no run in ");
  EXPECT_EQ(jobs.run(StartMode::kExtend, experiment_of(2)), 2);
  EXPECT_FALSE(fs::exists(jobs.options.output));
  ASSERT_EQ(jobs.run(StartMode::kAuto, experiment_of(2)), 0);
  EXPECT_EQ(jobs.run(StartMode::kNew, experiment_of(2)), 2);
  expect_said(jobs, "--resume");
  expect_said(jobs, "--extend");
  const std::string journal = bytes_of(jobs.path("journal"));
  for (const StartMode mode : {StartMode::kResume, StartMode::kAuto}) {
    EXPECT_EQ(jobs.run(mode, experiment_of(3)), 2);
    expect_said(jobs, "1 of this experiment are not among them");
    expect_said(jobs, "--extend");
  }
  EXPECT_EQ(jobs.steps(), 0);
  EXPECT_EQ(bytes_of(jobs.path("journal")), journal);
}

TEST(Resume, AnExtensionRunsOnlyWhatIsNew) {
  Jobs jobs;
  ASSERT_EQ(jobs.run(StartMode::kNew, experiment_of(3)), 0);
  Experiment more = experiment_of(6);
  more.trials.erase(more.trials.begin());  // Not asked for any more, and still there.
  more.text += "# more\n";
  EXPECT_EQ(jobs.run(StartMode::kExtend, more), 0) << jobs.said;
  EXPECT_EQ(jobs.trials().size(), 6U);
  EXPECT_EQ(bytes_of(jobs.path("experiment.2.yaml")), more.text);
  EXPECT_EQ(bytes_of(jobs.path("experiment.yaml")), experiment_of(3).text);
  EXPECT_NE(jobs.trials()["000003.1.h5"].find("completed"), std::string::npos);
  EXPECT_EQ(jobs.run(StartMode::kResume, more), 0);
  EXPECT_EQ(jobs.steps(), 0);
  EXPECT_FALSE(fs::exists(jobs.path("experiment.3.yaml")));
}

TEST(Resume, FailedTrialsRunAgainAsNewAttempts) {
  Jobs jobs;
  std::atomic<bool> fails = true;
  jobs.services.run_trial = [run = jobs.services.run_trial, &fails](
                                const TrialSpec& spec, const Catalogue& catalogue,
                                const Dataset& data, Exchange& exchange, TrialControl& control,
                                const TrialState* from) {
    TrialResult result = run(spec, catalogue, data, exchange, control, from);
    if (spec.train.seed == 1 && fails) result.outcome = Outcome::kFailed;
    return result;
  };
  EXPECT_EQ(jobs.run(StartMode::kNew, experiment_of(3)), 1);
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 1) << "as before";
  EXPECT_EQ(jobs.steps(), 0);
  fails = false;
  jobs.options.rerun_failed = true;
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0) << jobs.said;
  const Files trials = jobs.trials();
  EXPECT_EQ(trials.size(), 4U);
  EXPECT_NE(trials.at("000001.1.h5").find("failed"), std::string::npos);
  EXPECT_NE(trials.at("000001.2.h5").find("completed"), std::string::npos);
  if (is_first()) {
    EXPECT_EQ(jobs.log.results_of.size(), 3U);
    EXPECT_TRUE(jobs.log.results_of[1].ends_with("000001.2.h5"));
  }
}

TEST(Resume, ASecondJobOnTheFolderIsRefusedAndNamesTheFirst) {
  Jobs jobs;
  jobs.interrupt(experiment_of(3));
  std::optional<Lease> held;
  if (is_first()) {
    Result<Lease> lease = Lease::acquire(jobs.path("lease"), LeaseWait::kNo);
    ASSERT_TRUE(lease.ok()) << lease.status().message();
    held.emplace(std::move(lease).value());
  }
  const std::string journal = bytes_of(jobs.path("journal"));
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 3);
  if (is_first()) expect_said(jobs, text("pid ", ::getpid()));
  EXPECT_EQ(jobs.steps(), 0);
  EXPECT_EQ(bytes_of(jobs.path("journal")), journal);
  test_world().barrier();
  held.reset();
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0) << jobs.said;
}

TEST(Resume, ATornJournalIsCutAndSaidSo) {
  Jobs jobs;
  jobs.interrupt(experiment_of(3));
  if (is_first()) std::ofstream(jobs.path("journal"), std::ios::app) << "0123abcd 99 half a li";
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0) << jobs.said;
  expect_said(jobs, "the journal's last 21 bytes were cut short");
  EXPECT_TRUE(read_journal(jobs.path("journal")).ok());
}

TEST(Resume, AnotherNumericFingerprintNeedsConsent) {
  Jobs jobs;
  jobs.interrupt(experiment_of(3));
  jobs.services.numeric_fingerprint = [] { return "ffffffffffffffff"; };
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 2);
  expect_said(jobs, "--accept-numerics");
  jobs.options.accept_numerics = true;
  ASSERT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0) << jobs.said;
  if (!is_first() || jobs.log.results_record == nullptr) return;
  int marked = 0;
  for (const TrialRuntime& trial : jobs.log.results_record->trial_runtime) {
    if (!trial.reproducible) ++marked;
  }
  EXPECT_GE(marked, 1);
}

// As a rank left it that the next job does not have.
constexpr int kGoneRank = 9;

void leave_crash(const Jobs& jobs, std::int64_t trial) {
  if (!is_first()) return;
  Result<CrashSlot> slot = CrashSlot::create(jobs.path("crash"), kGoneRank);
  ASSERT_TRUE(slot.ok()) << slot.status().message();
  slot->set_trial(trial, 1);
  slot->arm();
  note_crash("SIGSEGV in activation bad (/a/path), forward, layer code, step 8");
}

TEST(Resume, ATrialThatCrashedTwiceFailsAndTheOthersGoOn) {
  Jobs jobs;
  jobs.options.supervised = true;
  jobs.interrupt(experiment_of(3));
  leave_crash(jobs, 1);
  jobs.interrupts = true;
  EXPECT_EQ(jobs.run(StartMode::kAuto, experiment_of(3)), 75) << jobs.said;
  expect_said(jobs, "trial 1 crashed on rank 9: SIGSEGV in activation bad");
  if (is_first()) {
    EXPECT_FALSE(fs::exists(jobs.path("crash/rank-9"))) << "it would be charged again";
  }
  jobs.interrupts = false;
  leave_crash(jobs, 1);
  EXPECT_EQ(jobs.run(StartMode::kAuto, experiment_of(3)), 1) << jobs.said;
  const std::string why = "crashed in two jobs: SIGSEGV in activation bad";
  EXPECT_NE(jobs.table.find(why), std::string::npos) << jobs.table;
  expect_said(jobs, why + " (/a/path), forward, layer code, step 8");
  EXPECT_EQ(jobs.table.find(why + " ("), std::string::npos) << jobs.table;
  EXPECT_NE(jobs.trials().at("000001.1.h5").find(why), std::string::npos);
  EXPECT_EQ(jobs.trials().at("000001.1.h5").find("step 8"), std::string::npos);
  EXPECT_EQ(jobs.trials().size(), 3U);
  EXPECT_EQ(jobs.run(StartMode::kAuto, experiment_of(3)), 1);
  EXPECT_EQ(jobs.steps(), 0);
}

TEST(Resume, AJobThatNobodySupervisesLeavesNoCrashesToALaterOne) {
  Jobs jobs;
  jobs.interrupt(experiment_of(3));
  leave_crash(jobs, 1);
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0) << jobs.said;
  if (is_first()) {
    EXPECT_FALSE(fs::exists(jobs.path("crash/rank-9")));
  }
}

TEST(Resume, ACheckpointThatCannotBeReadEndsTheJobAndStays) {
  Jobs jobs;
  jobs.interrupt(experiment_of(3));
  const std::size_t checkpoints = jobs.count("checkpoints");
  ASSERT_GT(checkpoints, 0U);
  const auto read = jobs.services.read_checkpoint;
  jobs.services.read_checkpoint = [](const std::string& path, const FileFacts&) {
    return Result<CheckpointRecord>(Status::world(path + ": Input/output error"));
  };
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 3) << jobs.said;
  expect_said(jobs, "Input/output error");
  if (is_first()) {
    EXPECT_TRUE(fs::exists(jobs.path(checkpoint_file(1, 1, 8))));
  }
  jobs.services.read_checkpoint = read;
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0) << jobs.said;
}

TEST(Resume, AnotherMetricOfTheSameTrialsNeedsAnExtension) {
  Jobs jobs;
  Experiment experiment = experiment_of(2);
  ASSERT_EQ(jobs.run(StartMode::kNew, experiment), 0) << jobs.said;
  experiment.text += "# edited";
  experiment.goal = Goal::kMaximize;
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment), 2);
  expect_said(jobs, "metric.goal: minimize -> maximize");
  expect_said(jobs, "--extend");
  EXPECT_EQ(jobs.run(StartMode::kExtend, experiment), 0) << jobs.said;
  EXPECT_EQ(jobs.steps(), 0);
  if (jobs.log.results_record != nullptr) {
    EXPECT_FALSE(jobs.log.results_record->minimize);
  }
}

TEST(Resume, OnlyTrialsThatAreToRunAreEstimated) {
  Jobs jobs;
  ASSERT_EQ(jobs.run(StartMode::kNew, experiment_of(3)), 0) << jobs.said;
  int estimates = 0;
  const auto estimate = jobs.services.estimate;
  jobs.services.estimate = [&](const TrialSpec& spec, const Catalogue& catalogue,
                               const DatasetLayout& layout, int ranks) {
    ++estimates;
    return estimate(spec, catalogue, layout, ranks);
  };
  EXPECT_EQ(jobs.run(StartMode::kResume, experiment_of(3)), 0) << jobs.said;
  EXPECT_EQ(estimates, 0);
  EXPECT_EQ(jobs.run(StartMode::kExtend, experiment_of(5)), 0) << jobs.said;
  EXPECT_EQ(estimates, is_first() ? 2 : 0);
}

TEST(Resume, WithoutAFinishedTrialThereIsNoTable) {
  Jobs jobs;
  Experiment experiment = experiment_of(2);
  experiment.trials.erase(experiment.trials.begin());
  jobs.interrupt(experiment);
  EXPECT_EQ(jobs.table, "");
  expect_said(jobs, "0 of 1 trial finished; go on with --resume");
}

// The records of the run's last job.
std::vector<Record> last_job(const Jobs& jobs) {
  std::vector<Record> records;
  Result<JournalLines> lines = read_journal(jobs.path("journal"));
  EXPECT_TRUE(lines.ok()) << lines.status().message();
  for (const std::string& line : lines->payloads) {
    Result<Record> record = decode_record(line);
    EXPECT_TRUE(record.ok()) << record.status().message();
    if (std::holds_alternative<JobStarted>(*record)) records.clear();
    records.push_back(std::move(record).value());
  }
  return records;
}

TEST(Resume, SuspectsOfACrashRunOneAtATime) {
  Jobs jobs;
  jobs.interrupt(experiment_of(6));
  std::set<std::int64_t> suspects;
  for (const Record& record : last_job(jobs)) {
    if (const auto* begun = std::get_if<TrialBegun>(&record)) suspects.insert(begun->number);
    if (const auto* done = std::get_if<TrialFinished>(&record)) suspects.erase(done->number);
  }
  ASSERT_TRUE(suspects.contains(1));
  jobs.options.supervised = true;
  jobs.options.search_crash = true;
  EXPECT_EQ(jobs.run(StartMode::kAuto, experiment_of(6)), 0) << jobs.said;
  expect_said(jobs, "go first, one at a time");
  EXPECT_EQ(jobs.trials().size(), 6U);
  std::set<std::int64_t> running;
  for (const Record& record : last_job(jobs)) {
    if (const auto* begun = std::get_if<TrialBegun>(&record)) {
      running.insert(begun->number);
      EXPECT_TRUE(suspects.empty() || running.size() == 1) << "trial " << begun->number;
      EXPECT_TRUE(suspects.empty() || suspects.contains(begun->number));
    }
    if (const auto* done = std::get_if<TrialFinished>(&record)) {
      running.erase(done->number);
      suspects.erase(done->number);
    }
  }
}

}  // namespace
}  // namespace aesweep
