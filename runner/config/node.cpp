#include "runner/config/node.hpp"

#include <algorithm>

#include "core/base/names.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kShownBytes = 60;

// A scalar's text for a message, cut if it is long.
std::string shortened(const std::string& scalar) {
  std::string shown = scalar.substr(0, kShownBytes);
  if (shown.size() < scalar.size()) {
    // Do not cut a code point in two: drop its continuation bytes, then its first byte.
    while (!shown.empty() && (static_cast<unsigned char>(scalar[shown.size()]) & 0xC0U) == 0x80U) {
      shown.pop_back();
    }
    shown += "...";
  }
  return shown;
}

}  // namespace

const Entry* find_entry(const Node& map, std::string_view key) {
  const auto entry = std::find_if(map.entries.begin(), map.entries.end(),
                                  [&](const Entry& e) { return e.key == key; });
  return entry == map.entries.end() ? nullptr : &*entry;
}

const Node* find(const Node& map, std::string_view key) {
  const Entry* entry = find_entry(map, key);
  return entry == nullptr ? nullptr : &entry->value;
}

Node* find(Node& map, std::string_view key) {
  return const_cast<Node*>(find(static_cast<const Node&>(map), key));
}

std::string found(const Node& node) {
  switch (node.kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kList:
      return "a list";
    case NodeKind::kMap:
      return "a map";
    case NodeKind::kScalar:
      break;
  }
  const std::string shown = shortened(node.text);
  return node.quoted ? text('"', shown, '"') : shown;
}

Status fault_at(const std::string& file, Mark mark, const std::string& path,
                const std::string& message) {
  const std::string where =
      mark.line == 0 ? std::string("--set") : text(file, ':', mark.line, ':', mark.column);
  return Status::input(text(where, ": ", path, path.empty() ? "" : ": ", message));
}

std::string joined(const std::string& path, std::string_view key) {
  std::string all;
  all.reserve(path.size() + 1 + key.size());
  all.append(path);
  if (!path.empty()) all += '.';
  return all.append(key);
}

std::string suggestion(std::string_view name, std::span<const std::string> known,
                       const std::string& path) {
  constexpr std::size_t kNameBytesMax = 128;  // Longer texts are no misspelt names.
  const std::string near = name.size() > kNameBytesMax ? "" : closest(name, known);
  if (!near.empty()) return text(" (did you mean ", joined(path, near), "?)");
  if (known.empty()) return "";
  constexpr std::size_t kShownMax = 30;
  std::string all = "; known: ";
  for (std::size_t i = 0; i < std::min(known.size(), kShownMax); ++i) {
    all += (i == 0 ? "" : ", ") + known[i];
  }
  return known.size() > kShownMax ? all + ", ..." : all;
}

Status check_keys(const std::string& file, const Node& map, const std::string& path,
                  std::span<const std::string> known) {
  for (const Entry& entry : map.entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    return fault_at(file, entry.mark, joined(path, entry.key),
                    "unknown key" + suggestion(entry.key, known, path));
  }
  return {};
}

}  // namespace aesweep
