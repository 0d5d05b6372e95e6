// Tiles: images in a grid, with gaps between them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/base/status.hpp"
#include "runner/render/color_map.hpp"
#include "runner/render/picture.hpp"
#include "runner/render/request.hpp"
#include "runner/render/stored_images.hpp"

namespace aesweep {

// Draws values, row by row, as squares of scale x scale pixels; cells without a value stay.
void draw_tile(Picture& picture, std::int64_t x, std::int64_t y, std::span<const double> values,
               ImageShape shape, std::int64_t scale, const ColorMap& map);

// How cells of one size are laid out.
struct Grid {
  std::int64_t count = 0;
  std::int64_t columns = 1;
  std::int64_t cell_width = 0;
  std::int64_t cell_height = 0;
  std::int64_t gap = 2;

  [[nodiscard]] std::int64_t width() const;
  [[nodiscard]] std::int64_t height() const;
  [[nodiscard]] std::int64_t x(std::int64_t index) const;
  [[nodiscard]] std::int64_t y(std::int64_t index) const;
};

// Columns asked for, at most `count`; by default those of about a square of square cells.
[[nodiscard]] std::int64_t columns_for(std::int64_t count, std::int64_t asked);
// Pixels per value asked for; by default images have about `side` pixels on their longer side.
[[nodiscard]] std::int64_t scale_for(ImageShape shape, std::int64_t asked, std::int64_t side);

// The first `count` filters, each with the map that `map` gives for it.
[[nodiscard]] Result<Picture> filter_sheet(const Matrix& images, ImageShape shape, const Grid& grid,
                                           std::int64_t scale,
                                           const std::function<ColorMap(std::int64_t unit)>& map);

}  // namespace aesweep
