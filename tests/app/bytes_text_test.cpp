// Proves that sizes are shown with three digits and the right unit, also where rounding carries
// over.
#include "runner/app/bytes_text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace aesweep {
namespace {

TEST(BytesText, HasThreeDigitsAndAUnit) {
  const std::vector<std::pair<std::uint64_t, std::string>> table = {
      {0, "0 B"},
      {999, "999 B"},
      {1000, "1.00 kB"},
      {9994, "9.99 kB"},
      {9996, "10.0 kB"},
      {99960, "100 kB"},
      {999499, "999 kB"},
      {999500, "1.00 MB"},
      {47040016, "47.0 MB"},
      {1u << 30, "1.07 GB"},
      {UINT64_MAX, "18.4 EB"},
  };
  for (const auto& [bytes, words] : table) EXPECT_EQ(bytes_text(bytes), words) << bytes;
}

}  // namespace
}  // namespace aesweep
