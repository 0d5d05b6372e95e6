// Addresses: dotted keys such as model.layers.code.regularizers.l1.coefficient, and how a value is
// put at one. Lists of named items (layers, regularizers) are addressed by name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

struct Address {
  std::string key;  // Dotted.
  Mark mark;        // Where it was written; line 0 for --set.
};

// The parts between the dots; empty if one of them is.
[[nodiscard]] std::vector<std::string> parts_of(std::string_view key);

// Checks that `key` and `other` are the same address, or `other` lies below `key`.
[[nodiscard]] bool is_at_or_below(std::string_view other, std::string_view key);

// Checks the shape of a document as far as addresses need it (known keys of the top level and of
// the model, lists of layers and regularizers with unique legal names) and writes shorthand out:
// regularizers become maps with a name. Parameters of components are not looked at.
Status normalize(const std::string& file, Node& document);

// Puts `value`, a scalar or a map, at an address of a normalized document. Only what the value
// names is changed, with one exception: a component given by name or by a map with `kind` replaces
// the one that was there, its parameters included (a layer or regularizer keeps its name and what
// is attached to it). On failure the document is not to be used any more.
Status assign(const std::string& file, Node& document, const Address& address, const Node& value);

// Checks a name that experiments give to something: [a-z][a-z0-9_]*, at most 40 characters.
[[nodiscard]] bool is_legal_name(std::string_view name);

}  // namespace aesweep
