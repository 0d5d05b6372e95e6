// Proves that results.h5 shows every field of trials and run as FORMAT.md says, read on the
// raw HDF5 API; that its bytes depend on its input alone; and that a failure leaves the old file.
#include "runner/store/results_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/store/h5.hpp"
#include "runner/store/image_file.hpp"
#include "tests/store/limited_child.hpp"
#include "tests/store/raw_hdf5.hpp"
#include "tests/store/sample_trials.hpp"
#include "tests/support/h5_compare.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

using Names = std::vector<std::string>;
using Integers = std::vector<std::int64_t>;
using Shape = std::vector<hsize_t>;

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The numbers as text, so that NaN compares.
Names shown(const std::vector<double>& values) {
  Names all;
  for (const double value : values) all.push_back(std::isnan(value) ? "nan" : text(value));
  return all;
}

class ResultsFile : public ::testing::Test {
 protected:
  // Stores the trial and remembers it.
  void add(const TrialRecord& record) { sources_.push_back(store_trial(folder_.path(), record)); }
  void add(std::int64_t number, std::int64_t epochs) {
    const TrialResult result = sample_result(number, epochs);
    add(sample_record(number, result));
  }
  std::string write(const RunRecord& run) {
    const std::string path = folder_.path("results.h5");
    const Status status = write_results(path, run, sources_).status();
    EXPECT_TRUE(status.ok()) << status.message();
    return path;
  }

  TemporaryFolder folder_;
  std::vector<TrialSource> sources_;
};

TEST_F(ResultsFile, Trials) {
  add(2, 3);
  TrialResult failed;
  failed.outcome = Outcome::kFailed;
  failed.reason = std::string(1000, 'r');
  add(sample_record(7, failed));
  add(1, 2);
  const RawFile file(write(sample_run()));
  EXPECT_EQ(file.columns("/trials"),
            (Names{"id:i8", "key:S14", "label:S4", "status:S9", "status_code:i4", "reason:S256",
                   "seed:u8", "epochs:i8", "steps:i8", "p_optimizer_lr:f8", "p_model_units:i8",
                   "p_train_shuffle:u1", "p_model_activation:S4", "train_loss:f8", "test_fvu:f8"}));
  EXPECT_EQ(file.numbers<std::int64_t>("/trials", "id"), (Integers{1, 2, 7}));
  EXPECT_EQ(file.texts("/trials", "key"),
            (Names{"key-of-trial-1", "key-of-trial-2", "key-of-trial-7"}));
  EXPECT_EQ(file.texts("/trials", "label"), (Names{"lr=1", "lr=2", "lr=7"}));
  EXPECT_EQ(file.texts("/trials", "status"), (Names{"completed", "completed", "failed"}));
  EXPECT_EQ(file.numbers<std::int32_t>("/trials", "status_code"),
            (std::vector<std::int32_t>{0, 0, 2}));
  EXPECT_EQ(file.texts("/trials", "reason"), (Names{"", "", std::string(250, 'r') + " [...]"}));
  EXPECT_EQ(file.text("/trial/000007/reason"), failed.reason);
  const std::uint64_t seed = std::uint64_t{1} << 63;
  EXPECT_EQ(file.numbers<std::uint64_t>("/trials", "seed"),
            (std::vector<std::uint64_t>{seed + 1, seed + 2, seed + 7}));
  EXPECT_EQ(file.numbers<std::int64_t>("/trials", "epochs"), (Integers{2, 3, 0}));
  EXPECT_EQ(file.numbers<std::int64_t>("/trials", "steps"), (Integers{74, 111, 0}));
  EXPECT_EQ(file.numbers<double>("/trials", "p_optimizer_lr"),
            (std::vector<double>{0.125, 0.25, 0.875}));
  EXPECT_EQ(file.numbers<std::int64_t>("/trials", "p_model_units"), (Integers{11, 12, 17}));
  EXPECT_EQ(file.numbers<std::int64_t>("/trials", "p_train_shuffle"), (Integers{0, 1, 0}));
  EXPECT_EQ(file.texts("/trials", "p_model_activation"), (Names{"relu", "tanh", "relu"}));
  EXPECT_EQ(shown(file.numbers<double>("/trials", "train_loss")),
            shown({1 + 1.0 / 2, 2 + 1.0 / 3, NAN}));
  EXPECT_EQ(shown(file.numbers<double>("/trials", "test_fvu")),
            shown({1 - 1.0 / 2, 2 - 1.0 / 3, NAN}));
}

