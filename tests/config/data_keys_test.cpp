// Proves what the keys of `data` for samples in files mean: tables of sections with the message of
// the mistake in each, with the settings they give, and with what they add to the canonical text.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "tests/config/fake_catalogue.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep::test {
namespace {

class DataKeys : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_.path("mnist"));
    for (const char* name : {"x.npy", "y.npy", "tx.npy", "ty.npy", "w.h5", "odd#name.npy"}) {
      folder_.write(name, "x");
    }
  }

  // An experiment whose data is `keys`; a relative path is one in the folder.
  Result<Experiment> resolved(const std::string& keys, const std::string& more = "") {
    return resolve(base_with(2, "data: {" + keys + "}") + more, {}, folder_.path());
  }
  DataSpec spec(const std::string& keys) {
    const Result<Experiment> experiment = resolved(keys);
    EXPECT_TRUE(experiment.ok()) << keys << ": " << experiment.status().message();
    return experiment.ok() ? experiment->data : DataSpec();
  }
  // The message after "a.yaml:2:", or "no fault".
  std::string message(const std::string& keys, const std::string& more = "") {
    const Result<Experiment> experiment = resolved(keys, more);
    if (experiment.ok()) return "no fault";
    EXPECT_EQ(experiment.status().fault(), Fault::kInput);
    const std::string& whole = experiment.status().message();
    return whole.starts_with("a.yaml:2:") ? whole.substr(9) : whole;
  }

  struct Case {
    const char* keys;
    const char* message;
  };
  void expect_all(const std::vector<Case>& cases) {
    for (const Case& c : cases) EXPECT_EQ(message(c.keys), c.message) << c.keys;
  }

  TemporaryFolder folder_;
};

// The last # counts, and w.h5#x is no file.
TEST_F(DataKeys, TheNameOfAnArrayHasNoHash) {
  EXPECT_EQ(message("source: files, path: \"w.h5#x#y\", test_path: tx.npy"),
            text("29: data.path: found no file w.h5#x#y; tried ", folder_.path("w.h5#x#y"), " and ",
                 std::filesystem::absolute("w.h5#x#y").string()));
}

TEST_F(DataKeys, KeepsTheNameOfAnArray) {
  const DataSpec data = spec(
      "source: files, path: \"w.h5#a/b\", labels: y.npy, test_path: \"odd#name.npy\", "
      "test_labels: ty.npy");
  EXPECT_EQ(data.source, DataSpec::Source::kFiles);
  EXPECT_EQ(data.path, folder_.path("w.h5#a/b"));
  EXPECT_EQ(data.labels, folder_.path("y.npy"));
  EXPECT_EQ(data.test_path, folder_.path("odd#name.npy"));
  EXPECT_EQ(data.test_labels, folder_.path("ty.npy"));
}

TEST_F(DataKeys, EveryKeyArrives) {
  const DataSpec data = spec(
      "source: files, path: x.npy, labels: y.npy, limit: 9, scaling: standardize, storage: stream, "
      "block_rows: 10, pool_rows: 100, split: {train: [0, 5], validation: [5, 8], test: [8, "
      "2147483647], "
      "order: random, seed: 7}, patches: {rows: 3, cols: 4, train_count: 5, validation_count: 6, "
      "test_count: 8, seed: 9}");
  EXPECT_EQ(data.limit, 9);
  EXPECT_EQ(data.scaling, Scaling::kStandardize);
  EXPECT_EQ(data.storage, Storage::kStream);
  EXPECT_EQ(data.block_rows, 10);
  EXPECT_EQ(data.pool_rows, 100);
  ASSERT_TRUE(data.split.train && data.split.validation && data.split.test);
  EXPECT_TRUE(data.split.train->by_index && data.split.test->by_index);
  EXPECT_EQ(data.split.validation->first, 5);
  EXPECT_EQ(data.split.validation->last, 8);
  EXPECT_EQ(data.split.test->last, 2147483647);
  EXPECT_TRUE(data.split.random);
  EXPECT_EQ(data.split.seed, 7U);
  EXPECT_EQ(data.patches.rows, 3);
  EXPECT_EQ(data.patches.cols, 4);
  EXPECT_EQ(data.patches.train_count, 5);
  EXPECT_EQ(data.patches.validation_count, 6);
  EXPECT_EQ(data.patches.test_count, 8);
  EXPECT_EQ(data.patches.seed, 9U);
}

