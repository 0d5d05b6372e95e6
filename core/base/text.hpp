// Text: builds one-line messages from mixed values, independent of the global locale.
//
// Real numbers in text() have six digits; format_real writes all that are needed.
#pragma once

#include <locale>
#include <sstream>
#include <string>

namespace aesweep {

// The arguments, written one after another in the classic locale.
template <class... Parts>
[[nodiscard]] std::string text(const Parts&... parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (out << ... << parts);
  return out.str();
}

// The shortest text that reads back as the same double; whole numbers below 2^53 without exponent.
[[nodiscard]] std::string format_real(double value);

}  // namespace aesweep
