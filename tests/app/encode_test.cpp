// `aesweep encode` on finished runs of a second: its codes are those that the run recorded, its
// bits those that a plain reading of docs/codes.md gives; what is not what the trial was made of is
// refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/codes/binarizer.hpp"
#include "core/data/npy.hpp"
#include "runner/store/code_file.hpp"
#include "runner/store/results_reader.hpp"
#include "tests/app/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTrain = 75;
constexpr std::int64_t kTest = 40;  // In batches of 16: two, and a shorter one.
constexpr std::int64_t kCols = 12;
constexpr std::int64_t kUnits = 8;
constexpr std::int64_t kDatabase = 29;

std::string experiment(const std::string& data, const std::string& rest = "", int units = kUnits,
                       const std::string& activation = "tanh") {
  return text("schema: 1\nname: coded\ndata: {", data,
              "}\n"
              "model:\n  loss: mse\n  layers:\n"
              "    - {name: code, kind: dense, units: ",
              units, ", activation: ", activation,
              "}\n"
              "    - {name: decoder, kind: dense}\n"
              "optimizer: {kind: adam, lr: 1.0e-2}\n"
              "train: {epochs: 2, batch_rows: 16, shard_rows: 8, seed: 3}\n"
              "evaluate: {codes: {binarize: [zero], database: ",
              kDatabase, "}}\n", rest);
}

std::string made_data(int seed) {
  return text("source: superposition, train_rows: ", kTrain, ", test_rows: ", kTest,
              ", cols: ", kCols, ", atoms: 20, seed: ", seed);
}

std::string recorded(const std::string& weights = "all") {
  return text("record: {weights: ", weights, ", samples: ", kTest, "}\n");
}

void run(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"run"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Answer answer = aesweep(all, {{"AESWEEP_DATA_DIR", ""}});
  AESWEEP_CHECK(answer.status == 0, answer.err + answer.out);
}

Answer encode(std::vector<std::string> arguments, const std::string& directory = "/") {
  arguments.insert(arguments.begin(), "encode");
  // Messages differ where the environment names a data folder.
  return aesweep(arguments, {{"AESWEEP_DATA_DIR", ""}}, directory);
}

StoredCodes encoded(std::vector<std::string> arguments, const std::string& out,
                    const std::string& directory = "/") {
  arguments.insert(arguments.end(), {"--out", out});
  const Answer answer = encode(std::move(arguments), directory);
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(answer.err, "");
  Result<StoredCodes> codes = read_codes(out);
  EXPECT_TRUE(codes.ok()) << codes.status().message();
  return codes.ok() ? std::move(*codes) : StoredCodes();
}

void expect_refused(std::vector<std::string> arguments, const std::string& out,
                    const std::vector<std::string>& parts, int status = 2) {
  arguments.insert(arguments.end(), {"--out", out});
  const Answer answer = encode(std::move(arguments));
  EXPECT_EQ(answer.status, status) << answer.err;
  EXPECT_EQ(answer.out, "");
  EXPECT_EQ(count_of(answer.err, "\n"), 1) << answer.err;
  for (const std::string& part : parts) {
    EXPECT_NE(answer.err.find(part), std::string::npos) << part << "\n" << answer.err;
  }
  EXPECT_FALSE(fs::exists(out)) << out;
}

ResultsReader open(const std::string& run) {
  Result<ResultsReader> reader = ResultsReader::open(run);
  AESWEEP_CHECK(reader.ok(), reader.status().message());
  return std::move(*reader);
}

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<float> floats_of(const NamedTensor& tensor) {
  AESWEEP_CHECK(tensor.scalar == Scalar::kF32, "f32");
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

// Smooth numbers, so that two files of different `phase` are different data.
std::string samples_npy(std::int64_t rows, std::int64_t cols, float phase) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < rows * cols; ++i) {
    values.push_back(static_cast<float>((i * 37 % 101)) / 50.0F - phase);
  }
  return npy_bytes({ArrayType::kF32, {rows, cols}}, std::as_bytes(std::span(values)));
}

