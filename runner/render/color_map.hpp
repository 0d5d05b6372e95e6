// Color maps: how a number becomes a color.
//
// Roundings are to the nearest of 256 steps by exact rules, so equal numbers give equal pixels on
// every machine. NaN is magenta, which no map has.
#pragma once

#include <span>

#include "runner/render/picture.hpp"

namespace aesweep {

inline constexpr Color kNotANumber{255, 0, 255};

// Grey from black at `low` to white at `high`, or from blue over light grey at 0 to red.
struct ColorMap {
  enum class Kind { kGrey, kDiverging };
  Kind kind = Kind::kGrey;
  double low = 0;   // kGrey.
  double high = 1;  // kGrey: white; kDiverging: full red, and full blue at -high.

  // Values beyond the range have the color of its end. An empty range: all in the middle.
  [[nodiscard]] Color operator()(double value) const;
};

// The largest absolute value of the finite ones; 0 without any.
[[nodiscard]] double largest(std::span<const double> values);

// Diverging over all values, or grey from 0 where none is negative.
[[nodiscard]] ColorMap map_of(std::span<const double> values);

// Grey over the range of the finite values: from 0 to 1 where they lie within.
[[nodiscard]] ColorMap grey_of(std::span<const double> values);

}  // namespace aesweep
