// Proves the source `files` on arrays that the test writes: types, labels, splits, every scaling
// against plain loops over the definition, patches, and that streamed splits have the facts of
// those in memory; one message for each way in which it can be wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/data/convert.hpp"
#include "core/data/patches.hpp"
#include "core/data/source.hpp"
#include "core/data/stream_file.hpp"
#include "tests/data/array_builder.hpp"
#include "tests/data/loaded_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

using Values = std::vector<double>;

class Files : public ::testing::Test {
 protected:
  template <class T>
  std::string write(const std::string& name, const char* descr, const std::string& shape,
                    const std::vector<T>& numbers) {
    return folder_.write(name, npy_file(descr, shape, stored(numbers)));
  }

  // 11 samples of 3 values, of which column 1 is constant, labels 0 to 10; the last 3 for testing.
  DataSpec reals() {
    std::vector<float> numbers;
    std::vector<std::int64_t> labels;
    for (int r = 0; r < 11; ++r) {
      numbers.insert(numbers.end(),
                     {static_cast<float>(r * r) * 0.1F, 0.1F, 5.0F - static_cast<float>(r)});
      labels.push_back(r);
    }
    DataSpec spec;
    spec.source = DataSpec::Source::kFiles;
    spec.path = write("x.npy", "<f4", "(11, 3)", numbers);
    spec.labels = write("y.npy", "<i8", "(11, 1)", labels);
    spec.split.test = SplitPart{true, 0.0, 8, 11};
    return spec;
  }

  // 7 samples of 2 x 3 bytes; the last 2 for testing.
  DataSpec bytes() {
    std::vector<std::uint8_t> numbers(42);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = static_cast<std::uint8_t>(i % 6 == 4 ? 9 : i * i * 7 % 256);
    }
    DataSpec spec;
    spec.source = DataSpec::Source::kFiles;
    spec.path = write("b.npy", "|u1", "(7, 2, 3)", numbers);
    spec.split.test = SplitPart{true, 0.0, 5, 7};
    return spec;
  }

  static void expect_refused(const DataSpec& spec, const std::string& reason) {
    const Loaded loaded = load_all(spec);
    ASSERT_FALSE(loaded.status.ok()) << reason;
    EXPECT_EQ(loaded.status.fault(), Fault::kInput);
    EXPECT_NE(loaded.status.message().find(reason), std::string::npos) << loaded.status.message();
  }

  TemporaryFolder folder_;
};

double stored_at(const Split& split, std::int64_t i) {
  if (split.element == Element::kU8) return std::to_integer<int>(split.samples[i]);
  if (split.element == Element::kF32) return reinterpret_cast<const float*>(split.samples)[i];
  return reinterpret_cast<const double*>(split.samples)[i];
}

Values stored_numbers(const Split& split) {
  Values numbers;
  for (std::int64_t i = 0; i < split.rows * split.cols; ++i) numbers.push_back(stored_at(split, i));
  return numbers;
}

template <class T>
Values gathered(const Split& split) {
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 0; r < split.rows; ++r) rows.push_back(r);
  std::vector<T> out(static_cast<std::size_t>(split.rows * split.cols));
  gather(split, rows, out.data(), split.cols);
  return {out.begin(), out.end()};
}

std::vector<std::int32_t> labels_of(const Split& split) {
  return {split.labels, split.labels + split.rows};
}

double plain_variation(const Values& values, std::int64_t cols) {
  double total = 0.0;
  for (std::int64_t c = 0; c < cols; ++c) {
    std::vector<long double> column;
    for (std::size_t i = static_cast<std::size_t>(c); i < values.size();
         i += static_cast<std::size_t>(cols)) {
      column.push_back(values[i]);
    }
    long double mean = 0.0L;
    for (const long double v : column) mean += v / static_cast<long double>(column.size());
    for (const long double v : column) total += static_cast<double>((v - mean) * (v - mean));
  }
  return total;
}

