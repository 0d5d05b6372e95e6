// Proves inspect, load and view on folders written by the test: bytes, labels, limits, variations
// by a plain formula, fingerprints that notice every change, and one message for each way a folder
// can be wrong.
#include "core/data/source.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/data/facts.hpp"
#include "core/data/superposition.hpp"
#include "tests/data/idx_builder.hpp"
#include "tests/data/loaded_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

constexpr const char* kTrainImages = "train-images-idx3-ubyte";
constexpr const char* kTrainLabels = "train-labels-idx1-ubyte";
constexpr const char* kTestImages = "t10k-images-idx3-ubyte";
constexpr const char* kTestLabels = "t10k-labels-idx1-ubyte";

using Bytes = std::vector<std::uint8_t>;

const Bytes kTrainPixels = {0, 10, 255, 3, 7, 11, 200, 100, 50, 25, 12, 6, 1, 2, 3, 4, 5, 6};
const Bytes kTestPixels = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 128, 255};

// A data set of 3 training and 2 test images of 3 x 2, plain and compressed files mixed.
class IdxFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write(kTrainImages, idx_bytes<std::uint8_t>({3, 3, 2}, kTrainPixels));
    folder_.write(kTrainLabels + std::string(".gz"),
                  gzipped(idx_bytes<std::uint8_t>({3}, {5, 0, 255})));
    folder_.write(kTestImages + std::string(".gz"),
                  gzipped(idx_bytes<std::uint8_t>({2, 3, 2}, kTestPixels)));
    folder_.write(kTestLabels, idx_bytes<std::uint8_t>({2}, {7, 2}));
  }

  [[nodiscard]] DataSpec spec(std::int64_t limit = 0) const {
    DataSpec data;
    data.source = DataSpec::Source::kIdx;
    data.path = folder_.path();
    data.limit = limit;
    return data;
  }

  void replace(const std::string& name, const std::string& bytes) {
    std::filesystem::remove(folder_.path(name));
    std::filesystem::remove(folder_.path(name + ".gz"));
    folder_.write(name, bytes);
  }

  void expect_refused(const std::string& reason) const;

  TemporaryFolder folder_;
};

void IdxFolder::expect_refused(const std::string& reason) const {
  const Loaded loaded = load_all(spec());
  ASSERT_FALSE(loaded.status.ok()) << "expected: " << reason;
  EXPECT_EQ(loaded.status.fault(), Fault::kInput);
  EXPECT_EQ(loaded.status.message().rfind(folder_.path(), 0), 0u) << loaded.status.message();
  EXPECT_NE(loaded.status.message().find(reason), std::string::npos)
      << loaded.status.message() << "\nexpected: " << reason;
}

double value_at(const Split& split, std::int64_t row, std::int64_t col) {
  const auto at = static_cast<std::size_t>(row * split.cols + col);
  switch (split.element) {
    case Element::kU8:
      return std::to_integer<int>(split.samples[at]) * split.scale;
    case Element::kF32:
      return reinterpret_cast<const float*>(split.samples)[at] * split.scale;
    case Element::kF64:
      return reinterpret_cast<const double*>(split.samples)[at] * split.scale;
  }
  return 0.0;
}

// The definition in long double.
double plain_variation(const Split& split) {
  long double total = 0.0L;
  for (std::int64_t c = 0; c < split.cols; ++c) {
    long double mean = 0.0L;
    for (std::int64_t r = 0; r < split.rows; ++r) mean += value_at(split, r, c);
    mean /= static_cast<long double>(split.rows);
    for (std::int64_t r = 0; r < split.rows; ++r) {
      const long double deviation = value_at(split, r, c) - mean;
      total += deviation * deviation;
    }
  }
  return static_cast<double>(total);
}

// Relative: every term is rounded a few times, and sums of n positive terms lose at most n
// roundings.
void expect_variation(const Split& split) {
  const double expected = plain_variation(split);
  const auto terms = static_cast<double>(split.rows + split.cols + 8);
  EXPECT_NEAR(split.variation, expected, terms * std::numeric_limits<double>::epsilon() * expected);
}

