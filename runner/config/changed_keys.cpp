// changed_keys (experiment.hpp): two documents as flat lists of keys and texts, and what differs.
#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "core/model/parameters.hpp"
#include "runner/config/document.hpp"
#include "runner/config/experiment.hpp"
#include "runner/config/number.hpp"
#include "runner/config/schema.hpp"
#include "runner/config/values.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kTextBytesMax = 80;

// A node on one line, as YAML's flow style has it.
std::string flow_text(const Node& node) {
  std::string out;
  switch (node.kind) {
    case NodeKind::kNull:
      return "";
    case NodeKind::kScalar: {
      const std::optional<double> number = node.quoted ? std::nullopt : parse_real(node.text);
      return number ? format_real(*number) : node.text;  // 1.0e-3 and 0.001 mean the same.
    }
    case NodeKind::kList:
      for (const Node& item : node.items) out += (out.empty() ? "" : ", ") + flow_text(item);
      return '[' + out + ']';
    case NodeKind::kMap:
      for (const Entry& entry : node.entries) {
        out += text(out.empty() ? "" : ", ", entry.key, ": ", flow_text(entry.value));
      }
      return '{' + out + '}';
  }
  return out;
}

using Keys = std::vector<std::pair<std::string, std::string>>;

void put(Keys& keys, const std::string& key, std::string value) {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& other) { return other.first == key; });
  if (found == keys.end()) {
    keys.emplace_back(key, std::move(value));
  } else {
    found->second = std::move(value);
  }
}

void flatten(const std::string& path, const Node& node, bool named, Keys& keys);

// A list of layers or regularizers: their names, since the order counts, and each item.
void flatten_named(const std::string& path, const Node& list, Keys& keys) {
  std::string names;
  for (const Node& item : list.items) {
    names += (names.empty() ? "" : ", ") + find(item, "name")->text;
  }
  put(keys, path, '[' + names + ']');
  for (const Node& item : list.items) {
    flatten(joined(path, find(item, "name")->text), item, true, keys);
  }
}

// A component's kind stands at the component's own key, whether it was given by name or by a map;
// that of a layer or a regularizer (`named`) at its key `kind`.
void flatten(const std::string& path, const Node& node, bool named, Keys& keys) {
  const bool list = node.kind == NodeKind::kList;
  if (list && !node.items.empty() && find(node.items[0], "name") != nullptr) {
    flatten_named(path, node, keys);
    return;
  }
  if (node.kind != NodeKind::kMap || path == "record.weights") {  // A word or a map.
    put(keys, path == "model.init_from" ? path + ".path" : path, flow_text(node));
    return;
  }
  for (const Entry& entry : node.entries) {
    if (entry.key == "name" && named) continue;
    const bool own = entry.key == "kind" && !named;
    flatten(own ? path : joined(path, entry.key), entry.value, false, keys);
  }
}

bool has_effect(std::string_view top) {
  static constexpr std::array<std::string_view, 5> kNone = {"name", "resources", "checkpoint",
                                                            "limits", "parameters"};
  return std::find(kNone.begin(), kNone.end(), top) == kNone.end();
}

std::string axis_text(const Axis& axis) {
  if (axis.range) {
    return text("{min: ", format_real(axis.range->min), ", max: ", format_real(axis.range->max),
                ", count: ", axis.range->count, axis.range->log ? ", log: true}" : "}");
  }
  std::string values;
  for (const AxisValue& value : axis.values) {
    values += (values.empty() ? "" : ", ") + flow_text(value.node);
  }
  return axis.swept ? '[' + values + ']' : values;
}

// Defaults of sections, so that writing one out is no change. Components' own are not known here.
void add_defaults(Keys& keys) {
  const auto is_weights = [](const auto& key) { return key.first == "record.weights"; };
  if (std::none_of(keys.begin(), keys.end(), is_weights))
    keys.emplace_back("record.weights", "all");
  for (const char* section :
       {"data", "model", "train", "train.clip", "evaluate", "metric", "record"}) {
    for (const aesweep_parameter_info& info : fields_of(section)) {
      const bool stands_for_none =
          info.type == AESWEEP_INTEGER && static_cast<double>(info.default_integer) < info.minimum;
      const std::string key = joined(section, info.name);
      const auto given = [&](const auto& other) { return other.first == key; };
      if (stands_for_none || (info.flags & AESWEEP_REQUIRED) != 0) continue;
      if (std::any_of(keys.begin(), keys.end(), given)) continue;
      keys.emplace_back(key, shown(default_value(info)));
    }
  }
}

std::optional<Keys> keys_of(const std::string& bytes, std::span<const Override> overrides) {
  const Result<Document> document = parse_experiment(bytes, "experiment.yaml", overrides);
  if (!document.ok()) return std::nullopt;
  const DocumentParts& parts = document->parts();
  Keys keys;
  for (const Entry& entry : parts.root.entries) {
    if (has_effect(entry.key)) flatten(entry.key, entry.value, false, keys);
  }
  for (const Axis& axis : parts.axes) {
    put(keys, (axis.swept ? "parameters." : "") + axis.address.key, axis_text(axis));
  }
  for (const auto& [address, value] : parts.late) put(keys, address.key, flow_text(value));
  add_defaults(keys);
  return keys;
}

std::string cut(const std::string& value) {
  return value.size() <= kTextBytesMax ? value : value.substr(0, kTextBytesMax) + "...";
}

}  // namespace

std::vector<std::string> changed_keys(const std::string& before,
                                      std::span<const Override> before_overrides,
                                      const std::string& after,
                                      std::span<const Override> after_overrides) {
  const std::optional<Keys> old_keys = keys_of(before, before_overrides);
  const std::optional<Keys> new_keys = keys_of(after, after_overrides);
  if (!old_keys || !new_keys) return {};
  const auto value_in = [](const Keys& keys, const std::string& key) -> const std::string* {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const auto& other) { return other.first == key; });
    return found == keys.end() ? nullptr : &found->second;
  };
  std::vector<std::string> changed;
  for (const auto& [key, value] : *new_keys) {
    const std::string* old = value_in(*old_keys, key);
    if (old != nullptr && *old == value) continue;
    changed.push_back(text(key, ": ", old == nullptr ? "(none)" : cut(*old), " -> ", cut(value)));
  }
  for (const auto& [key, value] : *old_keys) {
    if (value_in(*new_keys, key) != nullptr) continue;
    changed.push_back(text(key, ": ", cut(value), " -> (none)"));
  }
  return changed;
}

}  // namespace aesweep