TEST_F(DataKeys, ScalingsAndFractions) {
  const std::vector<std::pair<const char*, Scaling>> words = {
      {"auto", Scaling::kAuto},     {"none", Scaling::kNone},
      {"unit", Scaling::kUnit},     {"symmetric", Scaling::kSymmetric},
      {"center", Scaling::kCenter}, {"standardize", Scaling::kStandardize}};
  for (const auto& [word, scaling] : words) {
    EXPECT_EQ(spec(text("source: idx, path: mnist, scaling: ", word)).scaling, scaling);
  }
  const DataSpec data = spec("source: idx, path: mnist, split: {train: 0.7, validation: 0.3}");
  ASSERT_TRUE(data.split.train && data.split.validation);
  EXPECT_FALSE(data.split.test);
  EXPECT_FALSE(data.split.train->by_index);
  EXPECT_EQ(data.split.train->fraction, 0.7);
  EXPECT_FALSE(data.split.random);
}

TEST_F(DataKeys, KeysOfSources) {
  const char* const wanted = ", expected a file, or FILE#NAME for an array in it";
  expect_all({
      {"source: files", "7: data.path: missing; source files needs the file of its samples"},
      {"source: superposition, scaling: unit",
       "31: data.scaling: source superposition has no such key"},
      {"source: superposition, split: {test: 0.1}",
       "31: data.split: source superposition has no such key"},
      {"source: superposition, patches: {}",
       "31: data.patches: source superposition has no such key"},
      {"source: superposition, storage: stream",
       "31: data.storage: source superposition has no such key"},
      {"source: superposition, block_rows: 1",
       "31: data.block_rows: source superposition has no such key"},
      {"source: superposition, labels: y.npy",
       "31: data.labels: source superposition has no such key"},
      {"source: idx, path: mnist, labels: y.npy", "34: data.labels: source idx has no such key"},
      {"source: idx, path: mnist, test_path: y.npy",
       "34: data.test_path: source idx has no such key"},
      {"source: files, path: x.npy, seed: 3", "36: data.seed: source files has no such key"},
      {"source: files, path: x.npy, test_pth: y.npy",
       "36: data.test_pth: unknown key (did you mean data.test_path?)"},
      {"source: idx, path: mnist, scaling: standardise",
       "43: data.scaling: found standardise, expected auto, none, unit, symmetric, center or "
       "standardize (did you mean standardize?)"},
      {"source: idx, path: mnist, storage: disk",
       "43: data.storage: found disk, expected memory or stream"},
      {"source: idx, path: mnist, block_rows: -1",
       "46: data.block_rows: -1 is not in [0, 2147483647]"},
      {"source: idx, path: mnist, pool_rows: 5",
       "45: data.pool_rows: needs data.block_rows, too, where the data is in memory"},
      {"source: idx, path: mnist, block_rows: 6, pool_rows: 5",
       "46: data.block_rows: 6 is more than data.pool_rows, 5"},
      {"source: idx, path: mnist, block_rows: 6", "no fault"},
      {"source: idx, path: mnist, storage: stream, pool_rows: 6", "no fault"},
  });
  EXPECT_EQ(message("source: files, path: [x.npy]"), text("29: data.path: found a list", wanted));
  EXPECT_EQ(message("source: files, path: x.npy, test_path: \"\""),
            text("47: data.test_path: found \"\"", wanted));
}

TEST_F(DataKeys, PathsThatLeadNowhere) {
  const std::string here = std::filesystem::current_path().string() + "/";
  EXPECT_EQ(message("source: files, path: z.npy, split: {test: 0.1}"),
            text("29: data.path: found no file z.npy; tried ", folder_.path("z.npy"), " and ", here,
                 "z.npy"));
  EXPECT_EQ(message("source: files, path: mnist, split: {test: 0.1}"),  // A folder.
            text("29: data.path: found no file mnist; tried ", folder_.path("mnist"),
                 " (a folder) and ", here, "mnist"));
  EXPECT_EQ(message("source: idx, path: x.npy"),
            text("27: data.path: found no folder x.npy; tried ", folder_.path("x.npy"),
                 " (a file) and ", here, "x.npy"));
}

