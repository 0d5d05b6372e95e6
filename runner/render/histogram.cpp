#include "runner/render/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/text.hpp"
#include "runner/render/font.hpp"

namespace aesweep {
namespace {

constexpr Color kBar{70, 90, 130};
constexpr Color kAxis{110, 110, 110};
constexpr Color kZero{180, 15, 30};
constexpr std::int64_t kTick = 4;

// Pixels of a bar; any count has at least one.
std::int64_t bar_height(std::int64_t count, std::int64_t most, bool logarithmic,
                        std::int64_t height) {
  if (count == 0) return 0;
  const auto level = [&](std::int64_t of) {
    return logarithmic ? std::log1p(static_cast<double>(of)) : static_cast<double>(of);
  };
  const double part = level(count) / level(most);
  return std::max<std::int64_t>(1, std::llround(part * static_cast<double>(height)));
}

// Three digits are enough for the end of an axis.
std::string tick_text(double value) {
  const double magnitude = std::abs(value);
  if (magnitude == 0) return "0";
  const double unit = std::pow(10.0, std::floor(std::log10(magnitude)) - 2);
  return text(std::round(value / unit) * unit);
}

void draw_axis(Picture& panel, const Bins& bins, std::int64_t y, const PanelSize& size) {
  const std::int64_t width = panel.width();
  panel.fill(0, y, width, 1, kAxis);
  for (const std::int64_t x : {std::int64_t{0}, width - 1}) panel.fill(x, y, 1, kTick, kAxis);
  const std::int64_t words = y + kTick + 2;
  const std::string low = tick_text(bins.low);
  const std::string high = tick_text(bins.high);
  draw_text(panel, 0, words, low, size.text_scale);
  const std::int64_t right = width - text_width(high, size.text_scale);
  draw_text(panel, right, words, high, size.text_scale);
  if (!(bins.low < 0 && bins.high > 0)) return;
  const std::int64_t zero =
      std::llround(-bins.low / (bins.high - bins.low) * static_cast<double>(width - 1));
  panel.fill(zero, y, 1, kTick, kZero);
  const std::int64_t half = text_width("0", size.text_scale) / 2;
  const std::int64_t room = kGlyphAdvance * size.text_scale;
  if (zero - half < text_width(low, size.text_scale) + room || zero + half + room > right) return;
  draw_text(panel, zero - half, words, "0", size.text_scale, kZero);
}

}  // namespace

Bins bins_of(std::span<const double> values, std::int64_t bins) {
  Bins found;
  found.counts.assign(static_cast<std::size_t>(bins), 0);
  bool any = false;
  for (const double value : values) {
    if (!std::isfinite(value)) {
      ++found.left_out;
      continue;
    }
    found.low = any ? std::min(found.low, value) : value;
    found.high = any ? std::max(found.high, value) : value;
    any = true;
  }
  // Halves, because the difference of two finite numbers may be infinite.
  const double range = found.high / 2 - found.low / 2;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    const double part = range > 0 ? (value / 2 - found.low / 2) / range : 0.5;
    const auto bin = static_cast<std::int64_t>(std::floor(part * static_cast<double>(bins)));
    ++found.counts[static_cast<std::size_t>(std::clamp<std::int64_t>(bin, 0, bins - 1))];
  }
  return found;
}

Result<Picture> histogram_panel(const Bins& bins, const std::string& heading,
                                const PanelSize& size) {
  const std::int64_t most = *std::max_element(bins.counts.begin(), bins.counts.end());
  const std::int64_t all = std::accumulate(bins.counts.begin(), bins.counts.end(), std::int64_t{0});
  const bool logarithmic = most > all / 2;
  std::string note = text(heading, ", n=", all, ", fullest bar ", most);
  if (logarithmic) note += ", heights are logarithms";
  if (bins.left_out > 0) note += text(", ", bins.left_out, " not finite");
  const std::int64_t width = size.bar_width * static_cast<std::int64_t>(bins.counts.size());
  const auto characters = static_cast<std::size_t>(width / (kGlyphAdvance * size.text_scale));
  const std::vector<std::string> lines = wrapped(note, characters);
  const std::int64_t line = kLineAdvance * size.text_scale;
  const std::int64_t base = static_cast<std::int64_t>(lines.size()) * line + size.height + kTick;
  Result<Picture> panel = Picture::make(width, base + kTick + 2 + line);
  if (!panel.ok()) return panel.status();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    draw_text(*panel, 0, static_cast<std::int64_t>(i) * line, lines[i], size.text_scale);
  }
  for (std::size_t i = 0; i < bins.counts.size(); ++i) {
    const std::int64_t height = bar_height(bins.counts[i], most, logarithmic, size.height);
    panel->fill(static_cast<std::int64_t>(i) * size.bar_width, base - height, size.bar_width - 1,
                height, kBar);
  }
  draw_axis(*panel, bins, base, size);
  return panel;
}

}  // namespace aesweep
