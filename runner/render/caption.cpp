#include "runner/render/caption.hpp"

#include <algorithm>

#include "runner/render/font.hpp"

namespace aesweep {

Result<Picture> captioned(const Picture& body, const std::vector<std::string>& texts,
                          std::int64_t text_scale, std::int64_t width_min) {
  const std::int64_t width = std::max(body.width(), width_min);
  const auto characters =
      static_cast<std::size_t>(std::max<std::int64_t>(1, width / (kGlyphAdvance * text_scale)));
  std::vector<std::string> lines;
  for (const std::string& words : texts) {
    for (std::string& line : wrapped(words, characters)) lines.push_back(std::move(line));
  }
  const std::int64_t line_height = kLineAdvance * text_scale;
  const std::int64_t top =
      kMargin + static_cast<std::int64_t>(lines.size()) * line_height + 2 * text_scale;
  Result<Picture> picture = Picture::make(width + 2 * kMargin, top + body.height() + kMargin);
  if (!picture.ok()) return picture.status();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    draw_text(*picture, kMargin, kMargin + static_cast<std::int64_t>(i) * line_height, lines[i],
              text_scale);
  }
  picture->paste(body, kMargin, top);
  return picture;
}

Result<Picture> side_by_side(const std::vector<Picture>& pictures,
                             const std::vector<std::string>& headings, std::int64_t text_scale,
                             std::int64_t gap) {
  std::vector<std::int64_t> widths;
  std::int64_t width = -gap;
  std::int64_t height = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    widths.push_back(std::max(pictures[i].width(), text_width(headings[i], text_scale)));
    width += widths.back() + gap;
    height = std::max(height, pictures[i].height());
  }
  const bool any = std::any_of(headings.begin(), headings.end(),
                               [](const std::string& heading) { return !heading.empty(); });
  const std::int64_t top = any ? kLineAdvance * text_scale : 0;
  Result<Picture> row = Picture::make(width, top + height);
  if (!row.ok()) return row.status();
  std::int64_t x = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    draw_text(*row, x, 0, headings[i], text_scale);
    row->paste(pictures[i], x, top);
    x += widths[i] + gap;
  }
  return row;
}

}  // namespace aesweep
