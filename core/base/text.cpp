#include "core/base/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace aesweep {

std::string format_real(double value) {
  std::array<char, 64> digits;
  constexpr double kExactWhole = 9007199254740992.0;  // 2^53
  const bool whole_number = std::abs(value) < kExactWhole && std::trunc(value) == value;
  const auto result = whole_number && !(value == 0 && std::signbit(value))
                          ? std::to_chars(digits.data(), digits.data() + digits.size(),
                                          static_cast<std::int64_t>(value))
                          : std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), result.ptr};
}

}  // namespace aesweep
