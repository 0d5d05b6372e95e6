// Facts: what is computed once from a data set's bytes, when they are loaded.
#pragma once

#include <string>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"

namespace aesweep {

// sum_c sum_r (x[r,c] - mean_c)^2 of the split's values. Byte samples: from exact integer sums.
// Others: two passes in double, each column's terms added in row order, then the columns in order.
// NaN or infinite where a value is, or where values are so large that their squares overflow. Fails
// where a streamed split cannot be read.
[[nodiscard]] Result<double> variation(const Split& split);

// Says which stored number of a split is not finite; `name` is "train", "validation" or "test".
[[nodiscard]] Status check_finite(const Split& split, const std::string& name);

// SHA-256 over shapes, element types, scales, stored bytes, labels and atoms; hex. Block and pool
// sizes, which change the order of training, count as well; variations are functions of the rest.
// Where the samples lie does not count.
[[nodiscard]] Result<std::string> data_fingerprint(const Dataset& dataset);

}  // namespace aesweep
