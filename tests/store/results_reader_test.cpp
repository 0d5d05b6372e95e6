// Proves that a results.h5 is read back as it was written, and that one of another shape, damaged
// or made to do harm is refused by a message: files of hand-made trials, changed by the raw HDF5
// API.
#include "runner/store/results_reader.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "tests/store/sample_trials.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// results.h5 of trials 1 (completed), 2 (its weights left out) and 3 (failed).
class Reader : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<TrialSource> sources;
    for (std::int64_t number = 1; number <= 3; ++number) {
      TrialResult result = sample_result(number, 2);
      if (number == 2) result.samples[2] = counting_tensor("predictions", {5, 2}, Scalar::kF64, 9);
      if (number == 3) {
        result = {};
        result.outcome = Outcome::kFailed;
        result.reason = "no";
      }
      sources.push_back(store_trial(folder_.path(), sample_record(number, result)));
      sources.back().weights = number != 2;
    }
    ASSERT_TRUE(write_results(path_, sample_run(), sources).ok());
  }

  ResultsReader open() {
    Result<ResultsReader> reader = ResultsReader::open(path_);
    AESWEEP_CHECK(reader.ok(), reader.status().message());
    return std::move(*reader);
  }

  // What a changed file is refused with, by whatever reads the object.
  static Status read_all(const std::string& path) {
    Result<ResultsReader> reader = ResultsReader::open(path);
    if (!reader.ok()) return reader.status();
    Status first;
    const auto keep = [&](const Status& status) {
      if (first.ok()) first = status;
    };
    for (const StoredTrial& trial : reader->trials()) {
      keep(reader->config(trial.number).status());
      keep(reader->samples(trial.number).status());
      keep(reader->input_scaling(trial.number).status());
      if (trial.number != 1) continue;
      keep(reader->weights(trial.number, WeightsOf::kInitial).status());
      keep(reader->weights(trial.number, WeightsOf::kFinal).status());
    }
    return first;
  }

  void expect_refused(const std::string& path, const std::vector<std::string>& parts) {
    const Status status = read_all(path);
    EXPECT_EQ(status.fault(), Fault::kInput);
    for (const std::string& part : parts) {
      EXPECT_NE(status.message().find(part), std::string::npos) << part << "\n" << status.message();
    }
  }

  // Changes the file by the raw API.
  void change(const std::function<void(hid_t)>& deed) {
    const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(file, 0);
    deed(file);
    ASSERT_GE(H5Fclose(file), 0);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.path("results.h5");
};

// A data set in place of another.
void replace(hid_t file, const char* name, hid_t type, const std::vector<hsize_t>& shape,
             hid_t creation = H5P_DEFAULT) {
  ASSERT_GE(H5Ldelete(file, name, H5P_DEFAULT), 0);
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  ASSERT_GE(set, 0) << name;
  H5Dclose(set);
  H5Sclose(space);
}

TEST_F(Reader, TellsWhatWasWritten) {
  const ResultsReader reader = open();
  EXPECT_EQ(reader.path(), path_);
  EXPECT_EQ(reader.name(), "sample");
  EXPECT_EQ(reader.metric(), "test/fvu");
  ASSERT_EQ(reader.trials().size(), 3u);
  const StoredTrial& first = reader.trials()[0];
  EXPECT_EQ(first.number, 1);
  EXPECT_EQ(first.label, "lr=1");
  EXPECT_EQ(first.key, "key-of-trial-1");
  EXPECT_EQ(first.epochs, sample_result(1, 2).epochs);
  EXPECT_EQ(first.steps, sample_result(1, 2).steps);
  EXPECT_EQ(first.status, "completed");
  EXPECT_EQ(first.metrics,
            (std::vector<std::pair<std::string, double>>{{"train_loss", 1.5}, {"test_fvu", 0.5}}));
  EXPECT_EQ(reader.trials()[2].status, "failed");
  ASSERT_EQ(reader.plugins().size(), 2u);
  EXPECT_EQ(reader.plugins()[0].name, "tanh");
  EXPECT_EQ(reader.plugins()[1].kind, "layer");
  EXPECT_EQ(reader.plugins()[1].sha256, std::string(64, 'b'));
  EXPECT_EQ(reader.trial(2)->label, "lr=2");
  EXPECT_EQ(reader.config(2).value(), "trial: 2\nmodel:\n  layers: [code]\n");
}

