// The only file that knows yaml-cpp. Its parser gives events, so that limits hold before a node is
// made; its Node, conversions and LoadAll are not used: they keep the first of doubled keys, read
// 010 as 8, depend on the global locale and follow aliases.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <exception>
#include <sstream>
#include <unordered_set>
#include <utility>

#include "core/base/text.hpp"
#include "runner/config/node.hpp"

namespace aesweep {
namespace {

// Thrown by the event handler to leave the parser; caught in read_yaml.
struct Refused {
  YAML::Mark mark;
  std::string path;
  std::string message;
};

// --- Before parsing: is it text at all? ---

// Length of the UTF-8 sequence at s[i]; 0 if it is not valid.
std::size_t sequence_bytes(std::string_view s, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned first = byte(i);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || i + length > s.size()) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0U) != 0x80U) return 0;
  }
  // Overlong forms, surrogates and code points above U+10FFFF.
  const unsigned second = byte(i + 1);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

std::string hexadecimal(unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  return {'0', 'x', digits[byte >> 4U], digits[byte & 15U]};
}

// Why the character at s[i] may not stand in a file; empty if it may.
std::string refusal(std::string_view s, std::size_t i, bool in_indentation) {
  const auto byte = static_cast<unsigned char>(s[i]);
  if (byte == 0) return "a NUL byte; this is not a text file";
  if (byte == '\r') {
    return i + 1 < s.size() && s[i + 1] == '\n'
               ? ""
               : "a carriage return without a line feed; end lines with LF or CRLF";
  }
  if (byte == '\t' && in_indentation) {
    return "a tab in the indentation, where YAML allows only spaces";
  }
  if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
    return "control character " + hexadecimal(byte) + "; this is not a text file";
  }
  if (sequence_bytes(s, i) == 0)
    return "byte " + hexadecimal(byte) + " is not UTF-8; save as UTF-8";
  return "";
}

// The text with LF line ends, or the first character that is not text.
Result<std::string> as_text(std::string_view s, const std::string& file) {
  std::string clean;
  clean.reserve(s.size());
  Mark mark = {1, 1};
  bool in_indentation = true;
  for (std::size_t i = 0; i < s.size();) {
    const std::string why = refusal(s, i, in_indentation);
    if (!why.empty()) return fault_at(file, mark, "", why);
    const std::size_t length = sequence_bytes(s, i);
    if (s[i] != '\r') clean.append(s, i, length);
    if (s[i] == '\n') {
      mark = {mark.line + 1, 1};
      in_indentation = true;
    } else {
      ++mark.column;
      in_indentation = in_indentation && s[i] == ' ';
    }
    i += length;
  }
  return clean;
}

// Whether the quoted scalar that starts at s[i] ends: yaml-cpp takes the end of the file for a
// quote.
bool has_closing_quote(std::string_view s, std::size_t i) {
  const char quote = s[i];
  for (++i; i < s.size(); ++i) {
    if (quote == '"' && s[i] == '\\') {
      ++i;
    } else if (s[i] == quote) {
      if (quote == '"' || i + 1 == s.size() || s[i + 1] != quote) return true;
      ++i;  // Two single quotes stand for one.
    }
  }
  return false;
}