// One run of made data for all tests: trial 0, and the samples of the test split as a file.
class Encode : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = std::make_unique<TemporaryFolder>();
    const std::string yaml =
        shared_->write("made.yaml", experiment(made_data(1), recorded(), kUnits));
    run({yaml, "-o", shared_->path("run")});
    const ResultsReader results = open(shared_->path("run"));
    const NamedTensor inputs = results.samples(0)->inputs;
    ASSERT_EQ(inputs.shape, (std::vector<std::int64_t>{kTest, kCols}));
    shared_->write("test.npy", npy_bytes({ArrayType::kF32, inputs.shape}, inputs.bytes));
  }
  static void TearDownTestSuite() { shared_.reset(); }

  [[nodiscard]] static std::string made_run() { return shared_->path("run"); }
  [[nodiscard]] static std::string test_file() { return shared_->path("test.npy"); }
  [[nodiscard]] std::string out(const char* name = "out.h5") const { return folder_.path(name); }

  // Real codes of the run's own split.
  [[nodiscard]] RealCodes reals(const std::string& split) const {
    const StoredCodes stored =
        encoded({made_run(), "--trial", "0", "--split", split}, out("reals.h5"));
    const std::vector<float> values = floats_of(stored.real);
    RealCodes codes{stored.real.shape[0], kUnits, {values.begin(), values.end()}, {}};
    codes.pre = codes.codes;
    return codes;
  }

  TemporaryFolder folder_;

 private:
  inline static std::unique_ptr<TemporaryFolder> shared_;
};

TEST_F(Encode, GivesTheCodesThatTheRunRecorded) {
  const ResultsReader results = open(made_run());
  const NamedTensor expected = results.samples(0)->codes;
  for (const std::vector<std::string>& samples :
       {std::vector<std::string>{"--split", "test"}, {"--data", test_file()}}) {
    std::vector<std::string> arguments = {made_run(), "--trial", "0"};
    arguments.insert(arguments.end(), samples.begin(), samples.end());
    for (const char* name : {"out.h5", "out.npy"}) {
      const StoredCodes codes = encoded(arguments, out(name));
      EXPECT_EQ(codes.real.shape, expected.shape);
      EXPECT_TRUE(codes.real.bytes == expected.bytes) << samples[0] << ' ' << name;
    }
    const StoredCodes whole = encoded(arguments, out("out.h5"));
    EXPECT_EQ(whole.origin.run, "coded");
    EXPECT_EQ(whole.origin.binarization, "none");
    EXPECT_EQ(whole.origin.key, results.trials()[0].key);
    EXPECT_EQ(whole.origin.key.size(), 16u);
  }
}

TEST_F(Encode, GivesTheBitsOfEachBinarization) {
  const RealCodes test = reals("test");
  RealCodes database = reals("train");
  database.rows = kDatabase;  // Those that evaluate.codes takes.
  database.codes.resize(kDatabase * kUnits);
  database.pre.resize(kDatabase * kUnits);
  for (const Binarization kind :
       {Binarization::kZero, Binarization::kMean, Binarization::kMedian, Binarization::kItq}) {
    const char* name = binarization_name(kind);
    // tanh keeps signs, so that codes do for pre-activations.
    const PackedCodes expected = Binarizer::fit(kind, database, 3).value().pack(test);
    for (const char* file : {"out.h5", "out.npy", "out.faiss"}) {
      const StoredCodes split =
          encoded({made_run(), "--trial", "0", "--split", "test", "--binarize", name}, out(file));
      ASSERT_TRUE(split.packed) << name;
      EXPECT_TRUE(*split.packed == expected) << name << ' ' << file;
    }
    const StoredCodes data = encoded(
        {made_run(), "--trial", "0", "--data", test_file(), "--binarize", name}, out("data.h5"));
    ASSERT_TRUE(data.packed) << name;
    EXPECT_TRUE(*data.packed == expected) << name << " of a file";
    EXPECT_EQ(data.origin.binarization, name);
  }
}

TEST_F(Encode, SaysWhatItWrote) {
  const Answer answer = encode({made_run() + "/results.h5", "--trial", "0", "--split", "train",
                                "--binarize", "zero", "--out", out()});
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(answer.out, text(out(), ": ", kTrain, " codes of ", kUnits, " bits\n"));
}

