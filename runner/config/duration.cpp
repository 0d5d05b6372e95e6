#include "runner/config/duration.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include "runner/config/number.hpp"

namespace aesweep {

std::optional<double> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<char, double>, 4> kUnits = {
      {{'d', 86400.0}, {'h', 3600.0}, {'m', 60.0}, {'s', 1.0}}};
  double seconds = 0.0;
  std::size_t unit = 0;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == std::string_view::npos) return std::nullopt;
    const std::optional<double> number = parse_real(text.substr(0, digits));
    while (unit < kUnits.size() && kUnits[unit].first != text[digits]) ++unit;
    if (!number || unit == kUnits.size()) return std::nullopt;
    seconds += *number * kUnits[unit].second;
    ++unit;
    text.remove_prefix(digits + 1);
  }
  return seconds > 0.0 ? std::optional(seconds) : std::nullopt;
}

bool parse_interval(std::string_view text, CheckpointSpec& spec) {
  constexpr std::int64_t kCountMax = 9007199254740991;  // 2^53 - 1, exact in a double.
  if (const std::optional<double> seconds = parse_duration(text)) {
    spec.unit = CheckpointSpec::Every::kSeconds;
    spec.every = *seconds;
    return true;
  }
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return false;
  const std::optional<std::int64_t> count = parse_integer(text.substr(0, blank));
  const std::string_view unit = text.substr(blank + 1);
  const bool steps = unit == "steps" || unit == "step";
  if (!count || *count < 1 || *count > kCountMax) return false;
  if (!steps && unit != "epochs" && unit != "epoch") return false;
  spec.unit = steps ? CheckpointSpec::Every::kSteps : CheckpointSpec::Every::kEpochs;
  spec.every = static_cast<double>(*count);
  return true;
}

}  // namespace aesweep
