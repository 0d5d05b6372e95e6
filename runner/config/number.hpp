// Numbers as experiments write them, independent of any locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aesweep {

// Decimal digits with an optional minus sign, no leading zero: the whole text, in range of 64 bits.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

// A decimal number such as 3, -0.5 or 1e-4: the whole text, finite, and not so small that it would
// become zero. No leading zeros, no plus sign, no hexadecimal, no inf or nan.
[[nodiscard]] std::optional<double> parse_real(std::string_view text);

// `value` with 12 significant digits: what is left of 0.1 + 0.2 or of exp(log(x)) is x again.
[[nodiscard]] double rounded_to_12_digits(double value);

}  // namespace aesweep