TEST_F(Encode, RefusesWhatDoesNotFit) {
  const std::vector<std::string> trial = {made_run(), "--trial", "0"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = trial;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::string narrow = folder_.write("narrow.npy", bytes_of(samples_npy(5, 10, 0)));
  expect_refused(with({"--data", narrow}), out(), {narrow + ": has 10 columns, trial 0 takes 12"});
  const std::string bytes = folder_.write(
      "bytes.npy", npy_bytes({ArrayType::kU8, {2, kCols}}, std::vector<std::byte>(2 * kCols)));
  expect_refused(with({"--data", bytes}), out(), {"holds u8", "trained on other numbers", "f32"});
  expect_refused(with({"--split", "test"}), out("out.faiss"),
                 {".faiss holds binary", "--binarize"});
  expect_refused(with({"--split", "validation"}), out(), {"--split validation: the run has none"});
  expect_refused(with({"--split", "test"}), out("out.txt"), {".h5, .npy or .faiss"});
  expect_refused({made_run(), "--trial", "9", "--split", "test"}, out(), {"no finished trial 9"});
  expect_refused(with({"--data", folder_.path("absent.npy")}), out(), {"absent.npy"});
}

TEST_F(Encode, RefusesFaissOfBrokenBytesAndTrialsWithoutWeights) {
  const std::string odd =
      folder_.write("odd.yaml", experiment(made_data(1), recorded(), kUnits + 1));
  run({odd, "-o", folder_.path("odd")});
  expect_refused({folder_.path("odd"), "--trial", "0", "--split", "test", "--binarize", "zero"},
                 out("out.faiss"), {"multiple of 8 bits", "trial 0 has 9", ".npy or .h5"});
  const std::string bare = folder_.write("bare.yaml", experiment(made_data(1), recorded("none")));
  run({bare, "-o", folder_.path("bare")});
  expect_refused({folder_.path("bare"), "--trial", "0", "--split", "test"}, out(),
                 {"record.weights: all", "record.weights.best"});
}

TEST_F(Encode, RefusesTheDataOfAnotherJob) {
  const std::string yaml = folder_.write("run.yaml", experiment(made_data(1), recorded()));
  run({yaml, "-o", folder_.path("run")});
  run({yaml, "-o", folder_.path("run"), "--extend", "--set", "data.seed=7"});
  const std::string folder = folder_.path("run");
  expect_refused({folder, "--trial", "0", "--split", "test"}, out(),
                 {"not what trial 0 was trained on", "seed: 1 then, seed: 7"});
  expect_refused({folder, "--trial", "0", "--data", test_file(), "--binarize", "mean"}, out(),
                 {"--binarize mean needs the run's data", "not what trial 0 was trained on"});
  // What the run's data do not decide is as before.
  const StoredCodes file = encoded({folder, "--trial", "0", "--data", test_file()}, out());
  EXPECT_TRUE(file.real.bytes == open(made_run()).samples(0)->codes.bytes);
  const StoredCodes other = encoded({folder, "--trial", "1", "--split", "test"}, out());
  EXPECT_TRUE(other.real.bytes == open(folder).samples(1)->codes.bytes);
}

// Data in files beside the experiment, named relative to it.
class EncodeFiles : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(folder_.path("one"));
    fs::create_directory(folder_.path("two"));
    folder_.write("one/all.npy", bytes_of(samples_npy(kTrain + kTest, kCols, 0.5F)));
    const std::string data = text("source: files, path: all.npy, split: {test: [", kTrain, ", ",
                                  kTrain + kTest, "], train: [0, ", kTrain, "]}");
    run({folder_.write("one/run.yaml", experiment(data, recorded())), "-o", folder_.path("run")});
    arguments_ = {folder_.path("run"), "--trial", "0", "--split", "test"};
  }
  void expect_codes(const std::vector<std::string>& arguments, const std::string& directory = "/") {
    const StoredCodes codes = encoded(arguments, folder_.path("out.h5"), directory);
    EXPECT_TRUE(codes.real.bytes == open(folder_.path("run")).samples(0)->codes.bytes);
    fs::remove(folder_.path("out.h5"));
  }

  TemporaryFolder folder_;
  std::vector<std::string> arguments_;
};

TEST_F(EncodeFiles, FindsTheDataWhereTheRunDidAndWhereItIsTold) {
  expect_codes(arguments_);
  fs::remove(folder_.path("one/run.yaml"));
  expect_codes(arguments_);
  fs::rename(folder_.path("one/all.npy"), folder_.path("two/all.npy"));
  expect_refused(arguments_, folder_.path("out.h5"), {"data.path", "all.npy", "--data-dir"});
  std::vector<std::string> told = arguments_;
  told.insert(told.end(), {"--data-dir", folder_.path("two")});
  expect_codes(told);
  expect_codes(arguments_, folder_.path("two"));
}

TEST_F(EncodeFiles, RefusesEditedData) {
  folder_.write("one/all.npy", bytes_of(samples_npy(kTrain + kTest, kCols, 0.25F)));
  expect_refused(arguments_, folder_.path("out.h5"),
                 {"the data at " + folder_.path("one/all.npy") + " are not what trial 0",
                  "the keys are the same, the samples not"});
}

