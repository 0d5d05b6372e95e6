// Picture: 8-bit RGB pixels in memory, and the plain drawing that pictures of results need.
//
// Coordinates count from the upper left corner; whatever lies outside is not drawn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/status.hpp"

namespace aesweep {

struct Color {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  bool operator==(const Color&) const = default;
};

inline constexpr Color kWhite{255, 255, 255};
inline constexpr Color kBlack{0, 0, 0};

class Picture {
 public:
  static constexpr std::int64_t kPixelsMax = std::int64_t{64} << 20;

  // An input fault above kPixelsMax, which says how to ask for less.
  [[nodiscard]] static Result<Picture> make(std::int64_t width, std::int64_t height,
                                            Color fill = kWhite);

  [[nodiscard]] std::int64_t width() const { return width_; }
  [[nodiscard]] std::int64_t height() const { return height_; }
  // Must lie inside.
  [[nodiscard]] Color at(std::int64_t x, std::int64_t y) const;
  // Rows of red, green, blue.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return bytes_; }

  void fill(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, Color color);
  void paste(const Picture& other, std::int64_t x, std::int64_t y);

 private:
  Picture(std::int64_t width, std::int64_t height)
      : width_(width), height_(height), bytes_(static_cast<std::size_t>(width * height) * 3) {}
  [[nodiscard]] std::size_t offset(std::int64_t x, std::int64_t y) const {
    return static_cast<std::size_t>(y * width_ + x) * 3;
  }

  std::int64_t width_;
  std::int64_t height_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace aesweep
