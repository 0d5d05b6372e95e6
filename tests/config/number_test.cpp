// Proves that numbers are read and written independently of the locale: tables of accepted and
// refused texts with values given by the compiler, and round trips of random bit patterns.
#include "runner/config/number.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

TEST(Number, ReadsIntegers) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-37"), -37);
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const char* text : {"", "-", "+1", "010", "00", "-01", "0x10", "1e3", "1.0", " 1", "1 ",
                           "1_000", "1,000", "9223372036854775808", "one", "0b1", "0o7", "--1"}) {
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
  }
}

TEST(Number, ReadsReals) {
  EXPECT_EQ(parse_real("1e-4"), 1e-4);
  EXPECT_EQ(parse_real("1.0e-4"), 1e-4);
  EXPECT_EQ(parse_real("-0.5"), -0.5);
  EXPECT_EQ(parse_real(".5"), 0.5);
  EXPECT_EQ(parse_real("3"), 3.0);
  EXPECT_EQ(parse_real("1E+3"), 1000.0);
  EXPECT_EQ(parse_real("0.1"), 0.1);
  EXPECT_EQ(parse_real("1.7976931348623157e308"), std::numeric_limits<double>::max());
  for (const char* text :
       {"",         "-",      ".",      "e5",    "+1",    "010",  "00.5", "0x1p3", "1e",
        "1e999",    "-1e999", "1e-999", "inf",   "-inf",  ".inf", "nan",  ".nan",  "NaN",
        "infinity", "1,5",    "0,5",    "1 000", "1_000", "0.5f", "1e5.0"}) {
    EXPECT_EQ(parse_real(text), std::nullopt) << text;
  }
}

TEST(Number, WritesTheShortestText) {
  EXPECT_EQ(format_real(0.1), "0.1");
  EXPECT_EQ(format_real(1e-4), "1e-04");
  EXPECT_EQ(format_real(65536), "65536");
  EXPECT_EQ(format_real(1e6), "1000000");
  EXPECT_EQ(format_real(1e22), "1e+22");
  EXPECT_EQ(format_real(0.0), "0");
  EXPECT_EQ(format_real(-0.0), "-0");
  EXPECT_EQ(format_real(-2.5), "-2.5");
}

TEST(Number, EveryFiniteDoubleComesBack) {
  std::uint64_t bits = 0x9E3779B97F4A7C15U;
  for (int i = 0; i < 20000; ++i) {
    bits = bits * 6364136223846793005U + 1442695040888963407U;
    const double value = std::bit_cast<double>(bits);
    if (!std::isfinite(value) || std::fpclassify(value) == FP_SUBNORMAL) continue;
    const std::optional<double> back = parse_real(format_real(value));
    ASSERT_TRUE(back.has_value()) << format_real(value);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(*back), bits) << format_real(value);
  }
}

TEST(Number, RoundingRemovesNoise) {
  EXPECT_EQ(rounded_to_12_digits(0.1 + 0.2), 0.3);
  EXPECT_EQ(rounded_to_12_digits(std::exp(std::log(1e-4))), 1e-4);
  EXPECT_EQ(rounded_to_12_digits(1.0 / 3.0), 0.333333333333);
  EXPECT_EQ(rounded_to_12_digits(0.0), 0.0);
  EXPECT_EQ(rounded_to_12_digits(1e300), 1e300);
}

}  // namespace
}  // namespace aesweep
