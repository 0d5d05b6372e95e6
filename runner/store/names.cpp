#include "runner/store/names.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace aesweep {

std::string stored_name(std::string_view name) {
  std::string stored(name);
  std::replace_if(
      stored.begin(), stored.end(), [](char c) { return c == '.' || c == '/'; }, '_');
  return stored;
}

std::string trial_name(std::int64_t number) {
  const std::string digits = text(number);
  return std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

std::string cut_text(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view kMark = " [...]";
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t end = bytes_max - kMark.size();
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // Inside a UTF-8 sequence.
  return std::string(text.substr(0, end)).append(kMark);
}

Status NameSet::add(const std::string& stored, const std::string& name) {
  if (stored.empty()) return Status::input(text("a ", what_, " has no name"));
  const auto [entry, fresh] = names_.emplace(stored, name);
  if (fresh) return {};
  const std::string& other = entry->second;
  if (other.empty()) {
    return Status::input(text(what_, " '", name, "' would be stored as ", stored,
                              ", a name that the results format uses itself; rename it"));
  }
  if (other == name) return Status::input(text(what_, " '", name, "' is there twice"));
  return Status::input(text(what_, "s '", other, "' and '", name, "' would both be stored as ",
                            stored, " ('.' and '/' become '_'); rename one"));
}

}  // namespace aesweep
