// Proves the reader on the published MNIST files, where AESWEEP_DATA_DIR holds them: sizes, label
// histograms, first samples and the variance of the pixels, all known from elsewhere.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/base/buffer.hpp"
#include "core/data/source.hpp"

namespace aesweep {
namespace {

using Histogram = std::array<int, 10>;

Histogram histogram(const Split& split) {
  Histogram counts{};
  for (std::int64_t r = 0; r < split.rows; ++r)
    ++counts.at(static_cast<std::size_t>(split.labels[r]));
  return counts;
}

double pixel_mean(const Split& split) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < split.rows * split.cols; ++i) {
    sum += std::to_integer<int>(split.samples[i]);
  }
  return static_cast<double>(sum) * split.scale / static_cast<double>(split.rows * split.cols);
}

TEST(Mnist, IsReadAsPublished) {
  const char* const directory = std::getenv("AESWEEP_DATA_DIR");
  if (directory == nullptr) {
    GTEST_SKIP() << "AESWEEP_DATA_DIR is not set: the published MNIST files are not read";
  }
  DataSpec spec;
  spec.source = DataSpec::Source::kIdx;
  spec.path = (std::filesystem::path(directory) / "mnist").string();
  const Result<DatasetLayout> layout = inspect(spec);
  ASSERT_TRUE(layout.ok()) << layout.status().message();
  Buffer<std::byte> block(layout.value().bytes);
  const Status status = load(spec, layout.value(), block.span());
  ASSERT_TRUE(status.ok()) << status.message();
  const Result<Dataset> dataset = view(spec, layout.value(), block.span());
  ASSERT_TRUE(dataset.ok()) << dataset.status().message();
  const Dataset& mnist = dataset.value();

  EXPECT_EQ(mnist.train.rows, 60'000);
  EXPECT_EQ(mnist.test.rows, 10'000);
  EXPECT_EQ(mnist.cols(), 784);
  EXPECT_EQ(mnist.train.labels[0], 5);
  EXPECT_EQ(mnist.test.labels[0], 7);
  EXPECT_EQ(histogram(mnist.train),
            (Histogram{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}));
  EXPECT_EQ(histogram(mnist.test),
            (Histogram{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}));
  // The constants that everybody normalises MNIST with are 0.1307 and 0.3081.
  EXPECT_NEAR(pixel_mean(mnist.train), 0.1307, 5e-5);
  // Row 5 of the first digit, where its ink begins.
  const int ink[] = {3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127};
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(std::to_integer<int>(mnist.train.samples[5 * 28 + 12 + i]), ink[i]);
  }
  // By tests/data/mnist_variation.py, in integers and exact fractions.
  EXPECT_NEAR(mnist.train.variation, 3163502.1297076102, 1e-9 * 3.2e6);
  EXPECT_NEAR(mnist.test.variation, 528482.4867142084, 1e-9 * 5.3e5);
}

}  // namespace
}  // namespace aesweep
