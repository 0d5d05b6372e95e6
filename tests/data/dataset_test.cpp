// Proves gather against a plain loop for all element types, both scalars, odd widths and strides,
// and that bytes become the float nearest to their value over 255.
#include "core/data/dataset.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace aesweep {
namespace {

template <class T>
constexpr Element element_of() {
  return sizeof(T) == 1 ? Element::kU8 : sizeof(T) == 4 ? Element::kF32 : Element::kF64;
}

template <class Stored>
Split split_of(const std::vector<Stored>& samples, std::int64_t rows, std::int64_t cols,
               double scale) {
  Split split;
  split.element = element_of<Stored>();
  split.rows = rows;
  split.cols = cols;
  split.scale = scale;
  split.samples = reinterpret_cast<const std::byte*>(samples.data());
  return split;
}

template <class Stored, class T>
void expect_gather_matches_loop() {
  constexpr std::int64_t kRows = 11;
  for (const double scale : {1.0, 1.0 / 255.0, -3.7}) {
    for (const std::int64_t cols : {1, 7, 8, 37, 64, 784}) {
      std::vector<Stored> samples(static_cast<std::size_t>(kRows * cols));
      for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i] = static_cast<Stored>(static_cast<double>(i * 2654435761U % 65536) / 257.0);
      }
      const Split split = split_of(samples, kRows, cols, scale);
      const std::vector<std::vector<std::int64_t>> picks = {
          {}, {0}, {kRows - 1}, {10, 0, 5, 5, 3, 9, 1}};
      for (const std::vector<std::int64_t>& rows : picks) {
        for (const std::int64_t stride : {cols, cols + 1, cols + 13}) {
          constexpr T kUntouched = T{-77};
          std::vector<T> out(rows.size() * static_cast<std::size_t>(stride) + 1, kUntouched);
          gather(split, rows, out.data(), stride);
          std::size_t at = 0;
          for (const std::int64_t row : rows) {
            for (std::int64_t c = 0; c < stride; ++c, ++at) {
              const T expected =
                  c >= cols
                      ? kUntouched
                      : static_cast<T>(
                            static_cast<double>(samples[static_cast<std::size_t>(row * cols + c)]) *
                            scale);
              ASSERT_EQ(out[at], expected) << "row " << row << " column " << c;
            }
          }
          EXPECT_EQ(out[at], kUntouched);
        }
      }
    }
  }
}

TEST(Gather, MatchesAPlainLoop) {
  expect_gather_matches_loop<std::uint8_t, float>();
  expect_gather_matches_loop<std::uint8_t, double>();
  expect_gather_matches_loop<float, float>();
  expect_gather_matches_loop<float, double>();
  expect_gather_matches_loop<double, float>();
  expect_gather_matches_loop<double, double>();
}

// A product and a sum in double, rounded once.
template <class Stored, class T>
void expect_affine() {
  constexpr std::int64_t kCols = 37;
  std::vector<Stored> samples(3 * kCols);
  std::vector<double> scales(kCols);
  std::vector<double> shifts(kCols);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<Stored>(i * 7 % 251);
  for (std::size_t c = 0; c < kCols; ++c) {
    scales[c] = 0.01 * static_cast<double>(c + 1);
    shifts[c] = static_cast<double>(c) / 3.0 - 5.0;
  }
  for (const bool by_column : {false, true}) {
    Split split = split_of(samples, 3, kCols, 1.0);
    split.shift = -0.3;
    if (by_column) split.col_scale = scales.data();
    if (by_column) split.col_shift = shifts.data();
    const std::vector<std::int64_t> rows = {2, 0};
    std::vector<T> out(2 * kCols);
    gather(split, rows, out.data(), kCols);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t c = i % kCols;
      const auto stored = static_cast<double>(samples[i < kCols ? 2 * kCols + c : c]);
      const double value = by_column ? stored * scales[c] + shifts[c] : stored * 1.0 - 0.3;
      EXPECT_EQ(out[i], static_cast<T>(value)) << i;
    }
  }
}

TEST(Gather, ScalesAndShifts) {
  expect_affine<std::uint8_t, float>();
  expect_affine<float, float>();
  expect_affine<double, float>();
  expect_affine<float, double>();
}

TEST(Gather, RoundsBytesToTheNearestFloat) {
  std::vector<std::uint8_t> samples(256);
  for (int v = 0; v < 256; ++v) samples[static_cast<std::size_t>(v)] = static_cast<std::uint8_t>(v);
  const std::vector<std::int64_t> rows = {0};
  std::vector<float> out(256);
  gather(split_of(samples, 1, 256, 1.0 / 255.0), rows, out.data(), 256);
  for (int v = 0; v < 256; ++v) {
    // A division is rounded correctly by IEEE 754.
    EXPECT_EQ(out[static_cast<std::size_t>(v)], static_cast<float>(v) / 255.0F) << v;
  }
}

TEST(Gather, TakesLabels) {
  const std::vector<std::int32_t> labels = {5, 0, 4, 2147483647};
  Split split;
  split.rows = 4;
  split.labels = labels.data();
  const std::vector<std::int64_t> rows = {3, 0, 0, 2};
  std::vector<std::int32_t> out(4);
  gather_labels(split, rows, out.data());
  EXPECT_EQ(out, (std::vector<std::int32_t>{2147483647, 5, 5, 4}));
  gather_labels(split, {}, nullptr);
}

TEST(GatherDeathTest, StopsOnRowsOutsideOfTheSplit) {
  const std::vector<float> samples(6);
  std::vector<float> out(3);
  const Split split = split_of(samples, 2, 3, 1.0);
  const std::vector<std::int64_t> after = {2};
  const std::vector<std::int64_t> before = {-1};
  EXPECT_DEATH(gather(split, after, out.data(), 3), "outside of the split");
  EXPECT_DEATH(gather(split, before, out.data(), 3), "outside of the split");
  EXPECT_DEATH(gather(split, before, out.data(), 2), "row_stride");
}

}  // namespace
}  // namespace aesweep