// scaling's values of numbers[rows, cols] by its definition, the statistics from `train`.
Values by_definition(Scaling scaling, bool u8, const Values& train, const Values& numbers,
                     std::size_t cols) {
  const double natural = u8 ? 1.0 / 255.0 : 1.0;
  const double least = u8 ? 0.0 : *std::min_element(train.begin(), train.end());
  const double most = u8 ? 255.0 : *std::max_element(train.begin(), train.end());
  Values values;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    double mean = 0.0;
    double square = 0.0;
    const auto rows = static_cast<double>(train.size() / cols);
    for (std::size_t j = i % cols; j < train.size(); j += cols) mean += train[j] * natural / rows;
    for (std::size_t j = i % cols; j < train.size(); j += cols) {
      square += std::pow(train[j] * natural - mean, 2) / rows;
    }
    const double deviation = square < 1e-20 ? 1.0 : std::sqrt(square);
    const double unit = (numbers[i] - least) / (most - least);
    const std::map<Scaling, double> all = {
        {Scaling::kAuto, numbers[i] * natural},
        {Scaling::kNone, numbers[i]},
        {Scaling::kUnit, unit},
        {Scaling::kSymmetric, 2 * unit - 1},
        {Scaling::kCenter, numbers[i] * natural - mean},
        {Scaling::kStandardize, (numbers[i] * natural - mean) / deviation}};
    values.push_back(all.at(scaling));
  }
  return values;
}

constexpr Scaling kScalings[] = {Scaling::kAuto,      Scaling::kNone,   Scaling::kUnit,
                                 Scaling::kSymmetric, Scaling::kCenter, Scaling::kStandardize};

TEST_F(Files, ScaleAsDefined) {
  std::vector<std::string> seen;
  for (DataSpec spec : {reals(), bytes()}) {
    spec.split.validation = SplitPart{true, 0.0, 0, 1};
    for (const Scaling scaling : kScalings) {
      SCOPED_TRACE(static_cast<int>(scaling));
      spec.scaling = scaling;
      const Loaded loaded = load_all(spec);
      ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
      const Dataset& data = loaded.dataset;
      ASSERT_EQ(data.validation.rows, 1);
      EXPECT_EQ(data.validation.variation, 0.0);
      const Values train = stored_numbers(data.train);
      for (const Split* split : {&data.train, &data.test, &data.validation}) {
        const Values expected =
            by_definition(scaling, split->element == Element::kU8, train, stored_numbers(*split),
                          static_cast<std::size_t>(split->cols));
        const Values values = gathered<double>(*split);
        const Values floats = gathered<float>(*split);
        for (std::size_t i = 0; i < values.size(); ++i) {
          // Some ten roundings of numbers up to 10, or 255 as they are stored.
          const double tolerance = 1e-14 * std::max(10.0, std::abs(expected[i]));
          EXPECT_NEAR(values[i], expected[i], tolerance) << i;
          EXPECT_EQ(floats[i], static_cast<float>(values[i])) << i;
        }
        const double variation = plain_variation(values, split->cols);
        EXPECT_NEAR(split->variation, variation, 1e-12 * variation + 1e-13);
      }
      // For reals, auto and none are the same.
      const bool first = std::find(seen.begin(), seen.end(), data.fingerprint) == seen.end();
      EXPECT_EQ(first, data.train.element == Element::kU8 ? scaling != Scaling::kUnit
                                                          : scaling != Scaling::kNone);
      seen.push_back(data.fingerprint);
    }
  }
}

TEST_F(Files, ConstantColumnsAreCentredToZero) {
  DataSpec spec = reals();
  spec.labels.clear();
  spec.split.train = SplitPart{true, 0.0, 0, 3};
  write("x.npy", "<f8", "(11, 1)", Values(11, 0.1));  // Three of them add up to more than 0.3.
  for (const Scaling scaling : {Scaling::kCenter, Scaling::kStandardize}) {
    spec.scaling = scaling;
    const Loaded loaded = load_all(spec);
    ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
    EXPECT_EQ(gathered<double>(loaded.dataset.train), Values(3, 0.0));
    EXPECT_EQ(gathered<double>(loaded.dataset.test), Values(3, 0.0));
  }
  spec = reals();
  write("x.npy", "<f4", "(11, 1)", std::vector<float>(11, 7.5F));
  spec.scaling = Scaling::kUnit;
  EXPECT_EQ(gathered<double>(load_all(spec).dataset.train), Values(8, 0.0));
}