// --- Events to nodes ---

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& clean, const YamlLimits& limits) : text_(clean), limits_(limits) {
    lines_.push_back(0);
    for (std::size_t i = 0; i < clean.size(); ++i) {
      if (clean[i] == '\n') lines_.push_back(i + 1);
    }
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refused{mark, "", "a second document; expected one"};
  }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    throw Refused{mark, path(),
                  "anchor &" + name + "; anchors are not allowed, write the value out"};
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{mark, path(), "an alias; aliases are not allowed, write the value out"};
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse_tag(mark, "");
    add(mark, NodeKind::kNull);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    refuse_tag(mark, tag);
    refuse_open_quote(mark);
    refuse_control(mark, value);
    if (value.size() > limits_.scalar_bytes) {
      throw Refused{mark, path(),
                    aesweep::text("a scalar of ", value.size(), " bytes; the limit is ",
                                  limits_.scalar_bytes)};
    }
    if (expects_key()) {
      start_entry(mark, value);
      return;
    }
    Node& node = add(mark, NodeKind::kScalar);
    node.text = value;
    node.quoted = tag == "!";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, NodeKind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    start(mark, tag, NodeKind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

  [[nodiscard]] bool empty() const { return documents_ == 0; }
  [[nodiscard]] Node& root() { return root_; }

  // yaml-cpp counts from 0, and columns in bytes.
  [[nodiscard]] Mark mark_of(const YAML::Mark& mark) {
    if (mark.is_null()) return {1, 1};
    const std::size_t line = std::min<std::size_t>(mark.line, lines_.size() - 1);
    const std::size_t end =
        std::min(lines_[line] + static_cast<std::size_t>(mark.column), text_.size());
    // Marks mostly go forward, so counting goes on where the last one ended: a long line is not
    // counted again for each of its values.
    if (line != counted_line_ || end < counted_to_) {
      counted_line_ = line;
      counted_to_ = lines_[line];
      points_ = 0;
    }
    for (; counted_to_ < end; ++counted_to_) {
      points_ += (static_cast<unsigned char>(text_[counted_to_]) & 0xC0U) != 0x80U ? 1 : 0;
    }
    return {static_cast<std::int32_t>(line + 1), points_ + 1};
  }

 private:
  // A map or list whose end has not come yet. `node` stays valid: its parent does not grow
  // meanwhile.
  struct Open {
    Node* node;
    bool has_key = false;  // Maps: the last entry waits for its value.
    std::unordered_set<std::string> keys;
  };

  [[nodiscard]] bool expects_key() const {
    return !open_.empty() && open_.back().node->kind == NodeKind::kMap && !open_.back().has_key;
  }

  // A tag on an empty value leaves no other trace than the text at its mark.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    const auto position = static_cast<std::size_t>(mark.pos);
    const bool written = position < text_.size() && text_[position] == '!';
    if (!written && (tag.empty() || tag == "?" || tag == "!")) return;
    throw Refused{mark, path(), "a tag; tags are not allowed, leave it out"};
  }

  // An escape in double quotes can still make what the text itself may not hold, and a block can
  // put a line break into a key: no message, path or name here is prepared for either.
  void refuse_control(const YAML::Mark& mark, const std::string& value) const {
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte != 0x7F) continue;
      const std::string what =
          c == '\n' ? std::string("a line break") : "control character " + hexadecimal(byte);
      throw Refused{mark, path(), what + (expects_key() ? " in a key" : " in a value")};
    }
  }

  void refuse_open_quote(const YAML::Mark& mark) const {
    const auto position = static_cast<std::size_t>(mark.pos);
    if (position >= text_.size() || (text_[position] != '"' && text_[position] != '\'')) return;
    if (has_closing_quote(text_, position)) return;
    throw Refused{mark, path(), "a quote without its closing quote"};
  }

  void start(const YAML::Mark& mark, const std::string& tag, NodeKind kind) {
    refuse_tag(mark, tag);
    if (open_.size() >= limits_.depth) {
      throw Refused{mark, "", aesweep::text("nested deeper than ", limits_.depth, " levels")};
    }
    open_.push_back({&add(mark, kind), false, {}});
  }

  Node& add(const YAML::Mark& mark, NodeKind kind) {
    if (++nodes_ > limits_.nodes) {
      throw Refused{mark, "", aesweep::text("more than ", limits_.nodes, " values")};
    }
    if (expects_key()) {
      throw Refused{mark, path(),
                    kind == NodeKind::kNull ? "a key is missing before the colon"
                                            : "a list or map as a key; expected a name"};
    }
    Node* node = &root_;
    if (!open_.empty() && open_.back().node->kind == NodeKind::kMap) {
      node = &open_.back().node->entries.back().value;
      open_.back().has_key = false;
    } else if (!open_.empty()) {
      node = &open_.back().node->items.emplace_back();
    }
    node->kind = kind;
    node->mark = mark_of(mark);
    return *node;
  }

  void start_entry(const YAML::Mark& mark, const std::string& key) {
    Open& map = open_.back();
    if (key.size() > limits_.key_bytes) {
      throw Refused{
          mark, path(),
          aesweep::text("a key of ", key.size(), " bytes; the limit is ", limits_.key_bytes)};
    }
    if (key == "<<") {
      throw Refused{mark, path(), "a merge key; merges are not allowed, write the keys out"};
    }
    if (!map.keys.insert(key).second) {
      const Mark first = find_entry(*map.node, key)->mark;
      throw Refused{mark, joined(path(), key),
                    aesweep::text("the key is given twice, first at line ", first.line)};
    }
    map.node->entries.push_back({key, mark_of(mark), {}});
    map.has_key = true;
  }

  // Keys and indices from the root to the value that is being read.
  [[nodiscard]] std::string path() const {
    std::string path;
    for (const Open& open : open_) {
      if (open.node->kind == NodeKind::kList) {
        path += aesweep::text('[', open.node->items.size() - (&open == &open_.back() ? 0 : 1), ']');
      } else if (open.has_key || &open != &open_.back()) {
        path = joined(path, open.node->entries.back().key);
      }
    }
    return path;
  }

  const std::string& text_;
  const YamlLimits limits_;
  std::vector<std::size_t> lines_;  // Offset of each line's first byte.
  std::vector<Open> open_;
  Node root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
  std::size_t counted_line_ = 0;  // Code points of text_ from this line's start to counted_to_.
  std::size_t counted_to_ = 0;
  std::int32_t points_ = 0;
};