TEST_F(IdxFolder, LoadsSamplesLabelsAndFacts) {
  const Loaded loaded = load_all(spec());
  ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
  const Split& train = loaded.dataset.train;
  const Split& test = loaded.dataset.test;
  EXPECT_EQ(train.rows, 3);
  EXPECT_EQ(test.rows, 2);
  EXPECT_EQ(loaded.dataset.cols(), 6);
  EXPECT_EQ(train.element, Element::kU8);
  EXPECT_EQ(train.scale, 1.0 / 255.0);
  EXPECT_EQ(std::memcmp(train.samples, kTrainPixels.data(), kTrainPixels.size()), 0);
  EXPECT_EQ(std::memcmp(test.samples, kTestPixels.data(), kTestPixels.size()), 0);
  EXPECT_EQ(std::vector<std::int32_t>(train.labels, train.labels + 3),
            (std::vector<std::int32_t>{5, 0, 255}));
  EXPECT_EQ(std::vector<std::int32_t>(test.labels, test.labels + 2),
            (std::vector<std::int32_t>{7, 2}));
  expect_variation(train);
  expect_variation(test);
  EXPECT_EQ(loaded.dataset.dictionary.count, 0);
  EXPECT_EQ(loaded.dataset.dictionary.atoms, nullptr);
  // By Python's hashlib from the description in facts.cpp; it must never change.
  EXPECT_EQ(loaded.dataset.fingerprint,
            "eac84ad6cf3a81cbdd0f140ed616935baeaa6f3832fc286380fe56f86de942bc");
  for (const std::uint64_t offset :
       {loaded.layout.train.samples_offset, loaded.layout.train.labels_offset,
        loaded.layout.test.samples_offset, loaded.layout.test.labels_offset,
        loaded.layout.facts_offset, loaded.layout.bytes}) {
    EXPECT_EQ(offset % kLineBytes, 0u);
  }
}

TEST_F(IdxFolder, KeepsTheFirstSamplesUpToTheLimit) {
  const Loaded whole = load_all(spec());
  const Loaded two = load_all(spec(2));
  ASSERT_TRUE(two.status.ok()) << two.status.message();
  EXPECT_EQ(two.dataset.train.rows, 2);
  EXPECT_EQ(two.dataset.test.rows, 2);
  EXPECT_EQ(std::memcmp(two.dataset.train.samples, kTrainPixels.data(), 12), 0);
  EXPECT_EQ(two.dataset.train.labels[1], 0);
  expect_variation(two.dataset.train);
  EXPECT_NE(two.dataset.fingerprint, whole.dataset.fingerprint);

  const Loaded one = load_all(spec(1));
  ASSERT_TRUE(one.status.ok());
  EXPECT_EQ(one.dataset.train.rows, 1);
  EXPECT_EQ(one.dataset.train.variation, 0.0);

  const Loaded many = load_all(spec(1'000'000'000'000));
  ASSERT_TRUE(many.status.ok());
  EXPECT_EQ(many.dataset.fingerprint, whole.dataset.fingerprint);
  EXPECT_EQ(many.layout.bytes, whole.layout.bytes);

  EXPECT_NE(load_all(spec(-1)).status.message().find("data.limit: -1"), std::string::npos);
}

TEST_F(IdxFolder, ReadsRealNumbersAndOtherLabels) {
  replace(kTrainImages, idx_bytes<float>({2, 3}, {0.5F, -1.5F, 2.0F, 1e-3F, 7.0F, -0.25F}));
  replace(kTrainLabels, idx_bytes<std::int32_t>({2}, {2147483647, 0}));
  replace(kTestImages, idx_bytes<double>({1, 3, 1}, {0.1, 0.2, -0.3}));
  replace(kTestLabels, idx_bytes<std::int16_t>({1}, {300}));
  const Loaded loaded = load_all(spec());
  ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
  EXPECT_EQ(loaded.dataset.train.element, Element::kF32);
  EXPECT_EQ(loaded.dataset.test.element, Element::kF64);
  EXPECT_EQ(loaded.dataset.train.scale, 1.0);
  EXPECT_EQ(value_at(loaded.dataset.train, 0, 1), -1.5);
  EXPECT_EQ(value_at(loaded.dataset.test, 0, 2), -0.3);
  EXPECT_EQ(loaded.dataset.train.labels[0], 2147483647);
  EXPECT_EQ(loaded.dataset.test.labels[0], 300);
  expect_variation(loaded.dataset.train);
  EXPECT_EQ(loaded.dataset.test.variation, 0.0);
}