TEST_F(Reader, GivesTensorsBitForBit) {
  const ResultsReader reader = open();
  const TrialResult expected = sample_result(1, 2);
  for (const WeightsOf when : {WeightsOf::kInitial, WeightsOf::kFinal}) {
    const auto& written =
        when == WeightsOf::kInitial ? expected.weights_initial : expected.weights_final;
    const Result<std::vector<NamedTensor>> read = reader.weights(1, when);
    ASSERT_TRUE(read.ok()) << read.status().message();
    ASSERT_EQ(read.value().size(), 2u);
    for (const std::size_t i : {0u, 1u}) {  // In the order of names: bias before weights.
      EXPECT_EQ(read.value()[i].name, i == 0 ? "code_bias" : "code_weights");
      EXPECT_EQ(read.value()[i].shape, written[1 - i].shape);
      EXPECT_EQ(read.value()[i].bytes, written[1 - i].bytes);
    }
  }
  const auto scaling = reader.input_scaling(1);
  ASSERT_TRUE(scaling.ok()) << scaling.status().message();
  EXPECT_EQ(scaling.value(), std::pair(expected.input_scale, expected.input_shift));
  const Result<StoredSamples> samples = reader.samples(1);
  ASSERT_TRUE(samples.ok()) << samples.status().message();
  EXPECT_EQ(samples.value().inputs.bytes, expected.samples[0].bytes);
  EXPECT_EQ(samples.value().codes.shape, (std::vector<std::int64_t>{5, 3}));
  EXPECT_EQ(samples.value().reconstructions.bytes, expected.samples[2].bytes);
  EXPECT_FALSE(samples.value().predictions);
  EXPECT_EQ(samples.value().labels, expected.sample_labels);
}

TEST_F(Reader, SaysWhatIsNotThere) {
  const ResultsReader reader = open();
  const StoredSamples predicted = reader.samples(2).value();
  EXPECT_TRUE(predicted.predictions);
  EXPECT_EQ(predicted.reconstructions.scalar, Scalar::kF64);
  EXPECT_EQ(predicted.reconstructions.shape, (std::vector<std::int64_t>{5, 2}));
  const StoredSamples none = reader.samples(3).value();
  EXPECT_TRUE(none.inputs.shape.empty() && none.codes.shape.empty() && none.labels.empty());
  for (const std::int64_t number : {2, 3}) {
    EXPECT_TRUE(reader.input_scaling(number).value().first.empty());
  }
  const std::vector<std::pair<Status, std::string>> refusals = {
      {reader.weights(2, WeightsOf::kFinal).status(), "record.weights"},
      {reader.trial(4).status(), "has no finished trial 4; it has: 1, 2, 3"},
      {reader.config(0).status(), "has no finished trial 0"},
      {reader.samples(-1).status(), "has no finished trial -1"},
      {ResultsReader::open(folder_.path("none")).status(), "there is no such run"},
  };
  for (const auto& [status, part] : refusals) {
    EXPECT_EQ(status.fault(), Fault::kInput) << part;
    EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
  }
}

TEST_F(Reader, TakesAFolderAndRefusesOneWithoutResults) {
  EXPECT_EQ(ResultsReader::open(folder_.path()).value().path(), folder_.path() + "/results.h5");
  std::filesystem::remove(path_);
  const Status status = ResultsReader::open(folder_.path()).status();
  EXPECT_EQ(status.fault(), Fault::kInput);
  EXPECT_NE(status.message().find("holds no results.h5"), std::string::npos) << status.message();
}

TEST_F(Reader, RefusesARunThatGoesOn) {
  const TrialResult result = sample_result(5, 2);
  const std::vector<TrialSource> one = {store_trial(folder_.path(), sample_record(5, result))};
  ASSERT_TRUE(write_results(path_, sample_run(), one, ResultsExtent::kTables).ok());
  expect_refused(path_, {"no /trial yet", "aesweep rebuild"});
}

TEST_F(Reader, RefusesOtherFormats) {
  const auto set = [&](const char* name, const char* value) {
    change([&](hid_t file) {
      H5Adelete(file, name);
      const hid_t type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, std::strlen(value));
      const hid_t space = H5Screate(H5S_SCALAR);
      const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
      H5Awrite(attribute, type, value);
      H5Aclose(attribute);
      H5Sclose(space);
      H5Tclose(type);
    });
  };
  set("format_version", "2.0");
  expect_refused(path_, {path_, "1.x", "2.0"});
  set("format_version", "1.97");
  EXPECT_TRUE(read_all(path_).ok());
  set("format", "other");
  expect_refused(path_, {path_, "aesweep-results", "other"});
  change([](hid_t file) { H5Adelete(file, "format"); });
  expect_refused(path_, {"no results.h5 of aesweep"});
  folder_.write("text", "no HDF5 at all");
  expect_refused(folder_.path("text"), {folder_.path("text"), "HDF5"});
  folder_.write("empty", "");
  expect_refused(folder_.path("empty"), {folder_.path("empty")});
}

// An object of the file, what is done to it, and a part of the message that refuses it then.
struct Harm {
  const char* object;
  std::function<void(hid_t, const char*)> deed;
  const char* part;
};

