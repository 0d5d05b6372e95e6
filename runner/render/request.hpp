// RenderRequest: which picture of a run is wanted. Zeros and empty texts: chosen by what there is.
#pragma once

#include <cstdint>
#include <string>

#include "runner/store/results_reader.hpp"

namespace aesweep {

enum class PictureOf { kFilters, kReconstructions, kCodes, kDifference, kHistogram };

// Rows and columns of an image.
struct ImageShape {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  [[nodiscard]] bool given() const { return rows > 0; }
  bool operator==(const ImageShape&) const = default;
};

struct RenderRequest {
  PictureOf what = PictureOf::kFilters;
  std::string layer{};  // Whose weights; empty: the code's.
  WeightsOf weights = WeightsOf::kFinal;
  bool common_scale = false;  // One scale for all filters, not one for each.
  ImageShape shape{};         // Of an input; a square by default.
  ImageShape code_shape{};    // Of a code; nearly 1 : 4 by default.
  std::int64_t columns = 0;   // Of filters, samples or trials.
  std::int64_t scale = 0;     // Pixels per value and side.
  std::int64_t limit = 0;     // The first filters, samples or trials.
};

}  // namespace aesweep
