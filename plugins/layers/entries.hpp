// Pieces of dense and tied_dense: products with the entries of an active set, and column sums.
//
// Bits depend on values and shape alone: every sum has an order fixed by the numbers of entries,
// rows and columns.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/sdk/plugin.hpp"

namespace aesweep {

// Products over entries run at a fraction of the speed of a matrix product, so few must be left.
inline constexpr std::int64_t kSparseFactor = 8;

// Whether m has at most one entry in kSparseFactor positions. Looks at numbers of entries, rows and
// columns only, so the answer is the same on every rank.
template <class Matrix>
bool use_entries(const Matrix& m) {
  return m.active != nullptr && m.active->row_offsets[m.rows] * kSparseFactor <= m.rows * m.cols;
}

// The sum of lanes, a power of two of them, the upper half added to the lower until one is left.
template <class Real, int lanes>
Real sum_of_lanes(const Eigen::Array<Real, lanes, 1>& values) {
  if constexpr (lanes == 1) {
    return values[0];
  } else {
    const Eigen::Array<Real, lanes / 2, 1> halves =
        values.template head<lanes / 2>() + values.template tail<lanes / 2>();
    return sum_of_lanes<Real, lanes / 2>(halves);
  }
}

// Every row of y = bias[y.cols], or 0 where bias is null.
template <class Real>
void set_rows(const sdk::Matrix<Real>& y, const Real* bias) {
  for (std::int64_t i = 0; i < y.rows; ++i) {
    if (bias != nullptr) {
      std::copy_n(bias, y.cols, sdk::row(y, i));
    } else {
      std::fill_n(sdk::row(y, i), y.cols, Real(0));
    }
  }
}

// sums[K] = column sums of m[B,K], rows in order, in double.
template <class Real>
void column_sums(const sdk::ConstMatrix<Real>& m, Real* sums) {
  constexpr std::int64_t kWidth = sdk::kChunk<Real>;
  for (std::int64_t first = 0; first < m.cols; first += kWidth) {
    const std::int64_t width = std::min(kWidth, m.cols - first);
    double lanes[kWidth] = {};
    for (std::int64_t i = 0; i < m.rows; ++i) {
      const Real* values = sdk::row(m, i) + first;
      if (width == kWidth) {
        for (std::int64_t k = 0; k < kWidth; ++k) lanes[k] += static_cast<double>(values[k]);
      } else {
        for (std::int64_t k = 0; k < width; ++k) lanes[k] += static_cast<double>(values[k]);
      }
    }
    for (std::int64_t k = 0; k < width; ++k) sums[first + k] = static_cast<Real>(lanes[k]);
  }
}

}  // namespace aesweep
