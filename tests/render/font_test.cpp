// Proves that every printable character is drawn, each in its own way and inside of its cell, and
// that wrapped text loses nothing: against the drawn pixels and the text itself.
#include "runner/render/font.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace aesweep {
namespace {

std::string drawn(const std::string& text, std::int64_t scale) {
  Picture picture = std::move(Picture::make(40, 30)).value();
  draw_text(picture, 0, 0, text, scale);
  return {picture.bytes().begin(), picture.bytes().end()};
}

TEST(Font, EachCharacterHasItsOwnShape) {
  std::set<std::string> shapes;
  for (char letter = ' '; letter <= '~'; ++letter) shapes.insert(drawn(std::string(1, letter), 1));
  shapes.insert(drawn("\xCE\xBB", 1));  // One box for a character of two bytes.
  EXPECT_EQ(shapes.size(), 96u);
  EXPECT_EQ(drawn("\xCE\xBB", 1), drawn("\n", 1));
}

TEST(Font, StaysInItsCell) {
  for (char letter = ' '; letter <= '~'; ++letter) {
    Picture picture = std::move(Picture::make(30, 30)).value();
    draw_text(picture, 2, 3, std::string(1, letter), 2);
    for (std::int64_t y = 0; y < 30; ++y) {
      for (std::int64_t x = 0; x < 30; ++x) {
        const bool inside = x >= 2 && x < 2 + 2 * kGlyphWidth && y >= 3 && y < 3 + 2 * kLineAdvance;
        EXPECT_TRUE(inside || picture.at(x, y) == kWhite) << letter << " " << x << " " << y;
      }
    }
  }
  EXPECT_EQ(text_width("ab\xCE\xBB", 2), 34);
  EXPECT_EQ(text_width("", 2), 0);
}

TEST(Font, WrapsWithoutLoss) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrapped("lr=0.1 units=7", 14), (Lines{"lr=0.1 units=7"}));
  EXPECT_EQ(wrapped("lr=0.1 units=7", 13), (Lines{"lr=0.1", "units=7"}));
  EXPECT_EQ(wrapped("a,b,cdef", 4), (Lines{"a,b,", "cdef"}));
  EXPECT_EQ(wrapped("abcdefg", 3), (Lines{"abc", "def", "g"}));
  EXPECT_EQ(wrapped("\xCE\xBB\xCE\xBB\xCE\xBB", 2), (Lines{"\xCE\xBB\xCE\xBB", "\xCE\xBB"}));
  EXPECT_EQ(wrapped("", 3), Lines{});
  EXPECT_EQ(wrapped("   ", 1).size(), 1u);
}

}  // namespace
}  // namespace aesweep
