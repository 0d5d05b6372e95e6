// run_sweep on any number of ranks: each trial runs once on one whole group, every ending is
// agreed, nothing hangs, and results.h5 is there exactly when the exit status says so.

#include "runner/sweep/sweep.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>

#include "core/base/text.hpp"
#include "tests/comm/mpi_main.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/sweep/fake_sweep.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

// One run of a sweep in a folder that all ranks share, and what each rank saw of it.
class SweepRun {
 public:
  SweepRun() : services(fake_services(log)) {
    if (rank() == 0) folder_.emplace();
    options.output = test_world().broadcast(folder_ ? folder_->path("run") : "");
  }
  ~SweepRun() { test_world().barrier(); }  // The folder goes when all have looked.
  SweepRun(const SweepRun&) = delete;
  SweepRun& operator=(const SweepRun&) = delete;

  void run(const Experiment& experiment) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int mine = run_sweep(test_world(), options, experiment, Catalogue(), services);
    faults = testing::internal::GetCapturedStderr();
    table = testing::internal::GetCapturedStdout();
    if (rank() != 0) {
      EXPECT_EQ(mine, 0) << "only rank 0 may exit non-zero";
      EXPECT_EQ(table, "");
      EXPECT_EQ(faults, "");
    }
    status = std::stoi(test_world().broadcast(text(mine)));
    trained = trained_by_leaders();
  }
  [[nodiscard]] static int rank() { return test_world().rank(); }
  [[nodiscard]] bool has_results() const { return fs::exists(options.output + "/results.h5"); }
  [[nodiscard]] std::string file(const std::string& name) const {
    std::ifstream in(options.output + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  FakeLog log;
  SweepServices services;
  SweepOptions options;
  int status = -1;                      // Of rank 0.
  std::string table;                    // What rank 0 wrote to stdout,
  std::string faults;                   // and to stderr.
  std::multiset<std::int64_t> trained;  // Seeds, once for each group that trained them.

 private:
  // A trial counts 1 / (size of its group) on each member, so the sum over ranks is its count.
  [[nodiscard]] std::multiset<std::int64_t> trained_by_leaders() const {
    std::string mine;
    for (std::size_t i = 0; i < log.trained.size(); ++i) {
      mine += text(log.trained[i], ' ', log.group_sizes[i], '\n');
    }
    std::map<std::int64_t, double> counts;
    for (const std::string& lines : test_world().all_gather(mine)) {
      std::istringstream in(lines);
      std::int64_t seed = 0;
      int size = 0;
      while (in >> seed >> size) counts[seed] += 1.0 / size;
    }
    std::multiset<std::int64_t> all;
    for (const auto& [seed, count] : counts) {
      for (int i = 0; i < static_cast<int>(count + 0.5); ++i) all.insert(seed);
    }
    return all;
  }

  std::optional<TemporaryFolder> folder_;
};

std::multiset<std::int64_t> first_numbers(int count) {
  std::multiset<std::int64_t> numbers;
  for (int i = 0; i < count; ++i) numbers.insert(i);
  return numbers;
}

std::size_t count_entries(const std::string& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(Sweep, EveryTrialRunsOnceInGroupsOfAnySize) {
  for (const int ranks_per_trial : {0, 1, 2, 3}) {
    for (const int trials : {1, 2, 7, 37}) {
      SweepRun sweep;
      Experiment experiment = fake_experiment(trials);
      experiment.ranks_per_trial = ranks_per_trial;
      sweep.run(experiment);
      EXPECT_EQ(sweep.status, 0);
      EXPECT_EQ(sweep.trained, first_numbers(trials));
      EXPECT_EQ(count_entries(sweep.options.output + "/trials"), static_cast<std::size_t>(trials));
      EXPECT_TRUE(sweep.has_results());
      EXPECT_EQ(sweep.file("experiment.yaml"), experiment.text);
      if (SweepRun::rank() != 0) continue;
      ASSERT_EQ(sweep.log.results_of.size(), static_cast<std::size_t>(trials));
      EXPECT_TRUE(std::is_sorted(sweep.log.results_of.begin(), sweep.log.results_of.end()));
      EXPECT_EQ(sweep.log.results_record->trial_runtime.size(), static_cast<std::size_t>(trials));
      EXPECT_NE(sweep.table.find("/results.h5\n"), std::string::npos);
      EXPECT_NE(sweep.file("run.log").find("completed"), std::string::npos);
    }
  }
}

TEST(Sweep, OverridesAreAPartOfTheConfigurationNotOfTheCircumstances) {
  SweepRun sweep;
  Experiment experiment = fake_experiment(1);
  experiment.overrides = {{"train.epochs", "3"}, {"train.seed", "2"}};
  sweep.run(experiment);
  if (SweepRun::rank() != 0) return;
  EXPECT_EQ(sweep.log.results_record->overrides, "train.epochs=3\ntrain.seed=2");
  for (const auto& [name, value] : sweep.log.results_record->runtime) EXPECT_NE(name, "overrides");
}

TEST(Sweep, NoTrialsIsAnEmptyResult) {
  SweepRun sweep;
  sweep.run(fake_experiment(0));
  EXPECT_EQ(sweep.status, 0);
  EXPECT_TRUE(sweep.has_results());
}

TEST(Sweep, RanksWithoutWorkAreReported) {
  const int ranks = test_world().ranks();
  SweepRun wide;  // One group of all ranks; a batch has two shards.
  Experiment experiment = fake_experiment(1);
  experiment.ranks_per_trial = ranks;
  wide.run(experiment);
  EXPECT_EQ(wide.file("run.log").find("get no rows") != std::string::npos, ranks > 2);
  SweepRun few;  // One group of one rank.
  experiment.ranks_per_trial = 1;
  few.run(experiment);
  EXPECT_NE(few.file("run.log").find(": 1 trial on 1 group, "), std::string::npos);
  EXPECT_EQ(few.file("run.log").find("nothing to do") != std::string::npos, ranks > 1);
}

TEST(Sweep, EqualTrialsRunOnce) {
  SweepRun sweep;
  Experiment experiment = fake_experiment(5);
  experiment.trials[3] = experiment.trials[1];
  sweep.run(experiment);
  EXPECT_EQ(sweep.status, 0);
  EXPECT_EQ(sweep.trained, (std::multiset<std::int64_t>{0, 1, 2, 4}));
  EXPECT_NE(sweep.file("run.log").find("a trial (seed=1) is the same as trial 1 (seed=1)"),
            std::string::npos);
  EXPECT_TRUE(fs::exists(sweep.options.output + "/trials/000003.1.h5"));
  EXPECT_FALSE(fs::exists(sweep.options.output + "/trials/000004.1.h5"));
}

// Makes trial `seed` end otherwise.
void make_outcome(SweepRun& sweep, std::int64_t seed, Outcome outcome) {
  sweep.services.run_trial = [run = sweep.services.run_trial, seed, outcome](
                                 const TrialSpec& spec, const Catalogue& catalogue,
                                 const Dataset& data, Exchange& exchange, TrialControl& control,
                                 const TrialState* from) {
    TrialResult result = run(spec, catalogue, data, exchange, control, from);
    if (static_cast<std::int64_t>(spec.train.seed) == seed) {
      result.outcome = outcome;
      result.reason = "NaN in step 3, layer code";
      result.history.back().value = 0.0;  // Would be the best.
    }
    return result;
  };
}

TEST(Sweep, AFailedTrialStopsNothingAndExitsWithOne) {
  SweepRun sweep;
  make_outcome(sweep, 2, Outcome::kFailed);
  sweep.run(fake_experiment(7));
  EXPECT_EQ(sweep.status, 1);
  EXPECT_EQ(sweep.trained, first_numbers(7));
  EXPECT_TRUE(sweep.has_results());
  if (SweepRun::rank() == 0) {
    EXPECT_NE(sweep.table.find("trial 2 failed: NaN in step 3, layer code\n"), std::string::npos);
    EXPECT_EQ(sweep.log.results_of.size(), 7U);
  }
}

TEST(Sweep, ARankThatIsAloneAndRunsOutOfMemoryGoesOn) {
  SweepRun sweep;
  sweep.services.estimate = [](const TrialSpec&, const Catalogue&, const DatasetLayout& layout,
                               int) -> Result<TrialEstimate> {
    TrialEstimate estimate;
    estimate.memory_bytes_per_rank = 1000 + layout.bytes;
    return estimate;
  };
  sweep.services.run_trial = [run = sweep.services.run_trial](
                                 const TrialSpec& spec, const Catalogue& catalogue,
                                 const Dataset& data, Exchange& exchange, TrialControl& control,
                                 const TrialState* from) {
    if (spec.train.seed == 2) throw std::bad_alloc();
    if (spec.train.seed == 3) throw std::runtime_error("what went wrong");
    return run(spec, catalogue, data, exchange, control, from);
  };
  Experiment experiment = fake_experiment(7);
  experiment.ranks_per_trial = 1;
  sweep.run(experiment);
  EXPECT_EQ(sweep.status, 1);
  EXPECT_EQ(sweep.trained, (std::multiset<std::int64_t>{0, 1, 4, 5, 6}));
  EXPECT_TRUE(sweep.has_results());
  if (SweepRun::rank() != 0) return;
  for (const char* line : {"trial 2 failed: out of memory: the plan says 1064 bytes per rank\n",
                           "trial 3 failed: what went wrong\n"}) {
    EXPECT_NE(sweep.table.find(line), std::string::npos) << sweep.table;
  }
}

TEST(Sweep, ADivergedTrialIsNoErrorAndNeverBest) {
  SweepRun sweep;
  make_outcome(sweep, 2, Outcome::kDiverged);
  sweep.run(fake_experiment(7));
  EXPECT_EQ(sweep.status, 0);
  if (SweepRun::rank() != 0) return;
  const std::size_t best = sweep.table.find('*');
  ASSERT_NE(best, std::string::npos);
  const std::size_t line = sweep.table.rfind('\n', best) + 1;
  EXPECT_EQ(std::stoi(sweep.table.substr(line)), 6) << sweep.table;  // 1 / 7 is the least.
}

TEST(Sweep, AFullDiskEndsTheSweepWithoutResults) {
  SweepRun sweep;
  sweep.services.write_trial = [write = sweep.services.write_trial](
                                   const std::string& path,
                                   const TrialRecord& record) -> Result<FileFacts> {
    if (record.number >= 3) return Status::world(path + ": no space left on device");
    return write(path, record);
  };
  sweep.run(fake_experiment(100));
  EXPECT_EQ(sweep.status, 3);
  EXPECT_FALSE(sweep.has_results());
  EXPECT_LT(sweep.trained.size(), 100U);
  if (SweepRun::rank() == 0) {
    EXPECT_NE(sweep.faults.find("no space left on device"), std::string::npos) << sweep.faults;
    EXPECT_EQ(sweep.log.results_record, nullptr);
    EXPECT_NE(sweep.table.find("results.h5 is not complete"), std::string::npos);
  }
}

TEST(Sweep, ResultsThatCannotBeWrittenAreAFaultOfTheWorld) {
  SweepRun sweep;
  sweep.services.write_results = [](const RunFolder& folder, const RunState&,
                                    ResultsExtent) -> Result<FileFacts> {
    return Status::world(folder.results() + ": no space left on device");
  };
  sweep.run(fake_experiment(3));
  EXPECT_EQ(sweep.status, 3);
  EXPECT_FALSE(sweep.has_results());
}

// Nothing may have been trained or made when a sweep is refused.
void expect_refused(SweepRun& sweep, int status, const std::string& words,
                    const Experiment& experiment = fake_experiment(4)) {
  sweep.run(experiment);
  EXPECT_EQ(sweep.status, status);
  EXPECT_TRUE(sweep.trained.empty());
  EXPECT_FALSE(sweep.has_results());
  if (SweepRun::rank() == 0) {
    EXPECT_NE(sweep.faults.find(words), std::string::npos) << sweep.faults;
  }
}

TEST(Sweep, AFolderInUseIsRefusedAndLeftAsItIs) {
  SweepRun sweep;
  if (SweepRun::rank() == 0) {
    fs::create_directories(sweep.options.output);
    std::ofstream(sweep.options.output + "/precious.txt") << "mine";
  }
  test_world().barrier();
  expect_refused(sweep, 2, "is not empty and holds no run (it holds precious.txt)");
  EXPECT_EQ(count_entries(sweep.options.output), 1U);
}

TEST(Sweep, AFileInPlaceOfTheFolderIsRefused) {
  SweepRun sweep;
  if (SweepRun::rank() == 0) std::ofstream(sweep.options.output) << "mine";
  test_world().barrier();
  expect_refused(sweep, 2, "not a folder");
}

TEST(Sweep, AFolderThatCannotBeMadeIsAFaultOfTheWorld) {
  SweepRun sweep;
  if (SweepRun::rank() == 0) std::ofstream(sweep.options.output) << "mine";
  test_world().barrier();
  sweep.options.output += "/below";
  expect_refused(sweep, 3, "cannot make folder");
}

TEST(Sweep, BadDataIsRefused) {
  SweepRun missing;
  missing.services.inspect = [](const DataSpec&) -> Result<DatasetLayout> {
    return Status::input("mnist: no such folder");
  };
  expect_refused(missing, 2, "aesweep: mnist: no such folder");
  SweepRun broken;
  broken.services.load = [](const DataSpec&, const DatasetLayout&, std::span<std::byte>) {
    return Status::input("train-images: CRC is wrong");
  };
  expect_refused(broken, 2, "aesweep: train-images: CRC is wrong");
  EXPECT_FALSE(fs::exists(broken.options.output));
}

TEST(Sweep, AnImpossibleModelIsRefusedBeforeAnyTrial) {
  SweepRun sweep;
  sweep.services.estimate = [](const TrialSpec& spec, const Catalogue&, const DatasetLayout&,
                               int) -> Result<TrialEstimate> {
    if (spec.train.seed == 3) return Status::input("layer code: 0 units");
    return TrialEstimate();
  };
  expect_refused(sweep, 2, "fake.yaml: trial 3 (seed=3): layer code: 0 units");
  EXPECT_FALSE(fs::exists(sweep.options.output));
}

// Data with labels up to 6 in the last row of the test split; in its validation split, if it is to
// have one, `last` is the largest.
void give_labels(SweepRun& sweep, std::int32_t last = 0) {
  sweep.services.view = [view = sweep.services.view, last](
                            const DataSpec& spec, const DatasetLayout& layout,
                            std::span<const std::byte> block) -> Result<Dataset> {
    static const std::int32_t train[] = {0, 5, 1};
    static const std::int32_t test[] = {3, 6};
    static std::int32_t validation[] = {0};
    Dataset data = view(spec, layout, block).value();
    data.train.rows = 3;
    data.train.labels = train;
    data.test.rows = 2;
    data.test.labels = test;
    validation[0] = last;
    data.validation.rows = last > 0 ? 1 : 0;
    data.validation.labels = validation;
    return data;
  };
}

TEST(Sweep, FewerClassesThanLabelsAreRefusedBeforeAnyTrial) {
  const auto classes = [](std::int64_t count) {
    Experiment experiment = fake_experiment(3);
    experiment.places["model.classes"] = {7, 12};
    for (PlannedTrial& trial : experiment.trials) trial.spec.model.target = Target::kLabels;
    for (PlannedTrial& trial : experiment.trials) trial.spec.model.classes = 7;
    experiment.trials[1].spec.model.classes = count;
    return experiment;
  };
  SweepRun sweep;
  give_labels(sweep);
  expect_refused(sweep, 2,
                 "aesweep: fake.yaml:7:12: trial 1 (seed=1): model.classes: is 6, but the data has "
                 "the label 6; set it to 7 or more\n",
                 classes(6));
  EXPECT_FALSE(fs::exists(sweep.options.output));
  SweepRun unlabelled;
  expect_refused(unlabelled, 2, "model.target: is labels, but the data has none", classes(7));
  SweepRun validated;
  give_labels(validated, 9);
  expect_refused(validated, 2, "the data has the label 9; set it to 10 or more", classes(7));
  SweepRun enough;
  give_labels(enough, 6);
  enough.run(classes(7));
  EXPECT_EQ(enough.status, 0);
}

TEST(Sweep, AWarmUpThatOutlastsItsTrialIsAWarning) {
  SweepRun sweep;
  sweep.services.estimate = [](const TrialSpec&, const Catalogue&, const DatasetLayout&,
                               int) -> Result<TrialEstimate> {
    TrialEstimate estimate;
    estimate.shards_per_batch = 2;
    estimate.steps = 10;
    return estimate;
  };
  Experiment experiment = fake_experiment(5);
  for (std::size_t i : {0, 1, 2, 4}) experiment.trials[i].spec.train.schedule.warmup_steps = 9 + i;
  sweep.run(experiment);
  EXPECT_EQ(sweep.status, 0);
  if (SweepRun::rank() != 0) return;
  EXPECT_NE(sweep.file("run.log").find("train.schedule.warmup_steps: 11 is more than the 10 steps "
                                       "of trial 2 (seed=2) (and so for 1 other): the learning "
                                       "rate never reaches the one given; lower warmup_steps\n"),
            std::string::npos);
}

TEST(Sweep, RanksThatComputeOtherBitsAreRefusedUnlessAccepted) {
  const auto odd_one_out = [](SweepRun& sweep) {
    sweep.services.numeric_fingerprint = [] {
      return test_world().rank() == 1 ? "1111111111111111" : "0123456789abcdef";
    };
  };
  if (test_world().ranks() > 1) {
    SweepRun sweep;
    odd_one_out(sweep);
    expect_refused(sweep, 3, text("1111111111111111 on rank 1 (", test_world().host(), ")"));
  }
  SweepRun sweep;
  odd_one_out(sweep);
  sweep.options.accept_mixed_nodes = true;
  sweep.run(fake_experiment(4));
  EXPECT_EQ(sweep.status, 0);
  if (SweepRun::rank() != 0) return;
  EXPECT_EQ(sweep.log.results_record->runtime.front().first, "reproducible");
  EXPECT_EQ(sweep.log.results_record->runtime.front().second, test_world().ranks() > 1 ? "0" : "1");
}

}  // namespace
}  // namespace aesweep