TEST_F(ResultsFile, HistoryIsOrdered) {
  TrialResult result = sample_result(2, 2);
  std::reverse(result.history.begin(), result.history.end());
  add(sample_record(2, result));
  add(1, 1);
  const RawFile file(write(sample_run()));
  EXPECT_EQ(file.columns("/history"),
            (Names{"trial:i8", "epoch:i8", "step:i8", "metric:S10", "value:f8"}));
  EXPECT_EQ(file.numbers<std::int64_t>("/history", "trial"), (Integers{1, 1, 2, 2, 2, 2}));
  EXPECT_EQ(file.numbers<std::int64_t>("/history", "epoch"), (Integers{1, 1, 1, 1, 2, 2}));
  EXPECT_EQ(file.numbers<std::int64_t>("/history", "step"), (Integers{37, 37, 37, 37, 74, 74}));
  const std::string loss = "train/loss", fvu = "test/fvu";
  EXPECT_EQ(file.texts("/history", "metric"), (Names{loss, fvu, loss, fvu, loss, fvu}));
  EXPECT_EQ(file.numbers<double>("/history", "value"), (std::vector<double>{2, 0, 3, 1, 2.5, 1.5}));
}

TEST_F(ResultsFile, MetricsArePaddedWithNan) {
  TrialResult sparse;  // Evaluated at epochs 2 and 5 only, and with one metric of its own.
  sparse.metrics = {{"test/fvu", "1", "another formula"}, {"test/l0", "units", "count"}};
  sparse.history = {{2, 20, 0, 0.5}, {5, 50, 0, 0.25}, {5, 50, 1, 3}};
  add(sample_record(4, sparse));
  add(1, 2);
  const RawFile file(write(sample_run()));
  EXPECT_EQ(file.members("/metrics"),
            (Names{"epoch", "test_fvu", "test_l0", "train_loss", "trial"}));
  EXPECT_EQ(file.numbers<std::int64_t>("/metrics/trial"), (Integers{1, 4}));
  EXPECT_EQ(file.numbers<std::int64_t>("/metrics/epoch"), (Integers{1, 2, 5}));
  EXPECT_EQ(file.shape("/metrics/test_fvu"), (Shape{2, 3}));
  EXPECT_EQ(file.columns("/metrics/test_fvu"), Names{"f8"});
  EXPECT_EQ(shown(file.numbers<double>("/metrics/test_fvu")), shown({0, 0.5, NAN, NAN, 0.5, 0.25}));
  EXPECT_EQ(shown(file.numbers<double>("/metrics/test_l0")), shown({NAN, NAN, NAN, NAN, NAN, 3}));
  EXPECT_EQ(file.text_attribute("/metrics/test_l0", "unit"), "units");
  EXPECT_EQ(file.text_attribute("/metrics/test_l0", "formula"), "count");
  EXPECT_EQ(file.text_attribute("/metrics/test_l0", "metric"), "test/l0");
  EXPECT_EQ(file.text_attribute("/metrics/test_fvu", "formula"),
            "squared error / variation | another formula");
  EXPECT_EQ(file.text_attribute("/metrics/trial", "CLASS"), "DIMENSION_SCALE");
  EXPECT_EQ(file.text_attribute("/metrics/epoch", "NAME"), "epoch");
}

TEST_F(ResultsFile, FormulasThatDifferAreListed) {
  for (std::int64_t number = 1; number <= 6; ++number) {
    TrialResult result = sample_result(number, 1);
    result.metrics[0].formula = text("active above ", number);
    add(sample_record(number, result));
  }
  const RawFile file(write(sample_run()));
  EXPECT_EQ(file.text_attribute("/metrics/train_loss", "formula"),
            "active above 1 | active above 2 | active above 3 | active above 4 | and 2 more");
}

