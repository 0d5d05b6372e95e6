#include "runner/app/bytes_text.hpp"

#include <array>
#include <iomanip>
#include <ios>

#include "core/base/text.hpp"

namespace aesweep {

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return text(bytes, " B");
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 999.5 would be shown as 1000.
  for (; amount >= 999.5; ++unit) amount /= 1000.0;
  const int decimals = amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0;
  std::string digits = text(std::fixed, std::setprecision(decimals), amount);
  return digits + " " + kUnits.at(unit);
}

}  // namespace aesweep
