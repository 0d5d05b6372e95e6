// Node: a YAML document as a tree of maps, lists and scalars that remember where they were written.
//
// This is the strict subset of YAML that aesweep reads: one document, no anchors, aliases, merges
// or tags, no doubled keys, no control characters or line breaks in a key or value, bounded in size
// and depth. Nothing here gives a scalar a type: the reader of a key knows what it expects
// (values.hpp).
//
// Nodes are plain values. read_yaml does not throw, keeps no state and may be called from any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.hpp"

namespace aesweep {

// A place in a file: line and column from 1, columns in code points. Line 0 is the command line.
struct Mark {
  std::int32_t line = 0;
  std::int32_t column = 0;
};

enum class NodeKind { kNull, kScalar, kList, kMap };

struct Entry;

struct Node {
  NodeKind kind = NodeKind::kNull;
  Mark mark;
  std::string text;            // kScalar.
  bool quoted = false;         // kScalar: written in quotes or as a block, so never a number.
  std::int32_t origin = 0;     // 0: as read. Others are given by who puts a node into a tree.
  std::vector<Node> items;     // kList.
  std::vector<Entry> entries;  // kMap, as written; keys are unique.
};

struct Entry {
  std::string key;
  Mark mark;  // Of the key.
  Node value;
};

// The value of a key in a map; null if there is none. Valid until the map is changed.
[[nodiscard]] const Node* find(const Node& map, std::string_view key);
[[nodiscard]] Node* find(Node& map, std::string_view key);
[[nodiscard]] const Entry* find_entry(const Node& map, std::string_view key);

// What a message says was found: "nothing", "a list", "a map", the scalar's text (cut if long).
[[nodiscard]] std::string found(const Node& node);

// An input fault: "file:line:column: path: message", or "--set: path: message" for line 0. An empty
// path is left out.
[[nodiscard]] Status fault_at(const std::string& file, Mark mark, const std::string& path,
                              const std::string& message);

// "path.key", or "key" for an empty path.
[[nodiscard]] std::string joined(const std::string& path, std::string_view key);

// The first key of `map` that is not in `known` is a fault with a suggestion.
[[nodiscard]] Status check_keys(const std::string& file, const Node& map, const std::string& path,
                                std::span<const std::string> known);

// What a message about an unknown name ends with: " (did you mean X?)", or "; known: A, B". For the
// keys of a map at `path`, X has the path before it, so that it can be copied to --set.
[[nodiscard]] std::string suggestion(std::string_view name, std::span<const std::string> known,
                                     const std::string& path = "");

struct YamlLimits {
  // The parser needs up to 240 bytes of memory for a byte of text, so this bounds it at 64 MiB.
  std::size_t bytes = std::size_t{256} << 10;
  std::size_t scalar_bytes = std::size_t{64} << 10;
  std::size_t key_bytes = 256;
  std::size_t nodes = 100000;
  std::size_t depth = 64;
};

// Reads one document. `file` names it in messages. A byte order mark is skipped; lines may end in
// LF or CRLF. An empty document is a fault.
[[nodiscard]] Result<Node> read_yaml(std::string_view bytes, const std::string& file,
                                     const YamlLimits& limits = {});

}  // namespace aesweep