TEST_F(Files, CutTheirRowsAndLabels) {
  DataSpec spec = reals();
  spec.split.validation = SplitPart{true, 0.0, 2, 4};
  const Loaded loaded = load_all(spec);
  ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
  using Labels = std::vector<std::int32_t>;
  EXPECT_EQ(labels_of(loaded.dataset.train), (Labels{0, 1, 4, 5, 6, 7}));
  EXPECT_EQ(labels_of(loaded.dataset.validation), (Labels{2, 3}));
  EXPECT_EQ(labels_of(loaded.dataset.test), (Labels{8, 9, 10}));
  const Values values = gathered<double>(loaded.dataset.train);
  EXPECT_EQ(values[3 * 2 + 2], 1.0);  // Row 4: 5 - 4.
  EXPECT_EQ(values[3 * 5 + 2], -2.0);

  spec.split = {};
  spec.split.random = true;
  spec.split.test = SplitPart{false, 0.3, 0, 0};
  spec.limit = 5;
  const Loaded random = load_all(spec);
  ASSERT_TRUE(random.status.ok()) << random.status.message();
  EXPECT_EQ(random.dataset.train.rows, 5);
  EXPECT_EQ(random.dataset.test.rows, 3);
  for (const Split* split : {&random.dataset.train, &random.dataset.test}) {
    for (std::int64_t r = 0; r < split->rows; ++r) {  // A sample keeps its label.
      EXPECT_EQ(stored_at(*split, 3 * r + 2), 5.0 - split->labels[r]);
    }
  }
  EXPECT_NE(labels_of(random.dataset.train), (Labels{0, 1, 2, 3, 4}));
}

TEST_F(Files, TakeATestSetOfItsOwn) {
  DataSpec spec = reals();
  spec.split = {};
  spec.test_path = write("t.npy", "<f8", "(2, 3)", Values{1, 2, 3, 4, 5, 6});
  const Loaded loaded = load_all(spec);
  ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
  EXPECT_EQ(loaded.dataset.train.rows, 11);
  EXPECT_EQ(loaded.dataset.test.element, Element::kF64);
  EXPECT_EQ(loaded.dataset.test.labels, nullptr);
  EXPECT_EQ(gathered<double>(loaded.dataset.test), (Values{1, 2, 3, 4, 5, 6}));
  spec.split.test = SplitPart{false, 0.1, 0, 0};
  expect_refused(spec, "data.split.test: given, but the test set is " + spec.test_path);
  spec.split = {};
  spec.test_path = write("t.npy", "|u1", "(2, 3)", std::vector<std::uint8_t>(6));
  for (const Scaling scaling : kScalings) {
    spec.scaling = scaling;
    if (scaling == Scaling::kNone) {
      const Loaded as_stored = load_all(spec);
      EXPECT_TRUE(as_stored.status.ok()) << as_stored.status.message();
      continue;
    }
    expect_refused(spec, "data.scaling: the training samples, " + spec.path +
                             ", are f32, the test samples, " + spec.test_path + ", u8, which");
    // The other way round.
    DataSpec bytes_first = bytes();
    bytes_first.split = {};
    bytes_first.scaling = scaling;
    bytes_first.test_path = write("f.npy", "<f4", "(2, 6)", std::vector<float>(12));
    expect_refused(bytes_first, "b.npy, are u8, the test samples, " + bytes_first.test_path);
  }
  spec.test_path = write("t.npy", "<f4", "(3, 2)", std::vector<float>(6));
  expect_refused(spec, "training samples have 3 values, test samples 2");
}

