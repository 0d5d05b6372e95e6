#include "runner/render/tiles.hpp"

#include <algorithm>
#include <cmath>

namespace aesweep {

void draw_tile(Picture& picture, std::int64_t x, std::int64_t y, std::span<const double> values,
               ImageShape shape, std::int64_t scale, const ColorMap& map) {
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(values.size()); ++i) {
    picture.fill(x + i % shape.cols * scale, y + i / shape.cols * scale, scale, scale,
                 map(values[static_cast<std::size_t>(i)]));
  }
}

std::int64_t Grid::width() const { return columns * (cell_width + gap) - gap; }
std::int64_t Grid::height() const {
  return (count + columns - 1) / columns * (cell_height + gap) - gap;
}
std::int64_t Grid::x(std::int64_t index) const { return index % columns * (cell_width + gap); }
std::int64_t Grid::y(std::int64_t index) const { return index / columns * (cell_height + gap); }

std::int64_t columns_for(std::int64_t count, std::int64_t asked) {
  const auto square = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  return std::clamp<std::int64_t>(asked > 0 ? asked : square, 1, std::max<std::int64_t>(count, 1));
}

std::int64_t scale_for(ImageShape shape, std::int64_t asked, std::int64_t side) {
  if (asked > 0) return asked;
  const std::int64_t longer = std::max(shape.rows, shape.cols);
  return std::clamp<std::int64_t>((side + longer / 2) / longer, 1, 16);
}

Result<Picture> filter_sheet(const Matrix& images, ImageShape shape, const Grid& grid,
                             std::int64_t scale,
                             const std::function<ColorMap(std::int64_t unit)>& map) {
  Result<Picture> sheet = Picture::make(grid.width(), grid.height());
  if (!sheet.ok()) return sheet.status();
  for (std::int64_t unit = 0; unit < grid.count; ++unit) {
    draw_tile(*sheet, grid.x(unit), grid.y(unit), images.row(unit), shape, scale, map(unit));
  }
  return sheet;
}

}  // namespace aesweep