TEST_F(ResultsFile, ParametersAndTrialObjects) {
  TrialResult first = sample_result(1, 1), second = sample_result(2, 1);
  TrialRecord mixed = sample_record(1, first), other = sample_record(2, second);
  mixed.parameters = {{"a.b", std::int64_t{1}}, {"c", true}, {"only.here", 0.5}};
  other.parameters = {{"a.b", 0.5}, {"c", std::string("auto")}, {"late", std::string("x")}};
  add(mixed);
  add(other);
  const RawFile file(write(sample_run()));
  EXPECT_EQ(file.members("/params"), (Names{"a_b", "c", "late", "only_here"}));
  EXPECT_EQ(file.numbers<double>("/params/a_b"), (std::vector<double>{1, 0.5}));
  EXPECT_EQ(file.texts("/params/c"), (Names{"true", "auto"}));
  EXPECT_EQ(file.texts("/params/late"), (Names{"", "x"}));
  EXPECT_EQ(shown(file.numbers<double>("/params/only_here")), shown({0.5, NAN}));
  EXPECT_EQ(file.text_attribute("/params/only_here", "parameter"), "only.here");
  EXPECT_EQ(file.texts("/trials", "p_c"), (Names{"true", "auto"}));
  EXPECT_EQ(file.members("/trial"), (Names{"000001", "000002"}));
  EXPECT_EQ(file.members("/trial/000002"), (Names{"config", "input_scale", "input_shift", "samples",
                                                  "weights_final", "weights_initial"}));
  EXPECT_EQ(file.text("/trial/000002/config"), other.config);
  EXPECT_EQ(file.shape("/trial/000002/weights_final/code_weights"), (Shape{7, 3}));
  EXPECT_EQ(file.numbers<float>("/trial/000002/weights_final/code_bias"),
            (std::vector<float>{102.5F, 103.5F, 104.5F}));
  EXPECT_EQ(file.numbers<std::int32_t>("/trial/000002/samples/labels"), second.sample_labels);
}

TEST_F(ResultsFile, Provenance) {
  add(1, 1);
  add(2, 1);
  const RunRecord run = sample_run();
  const RawFile file(write(run));
  EXPECT_EQ(file.members("/"), (Names{"config", "history", "metrics", "params", "plugins",
                                      "runtime", "trial", "trials"}));
  EXPECT_EQ(file.text_attribute("/", "format"), "aesweep-results");
  EXPECT_EQ(file.text_attribute("/", "format_version"), "1.3");
  EXPECT_EQ(file.text_attribute("/", "software"), "aesweep");
  EXPECT_EQ(file.text_attribute("/", "software_version"), "0.1.0");
  EXPECT_EQ(file.text_attribute("/", "software_revision"), "0123abc");
  EXPECT_EQ(file.text("/config/experiment"), run.experiment_text);
  EXPECT_EQ(file.text("/config/resolved"),
            "--- # trial 1\ntrial: 1\nmodel:\n  layers: [code]\n--- # trial 2\ntrial: 2\nmodel:\n  "
            "layers: [code]\n");
  EXPECT_EQ(file.text("/config/overrides"), "train.epochs=3\ntrain.seed=2");
  EXPECT_EQ(file.text_attribute("/config", "name"), "sample");
  EXPECT_EQ(file.text_attribute("/config", "metric"), "test/fvu");
  EXPECT_EQ(file.text_attribute("/config", "goal"), "minimize");
  EXPECT_EQ(file.text_attribute("/config", "data_fingerprint"), run.data_fingerprint);
  EXPECT_EQ(file.text_attribute("/config", "numeric_fingerprint"), run.numeric_fingerprint);
  EXPECT_EQ(file.integer_attribute("/config", "numerics_version"), 1);
  EXPECT_EQ(file.columns("/plugins"),
            (Names{"kind:S10", "name:S5", "library:S11", "version:S5", "sha256:S64", "abi:S3"}));
  EXPECT_EQ(file.texts("/plugins", "name"), (Names{"tanh", "dense"}));
  EXPECT_EQ(file.texts("/plugins", "sha256"), (Names{std::string(64, 'a'), std::string(64, 'b')}));
  EXPECT_EQ(file.members("/runtime"), (Names{"host", "started", "trials"}));
  EXPECT_EQ(file.text("/runtime/host"), "node1");
  EXPECT_EQ(file.columns("/runtime/trials"),
            (Names{"trial:i8", "attempt:i4", "ranks:i4", "host:S5", "seconds:f8", "reproducible:u1",
                   "current:u1", "numeric_fingerprint:S64"}));
  EXPECT_EQ(file.texts("/runtime/trials", "numeric_fingerprint"),
            (Names{std::string(64, 'e'), std::string(64, 'f')}));
  EXPECT_EQ(file.numbers<std::int64_t>("/runtime/trials", "reproducible"), (Integers{1, 0}));
  EXPECT_EQ(file.numbers<std::int64_t>("/runtime/trials", "current"), (Integers{0, 1}));
  EXPECT_EQ(file.numbers<std::int64_t>("/runtime/trials", "trial"), (Integers{1, 2}));
  EXPECT_EQ(file.numbers<std::int64_t>("/runtime/trials", "ranks"), (Integers{2, 1}));
  EXPECT_EQ(file.numbers<double>("/runtime/trials", "seconds"), (std::vector<double>{0.25, 0.5}));
}

