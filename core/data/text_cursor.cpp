#include "core/data/text_cursor.hpp"

#include "core/base/text.hpp"

namespace aesweep {

void TextCursor::skip_spaces() {
  while (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') advance();
}

bool TextCursor::accept(char c) {
  skip_spaces();
  if (at_end() || peek() != c) return false;
  advance();
  return true;
}

bool TextCursor::accept(std::string_view word) {
  skip_spaces();
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

Status TextCursor::expect(char c, const char* where) {
  if (accept(c)) return {};
  return unexpected(text('\'', c, "' ", where));
}

Result<std::uint64_t> TextCursor::number(std::uint64_t max, const char* what) {
  skip_spaces();
  const std::uint64_t start = position();
  if (peek() < '0' || peek() > '9') return unexpected(what);
  const bool zero = peek() == '0';
  std::uint64_t value = 0;
  bool fits = true;
  std::size_t digits = 0;
  for (; peek() >= '0' && peek() <= '9'; advance(), ++digits) {
    const auto digit = static_cast<std::uint64_t>(peek() - '0');
    fits = fits && !__builtin_mul_overflow(value, std::uint64_t{10}, &value) &&
           !__builtin_add_overflow(value, digit, &value);
  }
  if (zero && digits > 1) {
    return Status::input(text("byte ", start, ": ", what, " has a leading zero"));
  }
  if (!fits || value > max) {
    return Status::input(text("byte ", start, ": ", what, " is above ", max));
  }
  return value;
}

Status TextCursor::unexpected(const std::string& what) const {
  const std::string found = at_end() ? "the header's end" : quoted(text_.substr(at_, 1));
  return Status::input(text("byte ", position(), ": expected ", what, ", found ", found));
}

std::string quoted(std::string_view name) {
  constexpr std::size_t kShown = 60;
  constexpr const char* kDigits = "0123456789abcdef";
  std::string shown = "'";
  for (const char c : name.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      shown += c;
    } else {
      shown += "\\x";
      shown += kDigits[byte >> 4];
      shown += kDigits[byte & 15];
    }
  }
  return shown + (name.size() > kShown ? "...'" : "'");
}

}  // namespace aesweep
