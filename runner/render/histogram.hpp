// Histogram: how often values occur, as a picture with bars and an axis.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/render/picture.hpp"

namespace aesweep {

// Counts of finite values in equal bins from the least to the greatest of them; a value on the
// border of two is in the upper one, the greatest in the last. If all are equal, in the middle bin.
struct Bins {
  double low = 0;
  double high = 0;
  std::vector<std::int64_t> counts{};
  std::int64_t left_out = 0;  // NaN or infinite.
};
[[nodiscard]] Bins bins_of(std::span<const double> values, std::int64_t bins);

struct PanelSize {
  std::int64_t bar_width = 6;
  std::int64_t height = 200;  // Of the tallest bar.
  std::int64_t text_scale = 2;
};

// Bars over an axis with its ends and, where it lies within, 0. Where one bin holds more than half
// of all values, heights are logarithms, and `heading` says so.
[[nodiscard]] Result<Picture> histogram_panel(const Bins& bins, const std::string& heading,
                                              const PanelSize& size);

}  // namespace aesweep
