// TextCursor: walks through a piece of text that is not trusted, for the small grammars of headers.
//
// Never leaves the text, never goes back, never recurses. The text must outlive the cursor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/status.hpp"

namespace aesweep {

class TextCursor {
 public:
  // `origin` is where the text begins in its file: positions in messages count from the file's
  // start.
  TextCursor(std::string_view text, std::uint64_t origin) : text_(text), origin_(origin) {}

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] std::uint64_t position() const { return origin_ + at_; }
  // The next character, or a zero byte at the end (which no grammar here accepts).
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
  void advance() { at_ += at_end() ? 0 : 1; }
  void skip_spaces();  // Space, tab, carriage return, line feed.

  // Skips spaces, then takes `c` if it comes next.
  [[nodiscard]] bool accept(char c);
  // Skips spaces, then takes `word` if it comes next.
  [[nodiscard]] bool accept(std::string_view word);
  // Skips spaces; takes `c` or says what is there instead. `where` is part of the message.
  [[nodiscard]] Status expect(char c, const char* where);

  // Skips spaces; takes a decimal number without sign, fraction, exponent or leading zero. A fault
  // if there is none or if it is above `max`; `what` names it.
  [[nodiscard]] Result<std::uint64_t> number(std::uint64_t max, const char* what);

  // An input fault at the next character: "byte 17: expected WHAT, found 'x'".
  [[nodiscard]] Status unexpected(const std::string& what) const;

 private:
  std::string_view text_;
  std::uint64_t origin_;
  std::size_t at_ = 0;
};

// In quotes, on one line, at most some sixty bytes, unprintable ones as \x1f: a name out of a file
// for a message.
[[nodiscard]] std::string quoted(std::string_view name);

}  // namespace aesweep