TEST_F(Files, KeepOrWidenEveryType) {
  const auto loaded_as = [&](const char* descr, const std::string& elements, Element element) {
    DataSpec spec;
    spec.source = DataSpec::Source::kFiles;
    spec.path = folder_.write("x.npy", npy_file(descr, "(2, 1)", elements));
    spec.split.test = SplitPart{false, 0.5, 0, 0};
    const Loaded loaded = load_all(spec);
    EXPECT_TRUE(loaded.status.ok()) << loaded.status.message();
    EXPECT_EQ(loaded.dataset.train.element, element) << descr;
    return Values{gathered<double>(loaded.dataset.train)[0],
                  gathered<double>(loaded.dataset.test)[0]};
  };
  EXPECT_EQ(loaded_as("|b1", std::string("\1\0", 2), Element::kU8), (Values{1, 0}));
  EXPECT_EQ(loaded_as("|i1", stored<std::int8_t>({-128, 5}), Element::kF32), (Values{-128, 5}));
  EXPECT_EQ(loaded_as("<i2", stored<std::int16_t>({-32768, 5}), Element::kF32),
            (Values{-32768, 5}));
  EXPECT_EQ(loaded_as("<i4", stored<std::int32_t>({-2147483647, 5}), Element::kF64),
            (Values{-2147483647, 5}));
  EXPECT_EQ(loaded_as("<i8", stored<std::int64_t>({-(1LL << 53), 5}), Element::kF64),
            (Values{-0x1p53, 5}));
  EXPECT_EQ(loaded_as("<f2", stored<std::uint16_t>({0x3555, 0x83ff}), Element::kF32),
            (Values{0x1.554p-2, -0x1.ff8p-15}));
  EXPECT_EQ(loaded_as("<f8", stored<double>({0.1, 5}), Element::kF64), (Values{0.1, 5}));
  DataSpec spec;
  spec.source = DataSpec::Source::kFiles;
  spec.path = write("x.npy", "<i8", "(2, 1)", std::vector<std::int64_t>{1, (1LL << 53) + 1});
  spec.split.test = SplitPart{false, 0.5, 0, 0};
  expect_refused(spec, "x.npy: sample 1: column 0 is 9007199254740993; whole numbers beyond 2^53");
}

// The values by numpy: numpy.array([bits], numpy.uint16).view(numpy.float16).
TEST(Convert, ReadsHalfPrecision) {
  const std::pair<std::uint16_t, float> cases[] = {
      {0, 0.0F},         {1, 0x1p-24F},         {0x83ff, -0x1.ff8p-15F},
      {0x400, 0x1p-14F}, {0x3555, 0x1.554p-2F}, {0x3c00, 1.0F},
      {0xc500, -5.0F},   {0x7bff, 65504.0F},    {0x7c00, std::numeric_limits<float>::infinity()}};
  for (const auto& [bits, value] : cases) EXPECT_EQ(float_of_half(bits), value) << bits;
  EXPECT_TRUE(std::signbit(float_of_half(0x8000)));
  EXPECT_TRUE(std::isnan(float_of_half(0x7e00)));
}