// yaml-cpp's words for the mistakes that people make, and what to do about them.
std::string explained(const std::string& message) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kHints = {{
      {"illegal map value",
       "a colon where no value can start; check the indentation, put a text "
       "that contains \": \" in quotes"},
      {"end of map not found", "this does not belong to the map before it; check the indentation"},
      {"end of map flow not found", "a { is not closed by }; check commas and braces"},
      {"end of sequence not found",
       "this does not belong to the list before it; check the "
       "indentation and the dashes"},
      {"end of sequence flow not found", "a [ is not closed by ]; check commas and brackets"},
      {"illegal flow end", "a ] or } that closes nothing"},
      {"illegal block entry", "a dash cannot start a list here; put the list on its own lines"},
      {"illegal EOF in scalar", "the closing quote is missing"},
      {"unknown token", "a character that cannot start a value; put the text in quotes"},
  }};
  for (const auto& [words, hint] : kHints) {
    if (message == words) return std::string(hint);
  }
  if (message.starts_with("the referenced anchor is not defined")) {
    return "an alias; aliases are not allowed, write the value out or put the text in quotes";
  }
  return message;
}

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Result<Node> parse(const std::string& clean, const std::string& file, const YamlLimits& limits) {
  TreeBuilder builder(clean, limits);
  try {
    std::istringstream stream(clean);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (builder.empty()) return fault_at(file, {1, 1}, "", "the file is empty");
    parser.HandleNextDocument(builder);  // Refused by the builder if there is one.
  } catch (const Refused& refused) {
    return fault_at(file, builder.mark_of(refused.mark), refused.path, refused.message);
  } catch (const YAML::Exception& error) {
    return fault_at(file, builder.mark_of(error.mark), "",
                    "not valid YAML: " + explained(error.msg));
  } catch (const std::exception& error) {
    return fault_at(file, {1, 1}, "", text("cannot be read as YAML: ", error.what()));
  }
  return std::move(builder.root());
}

}  // namespace

Result<Node> read_yaml(std::string_view bytes, const std::string& file, const YamlLimits& limits) {
  if (bytes.size() > limits.bytes) {
    return fault_at(file, {1, 1}, "",
                    text("the file has ", bytes.size(), " bytes; the limit is ", limits.bytes));
  }
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    return fault_at(file, {1, 1}, "", "the file is UTF-16; save it as UTF-8");
  }
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  Result<std::string> clean = as_text(bytes, file);
  if (!clean.ok()) return clean.status();
  return parse(*clean, file, limits);
}

}  // namespace aesweep
