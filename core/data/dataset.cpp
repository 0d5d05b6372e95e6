#include "core/data/dataset.hpp"

#include <algorithm>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

// out[c] = in[c] * scale for c in [0, cols), rounded from double: for bytes of scale 1/255 this is
// the float nearest to c / 255, which a product in float misses for half of the 256 values.
template <class Stored, class T>
void scale_row(const Stored* in, std::int64_t cols, double scale, T* out) {
  for (std::int64_t c = 0; c < cols; ++c) {
    out[c] = static_cast<T>(static_cast<double>(in[c]) * scale);
  }
}

// out[c] = in[c] * scale + shift
template <class Stored, class T>
void shift_row(const Stored* in, std::int64_t cols, double scale, double shift, T* out) {
  for (std::int64_t c = 0; c < cols; ++c) {
    out[c] = static_cast<T>(static_cast<double>(in[c]) * scale + shift);
  }
}

// out[c] = in[c] * scale[c] + shift[c]
template <class Stored, class T>
void scale_columns(const Stored* in, std::int64_t cols, const double* scale, const double* shift,
                   T* out) {
  for (std::int64_t c = 0; c < cols; ++c) {
    out[c] = static_cast<T>(static_cast<double>(in[c]) * scale[c] + shift[c]);
  }
}

// One row's values from its stored numbers.
template <class Stored, class T>
void make_row(const Split& split, const Stored* in, T* out) {
  if (split.col_scale != nullptr) {
    scale_columns(in, split.cols, split.col_scale, split.col_shift, out);
  } else if (split.shift != 0.0) {
    shift_row(in, split.cols, split.scale, split.shift, out);
  } else if (split.scale == 1.0) {
    std::transform(in, in + split.cols, out, [](Stored v) { return static_cast<T>(v); });
  } else {
    scale_row(in, split.cols, split.scale, out);
  }
}

// Rows are scattered, so the hardware's prefetcher cannot foresee where the next one starts.
void prefetch_row(const std::byte* row, std::int64_t bytes) {
  constexpr std::int64_t kLine = 64;
  for (std::int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(row + at);
}

template <class Stored, class T>
void gather_rows(const Split& split, std::span<const std::int64_t> rows, T* out,
                 std::int64_t row_stride) {
  const auto* const samples = reinterpret_cast<const Stored*>(split.samples);
  const std::int64_t row_bytes = split.cols * static_cast<std::int64_t>(sizeof(Stored));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    AESWEEP_CHECK(rows[i] >= 0 && rows[i] < split.rows, "gather of a row outside of the split");
    if (i + 1 < rows.size()) prefetch_row(split.samples + rows[i + 1] * row_bytes, row_bytes);
    make_row(split, samples + rows[i] * split.cols, out);
    out += row_stride;
  }
}

}  // namespace

template <class T>
void gather(const Split& split, std::span<const std::int64_t> rows, T* out,
            std::int64_t row_stride) {
  AESWEEP_CHECK(row_stride >= split.cols, "gather needs row_stride >= cols");
  AESWEEP_CHECK(split.samples != nullptr || rows.empty(), "gather of samples that are in a file");
  switch (split.element) {
    case Element::kU8:
      return gather_rows<std::uint8_t>(split, rows, out, row_stride);
    case Element::kF32:
      return gather_rows<float>(split, rows, out, row_stride);
    case Element::kF64:
      return gather_rows<double>(split, rows, out, row_stride);
  }
}

template void gather(const Split&, std::span<const std::int64_t>, float*, std::int64_t);
template void gather(const Split&, std::span<const std::int64_t>, double*, std::int64_t);

void gather_labels(const Split& split, std::span<const std::int64_t> rows,
                   std::int32_t* labels_out) {
  AESWEEP_CHECK(split.labels != nullptr, "gather_labels of a split without labels");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    AESWEEP_CHECK(rows[i] >= 0 && rows[i] < split.rows, "label of a row outside of the split");
    labels_out[i] = split.labels[rows[i]];
  }
}

}  // namespace aesweep
