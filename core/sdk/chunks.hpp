// Chunks: element-wise loops and sums whose bits depend on values and shape alone.
//
// A chunk is a fixed-size Eigen array of two cache lines, so that every operation on it runs as
// whole packets. The elements left over at the end of a row are padded with zeros to a whole chunk
// and take the same path: an element's result depends neither on its position nor on its address.
// Sums keep one double per lane of the chunk, row by row, and add the lanes in a fixed order at the
// end; Eigen's own sums are not used, since their order depends on the address.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/sdk/types.hpp"

namespace aesweep::sdk {

template <class Real>
inline constexpr std::int64_t kChunk = 128 / static_cast<std::int64_t>(sizeof(Real));

template <class Real>
using Chunk = Eigen::Array<Real, static_cast<int>(kChunk<Real>), 1>;
// As many doubles as Chunk<Real> has elements.
template <class Real>
using DoubleChunk = Eigen::Array<double, static_cast<int>(kChunk<Real>), 1>;

// The same numbers in double. Not by Eigen's cast, which would pull the whole expression under it
// out of the vector path.
template <class Real>
DoubleChunk<Real> widen(const Chunk<Real>& chunk) {
  DoubleChunk<Real> wide;
  for (int lane = 0; lane < kChunk<Real>; ++lane) wide.data()[lane] = chunk.data()[lane];
  return wide;
}

namespace detail {

template <class Real>
Chunk<Real> load(const Real* from) {
  return Eigen::Map<const Chunk<Real>>(from);
}

template <class Real>
Chunk<Real> load_first(const Real* from, std::int64_t count) {
  Chunk<Real> chunk = Chunk<Real>::Zero();
  std::copy_n(from, count, chunk.data());
  return chunk;
}

}  // namespace detail

// out[i] = f(in[i]...) for i in [0, count). f maps chunks to a chunk. out may equal any in.
template <class Real, class F, class... In>
void for_each_chunk(std::int64_t count, Real* out, const F& f, const In*... in) {
  const std::int64_t whole = count / kChunk<Real> * kChunk<Real>;
  for (std::int64_t i = 0; i < whole; i += kChunk<Real>) {
    Eigen::Map<Chunk<Real>>(out + i) = f(detail::load(in + i)...);
  }
  if (whole < count) {
    const std::int64_t left = count - whole;
    const Chunk<Real> result = f(detail::load_first(in + whole, left)...);
    std::copy_n(result.data(), left, out + whole);
  }
}

// The same for matrices of equal shape; rows that follow each other without padding run as one.
template <class Real, class F, class... In>
void for_each_chunk(const Matrix<Real>& out, const F& f, const In&... in) {
  if (out.row_stride == out.cols && ((in.row_stride == in.cols) && ...)) {
    for_each_chunk(out.rows * out.cols, out.data, f, in.data...);
    return;
  }
  for (std::int64_t i = 0; i < out.rows; ++i) {
    for_each_chunk(out.cols, row(out, i), f, row(in, i)...);
  }
}

// A sum in double over the elements of rows, in an order fixed by the number and lengths of the
// rows.
template <class Real>
class LaneSum {
 public:
  // Adds f(in...), lane by lane, for the chunks of one row of `count` elements; f maps chunks to a
  // DoubleChunk. Lanes beyond the row's end are not added.
  template <class F, class... In>
  void add_row(std::int64_t count, const F& f, const In*... in) {
    const std::int64_t whole = count / kChunk<Real> * kChunk<Real>;
    for (std::int64_t i = 0; i < whole; i += kChunk<Real>) lanes_ += f(detail::load(in + i)...);
    if (whole < count) {
      const std::int64_t left = count - whole;
      const DoubleChunk<Real> values = f(detail::load_first(in + whole, left)...);
      for (std::int64_t lane = 0; lane < left; ++lane) lanes_[lane] += values[lane];
    }
  }

  [[nodiscard]] double total() const {
    DoubleChunk<Real> lanes = lanes_;
    for (std::int64_t half = kChunk<Real> / 2; half > 0; half /= 2) {
      for (std::int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    }
    return lanes[0];
  }

 private:
  DoubleChunk<Real> lanes_ = DoubleChunk<Real>::Zero();
};

}  // namespace aesweep::sdk
