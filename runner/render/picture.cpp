#include "runner/render/picture.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace aesweep {

Result<Picture> Picture::make(std::int64_t width, std::int64_t height, Color fill) {
  AESWEEP_CHECK(width > 0 && height > 0, "a picture without pixels");
  if (width > kPixelsMax || height > kPixelsMax / width) {
    return Status::input(text("a picture of ", width, " x ", height, " pixels is larger than ",
                              kPixelsMax >> 20,
                              " megapixels; draw less with --limit, or smaller with --scale"));
  }
  Picture picture(width, height);
  picture.fill(0, 0, width, height, fill);
  return picture;
}

Color Picture::at(std::int64_t x, std::int64_t y) const {
  AESWEEP_CHECK(x >= 0 && x < width_ && y >= 0 && y < height_, "a pixel outside of its picture");
  const std::size_t at = offset(x, y);
  return {bytes_[at], bytes_[at + 1], bytes_[at + 2]};
}

void Picture::fill(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height,
                   Color color) {
  const std::int64_t left = std::max<std::int64_t>(x, 0);
  const std::int64_t right = std::min(x + width, width_);
  const std::int64_t bottom = std::min(y + height, height_);
  for (std::int64_t row = std::max<std::int64_t>(y, 0); row < bottom; ++row) {
    for (std::int64_t column = left; column < right; ++column) {
      const std::size_t at = offset(column, row);
      bytes_[at] = color.red;
      bytes_[at + 1] = color.green;
      bytes_[at + 2] = color.blue;
    }
  }
}

void Picture::paste(const Picture& other, std::int64_t x, std::int64_t y) {
  const std::int64_t left = std::max<std::int64_t>(x, 0);
  const std::int64_t right = std::min(x + other.width_, width_);
  const std::int64_t bottom = std::min(y + other.height_, height_);
  if (left >= right) return;
  for (std::int64_t row = std::max<std::int64_t>(y, 0); row < bottom; ++row) {
    const auto from =
        other.bytes_.begin() + static_cast<std::ptrdiff_t>(other.offset(left - x, row - y));
    std::copy(from, from + (right - left) * 3,
              bytes_.begin() + static_cast<std::ptrdiff_t>(offset(left, row)));
  }
}

}  // namespace aesweep