TEST_F(DataKeys, TestSamplesAndLabels) {
  expect_all({
      {"source: files, path: x.npy",
       "29: data.path: there are no test samples; give their file as data.test_path, or set some "
       "of these aside, a tenth by data.split: {test: 0.1}"},
      {"source: files, path: x.npy, split: {validation: 0.1}",
       "29: data.path: there are no test samples; give their file as data.test_path, or set some "
       "of these aside, a tenth by data.split: {test: 0.1}"},
      {"source: files, path: x.npy, patches: {rows: 3, cols: 3}", "no fault"},
      {"source: files, path: x.npy, split: {test: 0.1}", "no fault"},
      {"source: files, path: x.npy, test_path: tx.npy, split: {test: 0.1}",
       "69: data.split.test: the test samples are those of data.test_path; leave one of the two "
       "out"},
      {"source: files, path: x.npy, test_path: tx.npy, split: {validation: 0.1}", "no fault"},
      {"source: idx, path: mnist, split: {test: 0.1}",
       "48: data.split.test: source idx has test samples of its own; leave it out"},
      {"source: files, path: x.npy, test_labels: y.npy, split: {test: 0.1}",
       "49: data.test_labels: data.test_path is not given; labels of samples that data.split sets "
       "aside come from data.labels"},
      {"source: files, path: x.npy, test_path: tx.npy, test_labels: y.npy",
       "68: data.test_labels: data.labels is not given; label both, or none"},
      {"source: files, path: x.npy, test_path: tx.npy, labels: y.npy",
       "63: data.labels: data.test_labels is not given; label both, or none"},
  });
}

TEST_F(DataKeys, Splits) {
  const auto split = [this](const std::string& keys) {
    return message("source: files, path: x.npy, split: " + keys);
  };
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"0.1", "43: data.split: found 0.1, expected a map"},
      {"{}",
       "43: data.split: cuts nothing; give train, validation or test, such as {validation: 0.1}"},
      {"{order: random}",
       "43: data.split: cuts nothing; give train, validation or test, such as {validation: 0.1}"},
      {"{tests: 0.1}", "44: data.split.tests: unknown key (did you mean data.split.test?)"},
      {"{test: 0}",
       "50: data.split.test: found 0, expected a fraction in (0, 1) such as 0.1, or rows [first, "
       "last) such as [0, 5000]"},
      {"{test: 1}",
       "50: data.split.test: found 1, expected a fraction in (0, 1) such as 0.1, or rows [first, "
       "last) such as [0, 5000]"},
      {"{test: 10%}",
       "50: data.split.test: found 10%, expected a fraction in (0, 1) such as 0.1, or rows "
       "[first, last) such as [0, 5000]"},
      {"{test: {a: 1}}",
       "50: data.split.test: found a map, expected a fraction in (0, 1) such as 0.1, or rows "
       "[first, last) such as [0, 5000]"},
      {"{test: [5]}",
       "50: data.split.test: found a list of 1, expected two numbers: rows [first, last), such as "
       "[0, 5000]"},
      {"{test: [0, 1.5]}",
       "54: data.split.test[1]: found 1.5, expected a whole number in [0, 2147483647]"},
      {"{test: [-1, 5]}",
       "51: data.split.test[0]: found -1, expected a whole number in [0, 2147483647]"},
      {"{test: [0, 2147483648]}",
       "54: data.split.test[1]: found 2147483648, expected a whole number in [0, 2147483647]"},
      {"{test: [5, 5]}",
       "50: data.split.test: [5, 5] has no rows; the second number is the row after the last"},
      {"{train: [0, 10], test: [9, 12]}",
       "66: data.split.test: shares rows with data.split.train, [0, 10]; a sample can be in one "
       "split only"},
      {"{train: [0, 10], test: [10, 12]}", "no fault"},
      {"{test: [0, 10], validation: 0.1}",
       "50: data.split.test: is given by rows, but data.split.validation by fraction; give all "
       "parts in one way"},
      {"{train: 0.7, validation: 0.2, test: 0.1}", "no fault"},
      {"{train: 0.7, validation: 0.2, test: 0.2}",
       "43: data.split: its fractions add up to 1.1, more than 1"},
      {"{validation: 0.5, test: 0.5}",
       "43: data.split: its fractions add up to 1; nothing is left to train with"},
      {"{test: 0.5, order: shuffled}",
       "62: data.split.order: found shuffled, expected file or random"},
      {"{test: 0.5, seed: 3}",
       "61: data.split.seed: order file has no such key; add order: random or leave it out"},
      {"{test: 0.5, order: random, seed: 3}", "no fault"},
  };
  for (const auto& [keys, expected] : cases) EXPECT_EQ(split(keys), expected) << keys;
}

