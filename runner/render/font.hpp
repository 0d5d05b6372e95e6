// Text in pictures: one built-in font of 5 x 7 pixels for the printable ASCII characters.
//
// A character takes kGlyphAdvance x kLineAdvance pixels of `scale` x `scale` each. What is not
// printable ASCII is drawn as a box, one for each UTF-8 character.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/render/picture.hpp"

namespace aesweep {

inline constexpr std::int64_t kGlyphWidth = 5;
inline constexpr std::int64_t kGlyphHeight = 7;
inline constexpr std::int64_t kGlyphAdvance = 6;
inline constexpr std::int64_t kLineAdvance = 10;

// One line, its upper left corner at (x, y).
void draw_text(Picture& picture, std::int64_t x, std::int64_t y, std::string_view line,
               std::int64_t scale, Color color = kBlack);

// Pixels from the left of its first character to the right of its last; 0 for no text.
[[nodiscard]] std::int64_t text_width(std::string_view line, std::int64_t scale);

// The text in lines of at most `characters`, at least 1: broken after blanks and commas, and inside
// of words only where one is longer than a line. Nothing is left out but blanks at breaks.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t characters);

}  // namespace aesweep
