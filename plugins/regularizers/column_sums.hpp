// The first statistics round of penalties on a unit's mean over the batch.
#pragma once

#include <cstdint>

#include "core/sdk/types.hpp"

namespace aesweep {

// sums[j] += sum over rows of x[i, j], rows in order.
template <class Real>
void add_column_sums(const sdk::ConstMatrix<Real>& x, double* sums) {
  for (std::int64_t i = 0; i < x.rows; ++i) {
    const Real* row = sdk::row(x, i);
    for (std::int64_t j = 0; j < x.cols; ++j) sums[j] += static_cast<double>(row[j]);
  }
}

}  // namespace aesweep