TEST_F(DataKeys, Patches) {
  expect_all({
      {"source: idx, path: mnist, patches: 8", "43: data.patches: found 8, expected a map"},
      {"source: idx, path: mnist, patches: {}",
       "43: data.patches.rows: missing; expected the height (rows) and width (cols) of a patch in "
       "pixels"},
      {"source: idx, path: mnist, patches: {rows: 8}",
       "43: data.patches.cols: missing; expected the height (rows) and width (cols) of a patch in "
       "pixels"},
      {"source: idx, path: mnist, patches: {rows: 0, cols: 8}",
       "50: data.patches.rows: 0 is not in [1, 1048576]"},
      {"source: idx, path: mnist, patches: {row: 8, cols: 8}",
       "44: data.patches.row: unknown key (did you mean data.patches.rows?)"},
      {"source: idx, path: mnist, patches: {rows: 8, cols: 8, validation_count: 5}", "no fault"},
      {"source: idx, path: mnist, patches: {rows: 8, cols: 8}, split: {validation: 0.1}",
       "43: data.patches.validation_count: expected a number of patches from the images of "
       "data.split.validation"},
  });
}

TEST_F(DataKeys, MayBeSetButNotSwept) {
  const std::string yaml = base_with(2, "data: {source: files, path: x.npy, split: {test: 0.1}}");
  const std::vector<Override> overrides = {{"data.split.test", "0.25"},
                                           {"data.split.order", "random"},
                                           {"data.patches.rows", "3"},
                                           {"data.patches.cols", "3"},
                                           {"data.scaling", "center"}};
  const Result<Experiment> experiment = resolve(yaml, overrides, folder_.path());
  ASSERT_TRUE(experiment.ok()) << experiment.status().message();
  EXPECT_EQ(experiment->data.split.test->fraction, 0.25);
  EXPECT_TRUE(experiment->data.split.random);
  EXPECT_EQ(experiment->data.patches.cols, 3);
  EXPECT_EQ(experiment->data.scaling, Scaling::kCenter);
  const Result<Experiment> rows = resolve(
      base_with(2, "data: {source: files, path: x.npy, split: {test: [0, 9]}}"),
      {{"data.split.test", "[0, 300]"}, {"data.split.validation", "[300, 307]"}}, folder_.path());
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  EXPECT_TRUE(rows->data.split.test->by_index);
  EXPECT_EQ(rows->data.split.test->last, 300);
  EXPECT_EQ(rows->data.split.validation->first, 300);
  EXPECT_EQ(fault(yaml, {{"data.split.test", "[0, x]"}}),
            "--set: data.split.test[1]: found x, expected a whole number in [0, 2147483647]");
  EXPECT_EQ(fault(yaml, {{"data.split.test", "[[0], 1]"}}),
            "--set: data.split.test[0]: found a list, expected a whole number in [0, 2147483647]");
  EXPECT_EQ(fault(yaml, {{"data.split.order", "[file]"}}),
            "--set: data.split.order: found a list, expected a single value");
  EXPECT_EQ(fault(yaml, {{"data.limit", "[1]"}}),
            "--set: data.limit: found a list, expected a single value");
  EXPECT_EQ(fault(yaml, {{"data.split.tset", "0.2"}}),
            "--set: data.split.tset: unknown key (did you mean data.split.test?)");
  EXPECT_EQ(fault(yaml, {{"data.split", "0.2"}}),
            "--set: data.split: found 0.2, expected a map of what to change");
  EXPECT_EQ(message("source: idx, path: mnist",
                    "parameters: {data.split.validation: {values: [0.1, 0.2]}}"),
            "a.yaml:9:14: parameters.data.split.validation: data cannot be swept: all trials of a "
            "run share one data set; run the program once per data set");
}