TEST_F(Files, RefuseLabelsAndShapesThatDoNotFit) {
  DataSpec spec = reals();
  write("y.npy", "<i8", "(10,)", std::vector<std::int64_t>(10));
  expect_refused(spec, "has 10 labels for the 11 samples of " + spec.path);
  std::vector<std::int64_t> labels(11);
  labels[9] = 1LL << 31;
  write("y.npy", "<i8", "(11,)", labels);
  expect_refused(spec, "y.npy: label 9 is 2147483648; expected at least 0 and below 2^31");
  labels[9] = -1;
  write("y.npy", "<i8", "(11,)", labels);
  expect_refused(spec, "label 9 is -1");
  write("y.npy", "<f8", "(11,)", Values(11));
  expect_refused(spec, "labels of type f64 are not read");
  write("y.npy", "<i8", "()", std::vector<std::int64_t>(1));
  expect_refused(spec, "labels are [n] or [n, 1]");
  spec = reals();
  spec.split.test = {};
  expect_refused(spec, "data.split.test: missing; without data.test_path");
  spec = reals();
  write("x.npy", "<f4", "(11,)", std::vector<float>(11));
  expect_refused(spec, "samples have 2 dimensions or more");
  std::vector<float> numbers(33);
  numbers[25] = std::numeric_limits<float>::infinity();
  for (const Scaling scaling : kScalings) {
    write("x.npy", "<f4", "(11, 3)", numbers);
    spec.scaling = scaling;
    expect_refused(spec, "test sample 0, column 1 is inf");
    std::swap(numbers[25], numbers[4]);
    write("x.npy", "<f4", "(11, 3)", numbers);
    expect_refused(spec, "train sample 1, column 1 is inf");
    std::swap(numbers[25], numbers[4]);
  }
  DataSpec made;
  made.split.validation = SplitPart{false, 0.1, 0, 0};
  expect_refused(made, "data.split: is for samples from files");
}

TEST_F(Files, RefuseWhatIsTooLargeForMemory) {
  DataSpec spec = reals();
  const std::string header = npy_start(npy_literal("<f4", "False", "(3000000, 1024)"));
  spec.path = folder_.write("large.npy", header);
  spec.labels.clear();
  std::filesystem::resize_file(spec.path, header.size() + 3'000'000ULL * 4096);
  expect_refused(spec, "data.storage: stream, or lower data.limit");
  spec.storage = Storage::kStream;
  const Result<DatasetLayout> layout = inspect(spec);
  EXPECT_FALSE(layout.ok());  // A training split around the test rows.
  spec.split.train = SplitPart{true, 0.0, 11, 3'000'000};
  ASSERT_TRUE(inspect(spec).ok()) << inspect(spec).status().message();
  EXPECT_LT(inspect(spec)->bytes, 1000u);
  EXPECT_EQ(inspect(spec)->block_rows, 256);    // 1 MiB of 4 KiB.
  EXPECT_EQ(inspect(spec)->pool_rows, 16'384);  // 64 MiB.
}

TEST_F(Files, StreamedHaveTheFactsOfThoseInMemory) {
  for (DataSpec spec : {reals(), bytes()}) {
    spec.split.validation = SplitPart{true, 0.0, 0, 1};
    spec.block_rows = 2;
    spec.pool_rows = 5;
    for (const Scaling scaling : kScalings) {
      spec.scaling = scaling;
      spec.storage = Storage::kMemory;
      const Loaded memory = load_all(spec);
      spec.storage = Storage::kStream;
      const Loaded stream = load_all(spec);
      ASSERT_TRUE(memory.status.ok()) << memory.status.message();
      ASSERT_TRUE(stream.status.ok()) << stream.status.message();
      EXPECT_EQ(stream.dataset.fingerprint, memory.dataset.fingerprint);
      const std::pair<const Split*, const Split*> pairs[] = {
          {&stream.dataset.train, &memory.dataset.train},
          {&stream.dataset.test, &memory.dataset.test},
          {&stream.dataset.validation, &memory.dataset.validation}};
      for (const auto& [one, other] : pairs) {
        EXPECT_EQ(one->variation, other->variation);
        EXPECT_EQ(one->scale, other->scale);
        EXPECT_EQ(one->shift, other->shift);
        EXPECT_EQ(one->block_rows, 2);
        EXPECT_EQ(one->samples, nullptr);
        ASSERT_NE(one->stream, nullptr);
        std::vector<std::byte> rows(static_cast<std::size_t>(one->rows) * one->stream->row_bytes());
        ASSERT_TRUE(one->stream->read_rows(0, rows).ok());
        EXPECT_TRUE(std::equal(rows.begin(), rows.end(), other->samples));
        if (one->labels != nullptr) {
          EXPECT_EQ(labels_of(*one), labels_of(*other));
        }
        if (one->col_scale == nullptr) continue;
        EXPECT_TRUE(std::equal(one->col_scale, one->col_scale + one->cols, other->col_scale));
        EXPECT_TRUE(std::equal(one->col_shift, one->col_shift + one->cols, other->col_shift));
      }
    }
    spec.storage = Storage::kMemory;
    const std::string by_blocks = load_all(spec).dataset.fingerprint;
    spec.pool_rows = 6;  // Another order of training.
    EXPECT_NE(load_all(spec).dataset.fingerprint, by_blocks);
  }
}

// Larger than what is read at a time, in rows that do not divide it.
TEST_F(Files, StreamedHaveTheSameFactsInManyPieces) {
  constexpr std::int64_t kRows = 9001;
  constexpr std::size_t kCols = 1001;
  std::vector<float> numbers(kRows * kCols);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(i * 2654435761U % 65536);
  }
  DataSpec spec;
  spec.source = DataSpec::Source::kFiles;
  spec.path = write("x.npy", "<f4", "(9001, 1001)", numbers);
  spec.split.test = SplitPart{true, 0.0, 9000, 9001};
  spec.scaling = Scaling::kStandardize;
  spec.block_rows = 7;
  const Loaded memory = load_all(spec);
  spec.storage = Storage::kStream;
  const Loaded stream = load_all(spec);
  ASSERT_TRUE(stream.status.ok()) << stream.status.message();
  EXPECT_EQ(stream.dataset.fingerprint, memory.dataset.fingerprint);
  EXPECT_EQ(stream.dataset.train.variation, memory.dataset.train.variation);
  // Every column of a standardized split has variance 1.
  EXPECT_NEAR(stream.dataset.train.variation, 9000.0 * kCols, 1e-9 * 9000 * kCols);
  numbers[8999 * kCols + 5] = std::numeric_limits<float>::quiet_NaN();
  write("x.npy", "<f4", "(9001, 1001)", numbers);
  expect_refused(spec, "train sample 8999, column 5 is nan");
}