TEST_F(ResultsFile, WithoutTrialsOrHistory) {
  {
    const RawFile file(write(RunRecord()));
    EXPECT_EQ(file.shape("/trials"), Shape{0});
    EXPECT_EQ(file.shape("/history"), Shape{0});
    EXPECT_EQ(file.shape("/plugins"), Shape{0});
    EXPECT_EQ(file.shape("/metrics/trial"), Shape{0});
    EXPECT_EQ(file.text("/config/experiment"), "");
  }
  TrialResult empty = sample_result(1, 0);
  add(sample_record(1, empty));
  const RawFile file(write(sample_run()));
  EXPECT_EQ(file.shape("/history"), Shape{0});
  EXPECT_EQ(file.shape("/metrics/train_loss"), (Shape{1, 0}));
  EXPECT_EQ(shown(file.numbers<double>("/trials", "train_loss")), Names{"nan"});
}

// During a run: all but the objects of single trials.
TEST_F(ResultsFile, TablesAlone) {
  add(1, 2);
  add(3, 1);
  const std::string whole = write(sample_run()), tables = folder_.path("tables.h5");
  const Status status =
      write_results(tables, sample_run(), sources_, ResultsExtent::kTables).status();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_FALSE(RawFile(tables).has("/trial"));
  EXPECT_EQ(compare_h5(whole, tables, {"/trial"}).difference, "");
  EXPECT_EQ(RawFile(tables).text("/config/resolved"), RawFile(whole).text("/config/resolved"));
  EXPECT_EQ(RawFile(tables).numbers<std::int64_t>("/trials", "id"), (Integers{1, 3}));
}

TEST_F(ResultsFile, PrunedAndWithoutWeights) {
  TrialResult pruned = sample_result(1, 2);
  pruned.outcome = Outcome::kPruned;
  pruned.reason = "limits.max_trial_time";
  add(sample_record(1, pruned));
  add(2, 1);
  sources_[0].weights = false;
  const RawFile file(write(sample_run()));
  EXPECT_EQ(file.texts("/trials", "status"), (Names{"pruned", "completed"}));
  EXPECT_EQ(file.numbers<std::int32_t>("/trials", "status_code"),
            (std::vector<std::int32_t>{3, 0}));
  EXPECT_EQ(file.members("/trial/000001"), (Names{"config", "reason", "samples"}));
  EXPECT_EQ(file.numbers<float>("/trial/000001/samples/codes").size(), 15u);
  EXPECT_EQ(file.members("/trial/000002"), (Names{"config", "input_scale", "input_shift", "samples",
                                                  "weights_final", "weights_initial"}));
}

