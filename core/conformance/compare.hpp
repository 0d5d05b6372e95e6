// Comparing two outcomes: bit for bit, or within a bound per number. Internal to this folder.
#pragma once

#include <string>

#include "core/conformance/scene.hpp"

namespace aesweep::conformance {

// "y (2, 3) is 0.5, expected 0.25", the first place where the bits differ; empty: none. All NaN are
// equal.
[[nodiscard]] std::string first_difference(const Piece& expected, const Piece& found);
[[nodiscard]] std::string first_difference(const Outcome& expected, const Outcome& found);

// The place that exceeds its bound the most, "... apart by 0.25, at most 1e-6"; empty: none.
// `bounds` has the pieces of `expected`.
[[nodiscard]] std::string beyond_bound(const Outcome& expected, const Outcome& found,
                                       const Outcome& bounds);

}  // namespace aesweep::conformance
