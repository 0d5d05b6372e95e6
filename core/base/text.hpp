// Text: builds one-line messages from mixed values, independent of the global locale.
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

}  // namespace aesweep