TEST_F(IdxFolder, CutsTheTrainingSamples) {
  DataSpec data = spec();
  data.split.validation = SplitPart{true, 0.0, 1, 2};
  const Loaded loaded = load_all(data);
  ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
  EXPECT_EQ(loaded.dataset.train.rows, 2);
  EXPECT_EQ(loaded.dataset.test.rows, 2);
  ASSERT_EQ(loaded.dataset.validation.rows, 1);
  EXPECT_EQ(std::memcmp(loaded.dataset.validation.samples, kTrainPixels.data() + 6, 6), 0);
  EXPECT_EQ(std::memcmp(loaded.dataset.train.samples + 6, kTrainPixels.data() + 12, 6), 0);
  EXPECT_EQ(loaded.dataset.validation.labels[0], 0);
  EXPECT_EQ(loaded.dataset.train.labels[1], 255);
  EXPECT_NE(loaded.dataset.fingerprint, load_all(spec()).dataset.fingerprint);
  data.split.test = SplitPart{true, 0.0, 0, 1};
  EXPECT_NE(load_all(data).status.message().find("data.split.test: given"), std::string::npos);
}

// 2.5 GB of bytes that widen to four times as much: a sparse file, of which only the header is
// read.
TEST_F(IdxFolder, RefusesWhatWidensBeyondTheMemoryThatIsTaken) {
  constexpr std::uint32_t kRows = 200'000;
  replace(kTrainImages, idx_header(idx_code<std::int8_t>(), {kRows, 100, 125}));
  std::filesystem::resize_file(folder_.path(kTrainImages), 16 + std::uint64_t{kRows} * 12'500);
  replace(kTrainLabels, idx_bytes<std::uint8_t>({kRows}, std::vector<std::uint8_t>(kRows)));
  replace(kTestImages, idx_bytes<std::int8_t>({1, 12'500}, std::vector<std::int8_t>(12'500)));
  replace(kTestLabels, idx_bytes<std::uint8_t>({1}, {7}));
  const Result<DatasetLayout> layout = inspect(spec());
  ASSERT_FALSE(layout.ok());
  EXPECT_EQ(layout.status().fault(), Fault::kInput);
  EXPECT_NE(layout.status().message().find("at most 8589934592 are taken. Lower data.limit"),
            std::string::npos)
      << layout.status().message();
  EXPECT_TRUE(inspect(spec(1000)).ok());
}

TEST_F(IdxFolder, FollowsSymbolicLinks) {
  const Loaded before = load_all(spec());
  std::filesystem::rename(folder_.path(kTrainImages), folder_.path("elsewhere"));
  std::filesystem::create_symlink("elsewhere", folder_.path(kTrainImages));
  EXPECT_EQ(load_all(spec()).dataset.fingerprint, before.dataset.fingerprint);
}

TEST_F(IdxFolder, HasAFingerprintThatNoticesEveryChange) {
  std::vector<std::string> seen = {load_all(spec()).dataset.fingerprint};
  const auto changed = [&](const std::string& name, const std::string& bytes) {
    replace(name, bytes);
    const Loaded loaded = load_all(spec());
    ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
    for (const std::string& other : seen) EXPECT_NE(loaded.dataset.fingerprint, other);
    seen.push_back(loaded.dataset.fingerprint);
  };
  Bytes pixels = kTrainPixels;
  pixels[17] ^= 1;
  changed(kTrainImages, idx_bytes<std::uint8_t>({3, 3, 2}, pixels));
  pixels = kTestPixels;
  pixels[0] ^= 128;
  changed(kTestImages, idx_bytes<std::uint8_t>({2, 6}, pixels));
  changed(kTestLabels, idx_bytes<std::uint8_t>({2}, {7, 3}));
  changed(kTrainLabels, idx_bytes<std::uint8_t>({3}, {5, 1, 255}));
  // The container does not count: the same labels in another type.
  replace(kTrainLabels, idx_bytes<std::int16_t>({3}, {5, 1, 255}));
  EXPECT_EQ(load_all(spec()).dataset.fingerprint, seen.back());
}

TEST_F(IdxFolder, RefusesLabelsThatDoNotMatch) {
  replace(kTrainLabels, idx_bytes<std::uint8_t>({4}, {5, 0, 255, 1}));
  expect_refused("has 4 labels for the 3 samples of");
  replace(kTrainLabels, idx_bytes<std::uint8_t>({3, 2}, {5, 0, 255, 1, 2, 3}));
  expect_refused("is u8 [3, 2]; labels are [n] or [n, 1]");
  replace(kTrainLabels, idx_bytes<float>({3}, {5, 0, 255}));
  expect_refused("labels of type f32");
  replace(kTrainLabels, idx_bytes<std::int8_t>({3}, {5, 0, -1}));
  expect_refused("label 2 is -1; expected at least 0");
}

TEST_F(IdxFolder, RefusesImagesThatMakeNoSense) {
  replace(kTrainImages, idx_bytes<std::uint8_t>({3}, {1, 2, 3}));
  expect_refused("is u8 [3]; samples have 2 dimensions or more");
  replace(kTrainImages, idx_bytes<std::uint8_t>({3, 3, 1}, Bytes(9)));
  expect_refused("training samples have 3 values, test samples 6");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  replace(kTrainImages, idx_bytes<float>({3, 6}, std::vector<float>(18, nan)));
  replace(kTestImages, idx_bytes<float>({2, 6}, std::vector<float>(12)));
  expect_refused("train sample 0, column 0 is nan");
  std::vector<double> huge(18);
  huge[9] = 1e300;
  replace(kTrainImages, idx_bytes<double>({3, 6}, huge));
  expect_refused("train samples are so large");
  huge[16] = -std::numeric_limits<double>::infinity();
  replace(kTrainImages, idx_bytes<double>({3, 6}, huge));
  expect_refused("train sample 2, column 4 is -inf");
}

TEST_F(IdxFolder, RefusesAFileThatIsThereTwice) {
  folder_.write(std::string(kTrainImages) + ".gz", "anything");
  expect_refused(std::string(kTrainImages) + ": train-images-idx3-ubyte.gz is there, too");
}

TEST_F(IdxFolder, RefusesWhatIsMissingOrNoFile) {
  std::filesystem::remove(folder_.path(kTestLabels));
  expect_refused("holds neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte.gz");
  ASSERT_EQ(::mkfifo(folder_.path(kTestLabels).c_str(), 0600), 0);
  expect_refused("is a pipe; expected a regular file");
  std::filesystem::remove(folder_.path(kTestLabels));
  std::filesystem::create_directory(folder_.path(kTestLabels));
  expect_refused("is a folder; expected a regular file");
  std::filesystem::remove(folder_.path(kTestLabels));
  std::filesystem::create_symlink("/dev/zero", folder_.path(kTestLabels));
  expect_refused("is a character device; expected a regular file");
  replace(kTestLabels, "");
  expect_refused("is empty");
  replace(kTestLabels, idx_bytes<std::uint8_t>({2}, {7, 2}).substr(0, 9));
  expect_refused("truncated");
  DataSpec nowhere = spec();
  nowhere.path = folder_.path("nowhere");
  EXPECT_NE(load_all(nowhere).status.message().find("no such folder"), std::string::npos);
}

TEST_F(IdxFolder, NoticesAFileThatChangedAfterItsInspection) {
  const Result<DatasetLayout> layout = inspect(spec());
  ASSERT_TRUE(layout.ok());
  Buffer<std::byte> block(layout.value().bytes);
  replace(kTrainImages, idx_bytes<std::uint8_t>({3, 3, 3}, Bytes(27)));
  replace(kTestImages, idx_bytes<std::uint8_t>({2, 9}, Bytes(18)));
  const Status status = load(spec(), layout.value(), block.span());
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("changed since"), std::string::npos) << status.message();
}