// Of the same length, written anew between loading and viewing, as a rank that comes late sees it.
TEST_F(Files, AreNotStreamedOnceTheyHaveChanged) {
  DataSpec spec = bytes();
  spec.storage = Storage::kStream;
  Loaded loaded = load_all(spec);
  ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
  std::filesystem::last_write_time(
      spec.path, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(3));
  const Result<Dataset> late = view(spec, loaded.layout, loaded.block.span());
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.status().fault(), Fault::kInput);
  EXPECT_NE(late.status().message().find("b.npy: changed since its header was read"),
            std::string::npos)
      << late.status().message();
}

TEST_F(Files, RefuseToStreamWhatIsNotThereAsRawRows) {
  DataSpec spec = reals();
  spec.storage = Storage::kStream;
  ASSERT_TRUE(load_all(spec).status.ok());
  spec.split.random = true;
  expect_refused(spec, "data.storage: stream takes splits that are one run of rows");
  spec.split.random = false;
  spec.patches = {1, 1, 5, 0, 5, 0};
  write("x.npy", "<f4", "(11, 3, 1)", std::vector<float>(33));
  expect_refused(spec, "data.storage: stream does not cut patches");
  spec.patches = {};
  write("x.npy", "<f2", "(11, 3)", std::vector<std::uint16_t>(33));
  expect_refused(spec, "takes u8, f32 and f64 as they are");
  write("x.npy", ">f4", "(11, 3)", std::vector<float>(33));
  expect_refused(spec, "takes files that hold raw rows");
  spec = reals();
  spec.block_rows = 10;
  spec.pool_rows = 9;
  expect_refused(spec, "data.pool_rows: 9 is below data.block_rows, 10");
  spec.block_rows = -1;
  expect_refused(spec, "data.block_rows: -1 is below 0");
}