// Everything that decides the samples and their order is in the text, each once.
TEST_F(DataKeys, CanonicalTextHasWhatDecides) {
  const auto data_of = [this](const std::string& keys) {
    const Result<Experiment> experiment = resolved("source: files, path: x.npy, " + keys);
    if (!experiment.ok()) return experiment.status().message();
    const std::string& all = experiment->trials.at(0).resolved;
    return all.substr(all.find("data:"), all.find("model:") - all.find("data:"));
  };
  const std::string files = "data:\n  source: files\n  limit: 0\n";
  const std::string test = files + "  split:\n    test: 0.5\n    order: file\n";
  EXPECT_EQ(data_of("test_path: tx.npy"), files);
  EXPECT_EQ(data_of("split: {test: 0.5}"), test);
  EXPECT_EQ(data_of("split: {test: 0.50, order: file}, scaling: auto, storage: memory"), test);
  EXPECT_EQ(
      data_of("split: {train: [0, 5], test: [5, 7], order: random}"),
      files + "  split:\n    train: [0, 5]\n    test: [5, 7]\n    order: random\n    seed: 0\n");
  EXPECT_EQ(data_of("test_path: tx.npy, block_rows: 3, pool_rows: 6, storage: stream"),
            data_of("test_path: tx.npy, block_rows: 3, pool_rows: 6"));
  EXPECT_EQ(data_of("test_path: tx.npy, scaling: unit, storage: stream"),
            files + "  scaling: unit\n  storage: stream\n");
  std::set<std::string> texts;
  const std::vector<std::string> different = {"",
                                              "scaling: none",
                                              "scaling: unit",
                                              "limit: 3",
                                              "storage: stream",
                                              "block_rows: 3",
                                              "block_rows: 3, storage: stream",
                                              "block_rows: 3, pool_rows: 6",
                                              "pool_rows: 6, storage: stream",
                                              "block_rows: 3, pool_rows: 7",
                                              "patches: {rows: 3, cols: 3}",
                                              "patches: {rows: 3, cols: 2}",
                                              "patches: {rows: 2, cols: 3}",
                                              "patches: {rows: 3, cols: 3, train_count: 1}",
                                              "patches: {rows: 3, cols: 3, test_count: 1}",
                                              "patches: {rows: 3, cols: 3, validation_count: 1}",
                                              "patches: {rows: 3, cols: 3, seed: 1}",
                                              "split: {validation: 0.5}",
                                              "split: {validation: 0.25}",
                                              "split: {validation: [0, 5]}",
                                              "split: {validation: [0, 6]}",
                                              "split: {validation: [1, 5]}",
                                              "split: {train: 0.5}",
                                              "split: {validation: 0.5, order: random}",
                                              "split: {validation: 0.5, order: random, seed: 1}"};
  for (const std::string& keys : different) {
    EXPECT_TRUE(texts.insert(data_of("test_path: tx.npy, " + keys)).second) << keys;
  }
}

TEST_F(DataKeys, CanonicalTextIsAnExperimentWithItsPaths) {
  const Result<Experiment> first =
      resolved("source: files, path: x.npy, split: {train: 0.5, test: [0, 3]}");
  EXPECT_FALSE(first.ok());
  const Result<Experiment> rich = resolved(
      "source: files, path: x.npy, split: {validation: 0.125, test: 0.1, order: random, seed: 3}, "
      "scaling: center, storage: stream, pool_rows: 12, "
      "patches: {rows: 3, cols: 4, validation_count: 5}");
  ASSERT_TRUE(rich.ok()) << rich.status().message();
  std::string yaml = rich->trials.at(0).resolved;
  yaml.insert(yaml.find("  limit:"), "  path: x.npy\n");
  const Result<Experiment> again = resolve(yaml, {}, folder_.path());
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again->trials.at(0).resolved, rich->trials.at(0).resolved);
}

TEST_F(DataKeys, MetricsAndTargetsFollowTheData) {
  const auto with = [this](const std::string& keys, const std::string& metric) {
    return message("source: files, path: x.npy, " + keys, "metric: {name: " + metric + "}\n");
  };
  EXPECT_EQ(with("test_path: tx.npy, split: {validation: 0.1}", "validation/mse"), "no fault");
  EXPECT_EQ(with("patches: {rows: 3, cols: 3, validation_count: 5}", "validation/mse"), "no fault");
  EXPECT_TRUE(with("test_path: tx.npy", "validation/mse")
                  .starts_with("a.yaml:9:16: metric.name: unknown metric validation/mse"));
  EXPECT_TRUE(with("patches: {rows: 3, cols: 3}", "validation/mse")
                  .starts_with("a.yaml:9:16: metric.name: unknown metric validation/mse"));
  const std::string codes = "split: {test: 0.1}}\nevaluate: {codes: {binarize: zero}";
  EXPECT_EQ(with(codes, "codes/zero/mse"), "no fault");
  EXPECT_EQ(with("labels: y.npy, " + codes, "codes/zero/map"), "no fault");
  EXPECT_EQ(with(codes, "codes/zero/map"),
            "a.yaml:10:16: metric.name: codes/zero/map needs labels, but the data has none; give "
            "their file as data.labels");
  EXPECT_TRUE(with(codes, "codes/zero/mpa")
                  .starts_with("a.yaml:10:16: metric.name: unknown metric codes/zero/mpa"));
  std::string labels = base_with(2, "data: {source: files, path: x.npy, split: {test: 0.1}}");
  labels.insert(labels.find("  loss:"), "  target: labels\n  classes: 2\n");
  EXPECT_EQ(fault(labels),
            "a.yaml:4:11: model.target: is labels, but the data has none; give their file as "
            "data.labels");
}

}  // namespace
}  // namespace aesweep::test
