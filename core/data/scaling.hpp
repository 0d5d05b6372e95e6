// Scaling: how the training split's statistics say to make values of stored numbers.
#pragma once

#include <span>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"
#include "core/data/source.hpp"

namespace aesweep {

// value = scale * stored + shift
struct Affine {
  double scale = 1.0;
  double shift = 0.0;
};

// Whether the columns have scales of their own.
[[nodiscard]] constexpr bool is_by_column(Scaling scaling) {
  return scaling == Scaling::kCenter || scaling == Scaling::kStandardize;
}

// `train` has the scale of its stored type. Sums are taken in double, in the order of the rows. For
// scalings by column fills col_scale[cols] and col_shift[cols], which are empty otherwise. An input
// fault where values are not finite, or where they differ by too little or too much for a double.
[[nodiscard]] Result<Affine> find_scaling(Scaling scaling, const Split& train,
                                          std::span<double> col_scale, std::span<double> col_shift);

}  // namespace aesweep