TEST_F(Files, CutPatchesWhereTheyAreDrawn) {
  std::vector<std::int16_t> numbers(5 * 7 * 6);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int16_t>(i);
  DataSpec spec;
  spec.source = DataSpec::Source::kFiles;
  spec.path = write("i.npy", "<i2", "(5, 7, 6)", numbers);
  spec.labels = write("y.npy", "<i8", "(5,)", std::vector<std::int64_t>{10, 11, 12, 13, 14});
  spec.patches = {3, 2, 400, 20, 30, 9};
  const auto expect_patches = [&](const Split& split, PatchSplit which, std::int64_t count,
                                  std::int64_t first, std::int64_t images) {
    ASSERT_EQ(split.rows, count);
    ASSERT_EQ(split.cols, 6);
    const std::vector<PatchPlace> places = patch_places(spec.patches, which, count, images, 7, 6);
    const Values values = gathered<double>(split);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const PatchPlace& place = places[i];
      EXPECT_TRUE(place.image >= 0 && place.image < images && place.row >= 0 && place.row <= 4 &&
                  place.col >= 0 && place.col <= 4);
      EXPECT_EQ(split.labels[i], 10 + first + place.image);
      for (std::int64_t j = 0; j < 6; ++j) {
        EXPECT_EQ(values[i * 6 + static_cast<std::size_t>(j)],
                  static_cast<double>((first + place.image) * 42 + (place.row + j / 2) * 6 +
                                      place.col + j % 2));
      }
    }
  };
  Loaded loaded = load_all(spec);  // All splits from all images.
  ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
  expect_patches(loaded.dataset.train, PatchSplit::kTrain, 400, 0, 5);
  expect_patches(loaded.dataset.test, PatchSplit::kTest, 30, 0, 5);
  expect_patches(loaded.dataset.validation, PatchSplit::kValidation, 20, 0, 5);
  const std::int64_t golden[][3] = {{2, 0, 2}, {2, 3, 0}, {2, 3, 2}, {1, 1, 2}};
  const std::vector<PatchPlace> drawn = patch_places(spec.patches, PatchSplit::kTest, 4, 5, 7, 6);
  for (std::size_t i = 0; i < 4; ++i) {  // By philox_reference.py.
    EXPECT_EQ(drawn[i].image, golden[i][0]);
    EXPECT_EQ(drawn[i].row, golden[i][1]);
    EXPECT_EQ(drawn[i].col, golden[i][2]);
  }
  // Every place is hit: 125 of them, missed by 400 draws with 125 exp(-3.2), about 5 in the mean.
  std::map<std::vector<std::int64_t>, int> places;
  for (const PatchPlace& one : patch_places(spec.patches, PatchSplit::kTrain, 400, 5, 7, 6)) {
    ++places[{one.image, one.row, one.col}];
  }
  EXPECT_GT(places.size(), 110u);

  spec.split.test = SplitPart{true, 0.0, 3, 5};
  spec.limit = 25;
  loaded = load_all(spec);
  ASSERT_TRUE(loaded.status.ok()) << loaded.status.message();
  expect_patches(loaded.dataset.train, PatchSplit::kTrain, 25, 0, 3);
  expect_patches(loaded.dataset.test, PatchSplit::kTest, 25, 3, 2);

  spec.patches.rows = 8;
  expect_refused(spec, "data.patches.rows: 8 is not in [1, 7], the height of the images of");
  spec.patches = {3, 0, 400, 0, 30, 9};
  expect_refused(spec, "data.patches.cols: 0 is not in [1, 6]");
  spec.patches = {3, 3, 0, 0, 30, 9};
  expect_refused(spec, "data.patches.train_count: 0 is not in [1, ");
  spec.patches.train_count = 67'108'865;
  expect_refused(spec, "data.patches.train_count: 67108865 is not in [1, 67108864]");
  spec.patches.train_count = 10;
  spec.split.validation = SplitPart{true, 0.0, 2, 3};
  expect_refused(spec, "data.patches.validation_count: 0 is not in [1, ");
  spec.path = write("i.npy", "<i2", "(5, 42)", numbers);
  expect_refused(spec, "has 2 dimensions; patches are cut from images [n, height, width]");
}

}  // namespace
}  // namespace aesweep