TEST(DataFingerprint, CoversShapesLabelsAndAtoms) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const std::vector<std::int32_t> labels(6);
  const std::vector<double> atoms(6);
  Dataset dataset;
  for (Split* split : {&dataset.train, &dataset.test}) {
    split->rows = 2;
    split->cols = 3;
    split->samples = reinterpret_cast<const std::byte*>(values.data());
  }
  std::vector<std::string> seen = {data_fingerprint(dataset).value()};
  const auto expect_new = [&](const Dataset& changed) {
    const std::string fingerprint = data_fingerprint(changed).value();
    for (const std::string& other : seen) EXPECT_NE(fingerprint, other);
    seen.push_back(fingerprint);
  };
  Dataset changed = dataset;
  changed.train.rows = 3;
  changed.train.cols = 2;
  expect_new(changed);
  changed = dataset;
  changed.test.scale = 0.5;
  expect_new(changed);
  changed = dataset;
  changed.test.labels = labels.data();
  expect_new(changed);
  changed = dataset;
  changed.dictionary = {atoms.data(), 2};
  expect_new(changed);
  changed = dataset;
  changed.test.variation = 1.0;  // A function of the rest.
  EXPECT_EQ(data_fingerprint(changed).value(), seen.front());
}

TEST(Synthetic, LoadsItsSplitsAndDictionary) {
  DataSpec spec;
  spec.superposition.train_rows = 37;
  spec.superposition.test_rows = 11;
  spec.superposition.cols = 7;
  spec.superposition.atoms = 5;
  spec.superposition.noise = 0.1;
  const Loaded loaded = load_all(spec);
  ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
  const Dataset& dataset = loaded.dataset;
  EXPECT_EQ(dataset.train.rows, 37);
  EXPECT_EQ(dataset.test.rows, 11);
  EXPECT_EQ(dataset.cols(), 7);
  EXPECT_EQ(dataset.train.labels, nullptr);
  ASSERT_EQ(dataset.dictionary.count, 5);
  expect_variation(dataset.train);
  expect_variation(dataset.test);
  std::vector<double> atoms(35);
  superposition_atoms(spec.superposition, atoms);
  EXPECT_EQ(std::memcmp(atoms.data(), dataset.dictionary.atoms, sizeof(double) * 35), 0);
  std::vector<float> last(7);
  superposition_rows(spec.superposition, atoms, SuperpositionSplit::kTest, 10, last);
  EXPECT_EQ(std::memcmp(last.data(), dataset.test.samples + sizeof(float) * 70, sizeof(float) * 7),
            0);

  spec.limit = 12;
  const Loaded limited = load_all(spec);
  EXPECT_EQ(limited.dataset.train.rows, 12);
  EXPECT_LT(limited.layout.bytes, loaded.layout.bytes);
  EXPECT_EQ(limited.dataset.test.rows, 11);
  EXPECT_EQ(std::memcmp(limited.dataset.train.samples, dataset.train.samples, sizeof(float) * 84),
            0);
  EXPECT_NE(limited.dataset.fingerprint, dataset.fingerprint);
  spec.limit = 0;
  spec.superposition.seed = 1;
  EXPECT_NE(load_all(spec).dataset.fingerprint, dataset.fingerprint);
}

TEST(Synthetic, RefusesNumbersOutOfRange) {
  DataSpec spec;
  spec.superposition.cols = 0;
  EXPECT_NE(load_all(spec).status.message().find("data.cols: 0"), std::string::npos);
}

}  // namespace
}  // namespace aesweep