TEST_F(ResultsFile, FactsAreThoseOfTheFile) {
  add(1, 2);
  const std::string path = folder_.path("results.h5");
  Result<FileFacts> facts = write_results(path, sample_run(), sources_);
  ASSERT_TRUE(facts.ok()) << facts.status().message();
  EXPECT_EQ(facts->bytes, std::filesystem::file_size(path));
  EXPECT_EQ(facts->sha256, *sha256_file(path));
}

TEST_F(ResultsFile, TextsKeepUtf8) {
  TrialResult result = sample_result(1, 1);
  TrialRecord record = sample_record(1, result);
  record.label = "\xCE\xBB=1";
  add(record);
  const RawFile file(write(sample_run()));
  EXPECT_EQ(file.columns("/trials").at(2), "label:S4utf8");
}

// What h5py, MATLAB and the rest cannot read may not be in the file; the attributes of dimension
// scales are the one exception.
TEST_F(ResultsFile, NoVariableLengthAnywhere) {
  add(1, 1);
  const RawFile file(write(sample_run()));
  const auto visit = [](hid_t at, const char* name, const H5O_info_t* info, void*) -> herr_t {
    if (info->type != H5O_TYPE_DATASET) return 0;
    const hid_t set = H5Dopen2(at, name, H5P_DEFAULT), type = H5Dget_type(set);
    const bool bad = H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tdetect_class(type, H5T_ENUM) > 0 ||
                     H5Tdetect_class(type, H5T_REFERENCE) > 0 || H5Tis_variable_str(type) > 0;
    EXPECT_FALSE(bad) << name;
    H5Tclose(type);
    H5Dclose(set);
    return 0;
  };
  EXPECT_GE(H5Ovisit2(file.id(), H5_INDEX_NAME, H5_ITER_INC, visit, nullptr, H5O_INFO_BASIC), 0);
}

TEST_F(ResultsFile, BytesDependOnTheInputAlone) {
  for (std::int64_t number = 1; number <= 20; ++number) add(number, number % 4);
  const std::string first = bytes_of(write(sample_run()));
  std::reverse(sources_.begin(), sources_.end());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_EQ(first, bytes_of(write(sample_run())));
}

TEST_F(ResultsFile, OnlyRuntimeDependsOnTheRuntime) {
  for (std::int64_t number = 1; number <= 5; ++number) add(number, 2);
  const std::string other_path = folder_.path("other.h5");
  RunRecord other = sample_run();
  other.runtime = {{"host", std::string(5000, 'h')}, {"extra", "fact"}};
  other.trial_runtime.push_back({3, 2, 64, "a-long-host-name", 1e9});
  ASSERT_TRUE(write_results(other_path, other, sources_).ok());
  const std::string path = write(sample_run());
  EXPECT_EQ(compare_h5(path, other_path).difference, "");
  EXPECT_TRUE(compare_h5(path, other_path).equal);
  EXPECT_FALSE(compare_h5(path, other_path, {}).equal);
}

