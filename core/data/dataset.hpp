// A data set in memory: two splits in their stored type, in one block of bytes that the ranks of a
// node may share. A Dataset is a view; whoever made the block keeps it alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

enum class Element : std::uint8_t { kU8, kF32, kF64 };

[[nodiscard]] constexpr std::size_t element_bytes(Element element) {
  return element == Element::kU8 ? 1 : element == Element::kF32 ? 4 : 8;
}

// samples[rows, cols] and, where there are some, labels[rows]. Row-major, no padding. A sample's
// value is the stored number times `scale`.
struct Split {
  Element element = Element::kF32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  double scale = 1.0;
  const std::byte* samples = nullptr;
  const std::int32_t* labels = nullptr;  // Null: no labels.
  // Sum over samples and columns of (value - column mean)^2: the denominator of FVU.
  double variation = 0.0;
};

// atoms[count, cols] in unit rows: the dictionary a synthetic source drew from.
struct TrueDictionary {
  const double* atoms = nullptr;  // Null: the source has none.
  std::int64_t count = 0;
};

struct Dataset {
  Split train;
  Split test;
  TrueDictionary dictionary;
  std::string fingerprint;  // SHA-256 of shapes, element types, scales and stored bytes; hex.

  [[nodiscard]] std::int64_t cols() const { return train.cols; }
};

// out[i, 0..cols) = value of sample rows[i], the product taken in double and rounded to T once; out
// has row_stride >= cols elements per row, and what lies between cols and row_stride is untouched.
template <class T>
void gather(const Split& split, std::span<const std::int64_t> rows, T* out,
            std::int64_t row_stride);

// labels_out[i] = label of sample rows[i]. The split has labels.
void gather_labels(const Split& split, std::span<const std::int64_t> rows,
                   std::int32_t* labels_out);

}  // namespace aesweep
