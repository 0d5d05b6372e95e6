// Captions: lines of text above a picture.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/render/picture.hpp"

namespace aesweep {

// Room around captioned pictures, in pixels.
inline constexpr std::int64_t kMargin = 10;

// The picture with texts above it, each broken into as many lines as it needs, on a width of at
// least `width_min`.
[[nodiscard]] Result<Picture> captioned(const Picture& body, const std::vector<std::string>& texts,
                                        std::int64_t text_scale, std::int64_t width_min);

// Side by side, with a heading over each, `gap` pixels apart; tops in one line.
[[nodiscard]] Result<Picture> side_by_side(const std::vector<Picture>& pictures,
                                           const std::vector<std::string>& headings,
                                           std::int64_t text_scale, std::int64_t gap);

}  // namespace aesweep