// The tool that the rank-equality tests trust must see every kind of difference.
TEST_F(ResultsFile, ComparisonSeesDifferences) {
  struct Case {
    const char* expected;
    void (*spoil)(TrialRecord&, TrialResult&, RunRecord&);
  };
  const Case cases[] = {
      {"/trial/000002/weights_final/code_weights: the contents differ, first at [5, 1], byte 2 of "
       "4",
       [](TrialRecord&, TrialResult& result, RunRecord&) {
         result.weights_final[0].bytes[(5 * 3 + 1) * 4 + 2] ^= std::byte{1};
       }},
      {"/trial/000002: members only in the first: samples; only in the second: nothing",
       [](TrialRecord&, TrialResult& result, RunRecord&) {
         result.samples.clear();
         result.sample_labels.clear();
       }},
      {"/history: the contents differ, first at [4], byte 34 of 42",
       [](TrialRecord&, TrialResult& result, RunRecord&) {
         result.history[0].value = 2.9999999999;
       }},
      {"/trial/000002/weights_initial/code_weights: the shapes differ",
       [](TrialRecord&, TrialResult& result, RunRecord&) {
         result.weights_initial[0].shape = {3, 7};
       }},
      {"/metrics/test_fvu @unit: the types differ",
       [](TrialRecord&, TrialResult& result, RunRecord&) { result.metrics[1].unit = "2"; }},
      {"/config @numerics_version: the contents differ, first at [], byte 0 of 8",
       [](TrialRecord&, TrialResult&, RunRecord& run) { run.numerics_version = 2; }},
      {"/ @software_revision: the types differ",
       [](TrialRecord&, TrialResult&, RunRecord& run) { run.revision = "longer than before"; }},
      {"/params/optimizer_lr: the types differ",
       [](TrialRecord& record, TrialResult&, RunRecord&) {
         record.parameters[0].second = std::string("x");
       }},
  };
  add(1, 2);
  for (const Case& c : cases) {
    sources_.resize(1);
    std::string files[2];
    for (int spoilt = 0; spoilt < 2; ++spoilt) {
      TrialResult result = sample_result(2, 2);
      TrialRecord record = sample_record(2, result);
      record.attempt = 1 + spoilt;
      RunRecord run = sample_run();
      if (spoilt == 1) c.spoil(record, result, run);
      std::filesystem::remove(folder_.path(trial_file_name(2, record.attempt)));
      const TrialSource trial = store_trial(folder_.path(), record);
      files[spoilt] = folder_.path(text("results", spoilt, ".h5"));
      ASSERT_TRUE(write_results(files[spoilt], run, {sources_[0], trial}).ok());
    }
    EXPECT_EQ(compare_h5(files[0], files[1]).difference, c.expected);
  }
}

TEST_F(ResultsFile, RefusesWhatItCannotFold) {
  add(1, 1);
  const std::string path = write(sample_run());
  const std::string before = bytes_of(path);
  const TrialResult result = sample_result(1, 1);
  TrialRecord again = sample_record(1, result);
  again.attempt = 2;
  add(again);
  EXPECT_NE(
      write_results(path, sample_run(), sources_).status().message().find("both hold trial 1"),
      std::string::npos);
  sources_[1].path = folder_.path("missing.h5");
  sources_[1].number = 2;
  EXPECT_NE(write_results(path, sample_run(), sources_)
                .status()
                .message()
                .find("missing.h5: No such file or directory"),
            std::string::npos);
  sources_.resize(1);
  // Names that collide only over several trials, or with the table's own columns.
  const TrialResult three = sample_result(3, 1);
  TrialRecord collides = sample_record(3, three);
  collides.parameters = {{"optimizer/lr", 0.5}};
  add(collides);
  const Status parameter = write_results(path, sample_run(), sources_).status();
  EXPECT_EQ(parameter.fault(), Fault::kInput);
  EXPECT_NE(parameter.message().find("'optimizer.lr' and 'optimizer/lr' would both be stored as"),
            std::string::npos)
      << parameter.message();
  sources_.resize(1);
  TrialResult taken = sample_result(4, 1);
  taken.metrics[0].name = "epochs";
  add(sample_record(4, taken));
  const Status metric = write_results(path, sample_run(), sources_).status();
  EXPECT_NE(metric.message().find("column 'epochs' would be stored as epochs, a name that"),
            std::string::npos)
      << metric.message();
  EXPECT_EQ(bytes_of(path), before);
}