TEST(EncodeScaling, RefusesOtherNumbersThanBytesForATrialOfBytes) {
  const TemporaryFolder folder;
  std::vector<std::byte> pixels;
  for (std::int64_t i = 0; i < (kTrain + kTest) * kCols; ++i) {
    pixels.push_back(static_cast<std::byte>(i * 29 % 251));
  }
  folder.write("all.npy", npy_bytes({ArrayType::kU8, {kTrain + kTest, kCols}}, pixels));
  const std::string data = text("source: files, path: all.npy, split: {train: [0, ", kTrain,
                                "], test: [", kTrain, ", ", kTrain + kTest, "]}");
  const std::string yaml = folder.write("run.yaml", experiment(data, recorded()));
  run({yaml, "-o", folder.path("run")});
  const std::vector<std::byte> test(pixels.begin() + kTrain * kCols, pixels.end());
  folder.write("test.npy", npy_bytes({ArrayType::kU8, {kTest, kCols}}, test));
  const StoredCodes codes =
      encoded({folder.path("run"), "--trial", "0", "--data", folder.path("test.npy")},
              folder.path("out.h5"));
  EXPECT_TRUE(codes.real.bytes == open(folder.path("run")).samples(0)->codes.bytes);
  folder.write("floats.npy", bytes_of(samples_npy(4, kCols, 0)));
  expect_refused({folder.path("run"), "--trial", "0", "--data", folder.path("floats.npy")},
                 folder.path("none.h5"), {"holds f32", "trained on u8", "store the samples as u8"});
  // Bytes taken as they are say nothing of their type.
  run({yaml, "-o", folder.path("plain"), "--set", "data.scaling=none"});
  const StoredCodes plain =
      encoded({folder.path("plain"), "--trial", "0", "--data", folder.path("test.npy")},
              folder.path("out.h5"));
  EXPECT_TRUE(plain.real.bytes == open(folder.path("plain")).samples(0)->codes.bytes);
}

TEST(EncodeGivenWeights, NeedsNoSourceOfThem) {
  const TemporaryFolder folder;
  run({folder.write("first.yaml", experiment(made_data(1), recorded())), "-o",
       folder.path("first")});
  std::string second = experiment(made_data(1), recorded());
  const std::string model = "model:\n";
  second.insert(second.find(model) + model.size(), "  init_from: {path: first, trial: 0}\n");
  const std::string yaml = folder.write("second.yaml", second);
  run({yaml, "-o", folder.path("second")});

  // Trained again while the second run is not finished: the resume says what changed.
  fs::remove_all(folder.path("first"));
  run({folder.path("first.yaml"), "-o", folder.path("first"), "--set", "train.seed=4"});
  const Answer resumed = aesweep({"run", yaml, "-o", folder.path("second"), "--resume"});
  EXPECT_EQ(resumed.status, 2);
  EXPECT_NE(resumed.err.find("weights of model.init_from: "), std::string::npos) << resumed.err;

  fs::remove_all(folder.path("first"));
  const StoredCodes codes =
      encoded({folder.path("second"), "--trial", "0", "--split", "test"}, folder.path("out.h5"));
  EXPECT_TRUE(codes.real.bytes == open(folder.path("second")).samples(0)->codes.bytes);
}

TEST(EncodePlugins, AreThoseOfTheRun) {
  const TemporaryFolder folder;
  const auto install = [&](const std::string& library, const std::string& directory) {
    fs::create_directories(folder.path(directory));
    for (const char* suffix : {".so", ".plugin.yaml"}) {
      const fs::path copy = folder.path(directory) + "/" + library + suffix;
      fs::copy_file(std::string(AESWEEP_BAD_PLUGINS "/") + library + suffix, copy);
      fs::permissions(copy, fs::perms::owner_read | fs::perms::owner_write);
    }
    return folder.path(directory) + "/" + library + ".so";
  };
  const std::string plugin = install("good", "here");
  const std::string yaml = folder.write(
      "run.yaml",
      experiment(made_data(1), text(recorded(), "plugins: [", plugin, "]\n"), kUnits, "good"));
  run({yaml, "-o", folder.path("run")});
  const std::vector<std::string> arguments = {folder.path("run"), "--trial", "0", "--split",
                                              "test"};
  const NamedTensor expected = open(folder.path("run")).samples(0)->codes;
  EXPECT_TRUE(encoded(arguments, folder.path("a.h5")).real.bytes == expected.bytes);

  fs::create_directory(folder.path("there"));
  for (const char* suffix : {".so", ".plugin.yaml"}) {
    fs::rename(folder.path(std::string("here/good") + suffix),
               folder.path(std::string("there/good") + suffix));
  }
  expect_refused(arguments, folder.path("none.h5"), {"good", "--plugin"});
  std::vector<std::string> named = arguments;
  named.insert(named.end(), {"--plugin", folder.path("there/good.so")});
  EXPECT_TRUE(encoded(named, folder.path("b.h5")).real.bytes == expected.bytes);
}

}  // namespace
}  // namespace aesweep
