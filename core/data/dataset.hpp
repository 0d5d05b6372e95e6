// A data set: up to three splits in their stored type, in one block of bytes that the ranks of a
// node may share, or, streamed, in the file that they came from. A Dataset is a view; whoever made
// the block keeps it alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

enum class Element : std::uint8_t { kU8, kF32, kF64 };

[[nodiscard]] constexpr std::size_t element_bytes(Element element) {
  return element == Element::kU8 ? 1 : element == Element::kF32 ? 4 : 8;
}

class StreamFile;  // core/data/stream_file.hpp

// samples[rows, cols] and, where there are some, labels[rows]. Row-major, no padding. A sample's
// value in column c is the stored number times scale plus shift, or, where col_scale is not null,
// times col_scale[c] plus col_shift[c].
struct Split {
  Element element = Element::kF32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  double scale = 1.0;
  double shift = 0.0;
  const double* col_scale = nullptr;  // [cols], as is col_shift; null: one scale for all.
  const double* col_shift = nullptr;
  const std::byte* samples = nullptr;    // Null: streamed.
  const std::int32_t* labels = nullptr;  // Null: no labels.
  // Sum over samples and columns of (value - column mean)^2: the denominator of FVU.
  double variation = 0.0;
  std::shared_ptr<const StreamFile> stream;  // Where the samples lie if they are streamed.
  // The shuffled order goes by blocks of so many rows, and shuffles rows within pools of so many
  // (core/data/order.hpp); 0: over the whole split.
  std::int64_t block_rows = 0;
  std::int64_t pool_rows = 0;
};

// atoms[count, cols] in unit rows: the dictionary a synthetic source drew from.
struct TrueDictionary {
  const double* atoms = nullptr;  // Null: the source has none.
  std::int64_t count = 0;
};

struct Dataset {
  Split train;
  Split test;
  Split validation;  // rows 0: there is none.
  TrueDictionary dictionary;
  std::string fingerprint;  // SHA-256 of shapes, element types, scales and stored bytes; hex.

  [[nodiscard]] std::int64_t cols() const { return train.cols; }
};

// out[i, 0..cols) = value of sample rows[i], taken in double and rounded to T once; the samples are
// in memory. out has row_stride >= cols elements per row, and what lies between cols and row_stride
// is untouched.
template <class T>
void gather(const Split& split, std::span<const std::int64_t> rows, T* out,
            std::int64_t row_stride);

// labels_out[i] = label of sample rows[i]. The split has labels.
void gather_labels(const Split& split, std::span<const std::int64_t> rows,
                   std::int32_t* labels_out);

}  // namespace aesweep