TEST_F(ResultsFile, LimitedDiskKeepsTheOldFile) {
  add(1, 1);
  const std::string path = write(sample_run());
  const std::string before = bytes_of(path);
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(folder_.path()), {});
  };
  for (std::int64_t number = 2; number <= 8; ++number) add(number, 30);
  const auto count = files();
  for (std::uint64_t limit = 0; limit < 60000; limit += 5003) {
    const ChildEnd end = run_in_child(
        [&] { return limit_file_size(limit); },
        [&] { return write_results(path, sample_run(), sources_).status().message(); });
    ASSERT_TRUE(end.exited && end.status == 0) << limit << ": " << end.status;
    EXPECT_NE(end.output.find("File too large; raise the file size limit"), std::string::npos)
        << limit << ": " << end.output;
  }
  // Tables announce no size to the disk: libhdf5's own writes meet the limit.
  for (std::uint64_t limit = 0; limit < 15000; limit += 1009) {
    const ChildEnd end =
        run_in_child([&] { return limit_file_size(limit); },
                     [&] {
                       return write_results(path, sample_run(), sources_, ResultsExtent::kTables)
                           .status()
                           .message();
                     });
    ASSERT_TRUE(end.exited && end.status == 0) << limit << ": " << end.status;
    EXPECT_NE(end.output.find("File too large; raise the file size limit"), std::string::npos)
        << limit << ": " << end.output;
  }
  EXPECT_EQ(bytes_of(path), before);
  EXPECT_EQ(files(), count);
}

// 200 trials of the usual kind: 20 epochs of 18 metrics. The limit leaves a slow machine room; the
// time measured is printed.
TEST_F(ResultsFile, FoldsTwoHundredTrialsFast) {
  for (std::int64_t number = 1; number <= 200; ++number) {
    TrialResult result = sample_result(number, 0);
    for (int metric = 2; metric < 18; ++metric) {
      result.metrics.push_back({text("test/metric_", metric), "1", "a formula"});
    }
    for (std::int64_t epoch = 1; epoch <= 20; ++epoch) {
      for (std::int32_t metric = 0; metric < 18; ++metric) {
        result.history.push_back(
            {epoch, epoch * 100, metric, 1.0 / static_cast<double>(epoch + number)});
      }
    }
    add(sample_record(number, result));
  }
  const auto start = std::chrono::steady_clock::now();
  write(sample_run());
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("200 trials folded in %.3f s, %zu bytes\n", seconds,
              static_cast<std::size_t>(std::filesystem::file_size(folder_.path("results.h5"))));
  EXPECT_LT(seconds, 3.0);
}

// Checkpoints are written while a large results.h5 is: they wait for one trial, not for all. Here a
// few other files are, the last of which takes a trial's file away that is yet to be read.
TEST_F(ResultsFile, OtherFilesAreWrittenMeanwhile) {
  for (std::int64_t number = 0; number < 100; ++number) add(number, 2);
  const std::string path = write(sample_run());
  const std::string last = sources_.back().path;
  const auto is_begun = [this] {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".tmp") return true;
    }
    return false;
  };
  std::atomic<bool> ended = false;
  std::thread other([&] {
    while (!is_begun() && !ended) std::this_thread::yield();
    for (int i = 0; i < 8; ++i) {
      const auto image = h5_image("other", 100, [&](const h5::Node& file) {
        if (i == 7) std::filesystem::remove(last);
        return h5::set_attribute(file, ".", "name", "value");
      });
      EXPECT_TRUE(image.ok());
    }
  });
  const Status status = write_results(path, sample_run(), sources_).status();
  ended = true;
  other.join();
  EXPECT_NE(status.message().find(last), std::string::npos) << "all trials were read before";
}

// What another session does in between leaves no trace.
TEST_F(ResultsFile, OtherFilesChangeNoByte) {
  for (std::int64_t number = 0; number < 20; ++number) add(number, 2);
  const std::string alone = bytes_of(write(sample_run()));
  std::atomic<bool> ended = false;
  std::thread other([&ended] {
    while (!ended) {
      EXPECT_TRUE(h5_image("other", 100, [](const h5::Node& file) {
                    return h5::set_attribute(file, ".", "name", "value");
                  }).ok());
    }
  });
  const std::string beside = bytes_of(write(sample_run()));
  ended = true;
  other.join();
  EXPECT_EQ(sha256_hex(beside), sha256_hex(alone));
}

}  // namespace
}  // namespace aesweep
