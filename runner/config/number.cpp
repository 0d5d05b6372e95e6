#include "runner/config/number.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace aesweep {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// std::from_chars takes 010 as 10; other readers of YAML take it as 8.
bool starts_like_a_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || !(is_digit(text[0]) || text[0] == '.')) return false;
  return !(text.size() > 1 && text[0] == '0' && is_digit(text[1]));
}

template <class T>
std::optional<T> whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return starts_like_a_number(text) ? whole<std::int64_t>(text) : std::nullopt;
}

std::optional<double> parse_real(std::string_view text) {
  if (!starts_like_a_number(text)) return std::nullopt;
  const std::optional<double> value = whole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

double rounded_to_12_digits(double value) {
  std::array<char, 64> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                     std::chars_format::scientific, 11);
  double rounded = value;
  std::from_chars(digits.data(), written.ptr, rounded);
  return rounded;
}

}  // namespace aesweep
