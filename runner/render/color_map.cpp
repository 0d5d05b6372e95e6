#include "runner/render/color_map.hpp"

#include <algorithm>
#include <cmath>

namespace aesweep {
namespace {

// The ends and the middle of the diverging map: as blue as red is red, and grey lighter than both.
constexpr Color kBlue{33, 75, 170};
constexpr Color kMiddle{225, 225, 225};
constexpr Color kRed{180, 15, 30};

// from + (to - from) * part, part in [0, 1].
std::uint8_t between(std::uint8_t from, std::uint8_t to, double part) {
  return static_cast<std::uint8_t>(std::floor(from + (to - from) * part + 0.5));
}

Color between(Color from, Color to, double part) {
  return {between(from.red, to.red, part), between(from.green, to.green, part),
          between(from.blue, to.blue, part)};
}

}  // namespace

Color ColorMap::operator()(double value) const {
  if (std::isnan(value)) return kNotANumber;
  if (kind == Kind::kGrey) {
    const double part = high > low ? std::clamp((value - low) / (high - low), 0.0, 1.0) : 0.5;
    return between(kBlack, kWhite, part);
  }
  if (!(high > 0)) return kMiddle;
  const double part = std::clamp(value / high, -1.0, 1.0);
  return between(kMiddle, part < 0 ? kBlue : kRed, std::abs(part));
}

double largest(std::span<const double> values) {
  double most = 0;
  for (const double value : values) {
    if (std::isfinite(value)) most = std::max(most, std::abs(value));
  }
  return most;
}

ColorMap map_of(std::span<const double> values) {
  const bool negative =
      std::any_of(values.begin(), values.end(), [](double value) { return value < 0; });
  const double most = largest(values);
  if (negative) return {ColorMap::Kind::kDiverging, -most, most};
  return {ColorMap::Kind::kGrey, 0, most > 0 ? most : 1};
}

ColorMap grey_of(std::span<const double> values) {
  double low = 0;
  double high = 0;
  bool any = false;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = any ? std::min(low, value) : value;
    high = any ? std::max(high, value) : value;
    any = true;
  }
  if (low >= 0 && high <= 1) return {ColorMap::Kind::kGrey, 0, 1};
  return {ColorMap::Kind::kGrey, low, high};
}

}  // namespace aesweep
