#include "runner/render/font.hpp"

#include <algorithm>

namespace aesweep {
namespace {

constexpr int kFirst = 32;
constexpr int kGlyphs = 96;
constexpr int kPerBand = 8;

constexpr std::string_view kDrawn[] = {
#include "runner/render/font_glyphs.inc"
};
static_assert(std::size(kDrawn) == kGlyphs / kPerBand * kGlyphHeight);

// These hang two pixels below the line.
constexpr std::string_view kHanging = "gpqy";
constexpr std::int64_t kHang = 2;

bool is_ink(int glyph, std::int64_t x, std::int64_t y) {
  const std::string_view line = kDrawn[glyph / kPerBand * kGlyphHeight + y];
  return line[static_cast<std::size_t>(glyph % kPerBand * kGlyphAdvance + x)] == '#';
}

// Whether the byte goes on with a character of UTF-8 that began before.
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u; }

std::size_t characters_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); }));
}

// Bytes of the longest beginning of `text` that has at most `characters` characters.
std::size_t bytes_of(std::string_view text, std::size_t characters) {
  std::size_t bytes = 0;
  for (; bytes < text.size(); ++bytes) {
    if (continues(text[bytes])) continue;
    if (characters == 0) break;
    --characters;
  }
  return bytes;
}

}  // namespace

void draw_text(Picture& picture, std::int64_t x, std::int64_t y, std::string_view line,
               std::int64_t scale, Color color) {
  for (const char byte : line) {
    if (continues(byte)) continue;
    const int code = static_cast<unsigned char>(byte) - kFirst;
    const int glyph = code >= 0 && code < kGlyphs ? code : kGlyphs - 1;
    const std::int64_t down = kHanging.find(byte) == std::string_view::npos ? 0 : kHang;
    for (std::int64_t row = 0; row < kGlyphHeight; ++row) {
      for (std::int64_t column = 0; column < kGlyphWidth; ++column) {
        if (!is_ink(glyph, column, row)) continue;
        picture.fill(x + column * scale, y + (down + row) * scale, scale, scale, color);
      }
    }
    x += kGlyphAdvance * scale;
  }
}

std::int64_t text_width(std::string_view line, std::int64_t scale) {
  const auto characters = static_cast<std::int64_t>(characters_of(line));
  return characters == 0 ? 0 : (characters * kGlyphAdvance - 1) * scale;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t characters) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t end = bytes_of(text, std::max<std::size_t>(characters, 1));
    if (end < text.size() && text[end] != ' ') {
      const std::size_t last = text.substr(0, end).find_last_of(" ,");
      if (last != std::string_view::npos && last > 0) end = last + 1;
    }
    std::string line(text.substr(0, end));
    line.resize(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  return lines;
}

}  // namespace aesweep