// The deed that puts a data set of that type and shape in the object's place.
std::function<void(hid_t, const char*)> as(hid_t type, std::vector<hsize_t> shape) {
  return [=](hid_t file, const char* name) { replace(file, name, type, shape); };
}

constexpr const char* kBias = "/trial/000001/weights_final/code_bias";

std::vector<Harm> other_shapes() {
  const hsize_t huge = hsize_t{1} << 40;
  return {
      {"/trial/000001/samples/inputs", as(H5T_IEEE_F32LE, {huge, 7}), "do not fit"},
      {"/trial/000001/samples/labels", as(H5T_IEEE_F32LE, {5}), "i4"},
      {"/trial/000001/samples/labels", as(H5T_STD_I32LE, {4}), "one label for each"},
      {"/trial/000001/samples/codes", as(H5T_IEEE_F32LE, {5}), "2 dimensions"},
      {"/trial/000001/samples/codes", as(H5T_IEEE_F32LE, {4, 3}), "same number of samples"},
      {"/trial/000001/samples/reconstructions", as(H5T_IEEE_F32LE, {5, 6}), "as wide as inputs"},
      {"/trial/000001/input_scale", as(H5T_IEEE_F64LE, {6}), "of the same length"},
      {"/trial/000001/input_shift", as(H5T_IEEE_F32LE, {7}), "f8 [input]"},
      {kBias, as(H5T_STD_I64LE, {3}), "f4 or f8"},
      {"/trial/000001/config", as(H5T_IEEE_F64LE, {1}), "one fixed-length text"},
      {"/trials", as(H5T_IEEE_F64LE, {3}), "no table"},
  };
}

// These lead a trusting reader to what is not in the file.
std::vector<Harm> other_places() {
  return {
      {kBias,
       [](hid_t file, const char* name) {
         const hid_t words = H5Tcopy(H5T_C_S1);
         H5Tset_size(words, H5T_VARIABLE);
         replace(file, name, words, {3});
         H5Tclose(words);
       },
       "variable length"},
      {kBias,
       [](hid_t file, const char* name) {
         const hsize_t chunk = 3;
         const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
         H5Pset_chunk(list, 1, &chunk);
         H5Pset_deflate(list, 9);
         replace(file, name, H5T_IEEE_F32LE, {3}, list);
         H5Pclose(list);
       },
       "compressed"},
      {kBias,
       [](hid_t file, const char* name) {
         const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
         H5Pset_external(list, "/etc/hostname", 0, 12);
         replace(file, name, H5T_IEEE_F32LE, {3}, list);
         H5Pclose(list);
       },
       "another file"},
      {"/trial/000001/weights_final",
       [](hid_t file, const char* name) {
         H5Ldelete(file, name, H5P_DEFAULT);
         H5Lcreate_external("/tmp/other.h5", "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
       },
       "hard link"},
      {"/plugins", [](hid_t file, const char* name) { H5Ldelete(file, name, H5P_DEFAULT); },
       "not there"},
  };
}

TEST_F(Reader, RefusesWhatWouldDoHarm) {
  const std::string whole = bytes_of(path_);
  for (const std::vector<Harm>& harms : {other_shapes(), other_places()}) {
    for (const Harm& harm : harms) {
      change([&](hid_t file) { harm.deed(file, harm.object); });
      SCOPED_TRACE(text(harm.object, " ", harm.part));
      expect_refused(path_, {path_, harm.part});
      folder_.write("results.h5", std::string_view(whole));
    }
  }
  EXPECT_TRUE(read_all(path_).ok());
}

// Neither a flipped bit nor a cut may do more than change a value or be refused as input.
TEST_F(Reader, SurvivesDamage) {
  const std::string whole = bytes_of(path_);
  std::mt19937_64 random(5);
  const char* asked = std::getenv("AESWEEP_READER_FLIPS");
  const int flips = asked == nullptr ? 300 : std::atoi(asked);
  int refused = 0;
  for (int i = 0; i < flips; ++i) {
    std::string broken = whole;
    for (std::uint64_t n = 1 + random() % 3; n > 0; --n) {
      broken[random() % broken.size()] ^= static_cast<char>(1 << random() % 8);
    }
    folder_.write("broken.h5", std::string_view(broken));
    const Status status = read_all(folder_.path("broken.h5"));
    ASSERT_NE(status.fault(), Fault::kWorld) << status.message();
    refused += status.ok() ? 0 : 1;
  }
  EXPECT_GT(refused, flips / 10);
  for (std::size_t size = whole.size(); size > 0; size -= 1 + size / 9) {
    folder_.write("broken.h5", std::string_view(whole).substr(0, size - 1));
    EXPECT_EQ(read_all(folder_.path("broken.h5")).fault(), Fault::kInput) << size;
  }
}

}  // namespace
}  // namespace aesweep
