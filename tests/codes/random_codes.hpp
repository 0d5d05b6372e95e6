// Codes and labels from a fixed generator.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "core/codes/packed_codes.hpp"

namespace aesweep::test {

// Bit j is 1 in about one of 2 + j % 3 rows.
inline PackedCodes random_codes(std::int64_t rows, int bits, unsigned seed) {
  std::mt19937 random(seed);
  PackedCodes codes = empty_codes(rows, bits);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (int j = 0; j < bits; ++j) {
      const bool one = random() % static_cast<unsigned>(2 + j % 3) == 0;
      codes.words[static_cast<std::size_t>(i) * codes.words_per_row() +
                  static_cast<std::size_t>(j) / 64] |= std::uint64_t{one} << (j % 64);
    }
  }
  return codes;
}

inline std::vector<std::int32_t> random_labels(std::int64_t rows, unsigned classes, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < rows; ++i) {
    labels.push_back(static_cast<std::int32_t>(random() % classes));
  }
  return labels;
}

}  // namespace aesweep::test
