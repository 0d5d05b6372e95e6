// PackedCodes: binary codes, one bit per unit, in 64-bit words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace aesweep {

inline constexpr int kCodeBitsMax = 4096;

// Bit j of row i is bit j % 64 of word j / 64 of that row; the bits above `bits` are 0.
struct PackedCodes {
  std::int64_t rows = 0;
  int bits = 0;                      // In [1, kCodeBitsMax].
  std::vector<std::uint64_t> words;  // [rows, words_per_row()]

  [[nodiscard]] std::size_t words_per_row() const {
    return (static_cast<std::size_t>(bits) + 63) / 64;
  }
  [[nodiscard]] const std::uint64_t* row(std::int64_t i) const {
    return words.data() + static_cast<std::size_t>(i) * words_per_row();
  }
  [[nodiscard]] bool bit(std::int64_t i, int j) const {
    return ((row(i)[static_cast<std::size_t>(j) / 64] >> (j % 64)) & 1) != 0;
  }
  bool operator==(const PackedCodes&) const = default;
};

// `rows` rows of zeros.
[[nodiscard]] inline PackedCodes empty_codes(std::int64_t rows, int bits) {
  PackedCodes codes{rows, bits, {}};
  codes.words.resize(static_cast<std::size_t>(rows) * codes.words_per_row());
  return codes;
}

}  // namespace aesweep
