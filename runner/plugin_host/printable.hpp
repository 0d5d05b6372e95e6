// Texts that come from plugins, made fit for reports.
#pragma once

#include <string>

namespace aesweep {

// The text as one line: control characters become spaces. To be used where a plugin's text is
// received, so that nothing that separates lines, words or messages comes in by it.
[[nodiscard]] inline std::string printable_line(std::string words) {
  for (char& c : words) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return words;
}

}  // namespace aesweep
