#include "runner/config/address.hpp"

#include <algorithm>

#include "core/base/text.hpp"
#include "runner/config/schema.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kNameBytesMax = 40;

// What kind of thing an address leads to.
enum class Place {
  kDocument,
  kFields,
  kWordOrFields,
  kData,
  kSplit,
  kEvaluate,
  kRecord,
  kTrain,
  kModel,
  kInitFrom,
  kMap,
  kLayers,
  kLayer,
  kLayerOptimizer,
  kRegularizers,
  kRegularizer,
  kComponent,
  kValueOrList,
  kValue
};

bool is_named_list(Place place) { return place == Place::kLayers || place == Place::kRegularizers; }

// The key that says which thing a map is, so that with it the map replaces what was there.
std::string_view key_of(Place place) { return place == Place::kInitFrom ? "path" : "kind"; }

bool is_component(Place place) {
  return place == Place::kComponent || place == Place::kLayer || place == Place::kLayerOptimizer ||
         place == Place::kRegularizer || place == Place::kInitFrom;
}

// A component that may be given by its name alone.
bool is_shorthand(Place place) {
  return place == Place::kComponent || place == Place::kLayerOptimizer || place == Place::kInitFrom;
}

Place place_of_top_level(std::string_view name) {
  const TopLevelKey* key = find_top_level(name);
  if (key == nullptr) return Place::kValue;
  switch (key->content) {
    case Content::kFields:
      return Place::kFields;
    case Content::kWordOrFields:
      return Place::kWordOrFields;
    case Content::kData:
      return Place::kData;
    case Content::kEvaluate:
      return Place::kEvaluate;
    case Content::kRecord:
      return Place::kRecord;
    case Content::kTrain:
      return Place::kTrain;
    case Content::kModel:
      return Place::kModel;
    case Content::kComponent:
      return Place::kComponent;
    default:
      return Place::kValue;
  }
}

// Where `part` leads from `place`.
Place child_of(Place place, std::string_view part) {
  switch (place) {
    case Place::kDocument:
      return place_of_top_level(part);
    case Place::kData:
      if (part == "split") return Place::kSplit;
      return part == "patches" ? Place::kFields : Place::kValue;
    case Place::kSplit:
      return part == "order" || part == "seed" ? Place::kValue : Place::kValueOrList;
    case Place::kEvaluate:
      return part == "codes" ? Place::kFields : Place::kValue;
    case Place::kRecord:
      return part == "weights" ? Place::kWordOrFields : Place::kValue;
    case Place::kTrain:
      if (part == "schedule") return Place::kComponent;  // A kind with keys of its own.
      return part == "clip" ? Place::kFields : Place::kValue;
    case Place::kModel:
      if (part == "init_from") return Place::kInitFrom;
      return part == "layers" ? Place::kLayers : part == "loss" ? Place::kComponent : Place::kValue;
    case Place::kInitFrom:
      return part == "layers" ? Place::kMap : Place::kValue;
    case Place::kLayers:
      return Place::kLayer;
    case Place::kRegularizers:
      return Place::kRegularizer;
    case Place::kLayer:
      if (part == "regularizers") return Place::kRegularizers;
      if (part == "optimizer") return Place::kLayerOptimizer;
      return part == "activation" || part == "quantizer" ? Place::kComponent : Place::kValue;
    default:
      return Place::kValue;
  }
}

// Keys that stay when the component of a layer, its optimizer or a regularizer is replaced.
bool outlives_component(Place place, std::string_view key) {
  if (place == Place::kComponent || place == Place::kInitFrom || key == "kind") return false;
  const std::span<const std::string> keys = place == Place::kLayer ? layer_keys()
                                            : place == Place::kLayerOptimizer
                                                ? layer_optimizer_keys()
                                                : regularizer_keys();
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::string name_of(const Node& item) {
  const Node* name = find(item, "name");
  return name == nullptr ? std::string() : name->text;
}

Node scalar(const std::string& word, const Node& like) {
  Node node;
  node.kind = NodeKind::kScalar;
  node.mark = like.mark;
  node.origin = like.origin;
  node.text = word;
  return node;
}

// One step of the way to an address: the value so far, its place and its dotted key.
struct Position {
  Node* node;
  Place place;
  std::string path;
};

class Assignment {
 public:
  explicit Assignment(const std::string& file) : file_(file) {}

  Status put(const Position& at, std::span<const std::string> parts, Mark key_mark,
             const Node& value) const {
    if (parts.empty()) return set(at, value);
    const std::string& part = parts.front();
    Result<Position> below =
        is_named_list(at.place) ? item(at, part, key_mark) : member(at, part, key_mark);
    if (!below.ok()) return below.status();
    return put(*below, parts.subspan(1), key_mark, value);
  }

 private:
  // The item of a list of layers or regularizers that is named `part`.
  [[nodiscard]] Result<Position> item(const Position& list, const std::string& part,
                                      Mark key_mark) const {
    std::vector<std::string> names;
    for (Node& candidate : list.node->items) {
      names.push_back(name_of(candidate));
      if (names.back() == part) {
        return Position{&candidate, child_of(list.place, part), joined(list.path, part)};
      }
    }
    const char* what = list.place == Place::kLayers ? "no layer" : "no regularizer";
    return fault_at(file_, key_mark, joined(list.path, part),
                    text(what, " has this name", suggestion(part, names)));
  }

  // The value of a map's key, made if it is missing.
  [[nodiscard]] Result<Position> member(const Position& map, const std::string& part,
                                        Mark key_mark) const {
    const std::string path = joined(map.path, part);
    AESWEEP_RETURN_IF_ERROR(check_member(map, part, key_mark));
    AESWEEP_RETURN_IF_ERROR(make_map(map));
    Node* node = find(*map.node, part);
    if (node == nullptr) {
      map.node->entries.push_back({part, key_mark, {}});
      node = &map.node->entries.back().value;
      node->mark = key_mark;
    }
    const Place place = child_of(map.place, part);
    if (place == Place::kRegularizers && node->kind == NodeKind::kNull) {
      node->kind = NodeKind::kList;
    }
    return Position{node, place, path};
  }

  // Names that no component decides about.
  [[nodiscard]] Status check_member(const Position& map, const std::string& part,
                                    Mark key_mark) const {
    const auto refuse = [&](const std::string& message) {
      return fault_at(file_, key_mark, joined(map.path, part), message);
    };
    const auto known = [&](std::span<const std::string> keys) {
      if (std::find(keys.begin(), keys.end(), part) != keys.end()) return Status();
      return refuse("unknown key" + suggestion(part, keys, map.path));
    };
    switch (map.place) {
      case Place::kValueOrList:
      case Place::kValue:
        return refuse("a single value has no keys");
      case Place::kModel:
        return known(model_keys());
      case Place::kFields:
      case Place::kWordOrFields:
      case Place::kData:
      case Place::kSplit:
      case Place::kEvaluate:
      case Place::kRecord:
      case Place::kTrain:
      case Place::kInitFrom:
        return known(section_keys(map.path));
      case Place::kLayer:
      case Place::kRegularizer:
        if (part != "name") return {};
        return refuse("a name is part of addresses and cannot be swept or set");
      default:
        return {};
    }
  }

  // A component given by its name alone becomes a map, so that parameters can join it.
  [[nodiscard]] Status make_map(const Position& at) const {
    Node& node = *at.node;
    if (node.kind == NodeKind::kMap) return {};
    const bool word = at.place == Place::kWordOrFields && node.kind == NodeKind::kScalar;
    if (node.kind == NodeKind::kNull || word) {
      const Mark mark = node.mark;
      node = Node();
      node.kind = NodeKind::kMap;
      node.mark = mark;
      return {};
    }
    if (node.kind != NodeKind::kScalar || !is_component(at.place)) {
      return fault_at(file_, node.mark, at.path, text("found ", found(node), ", expected a map"));
    }
    const Node kind = scalar(node.text, node);
    node = Node();
    node.kind = NodeKind::kMap;
    node.mark = kind.mark;
    node.entries.push_back({std::string(key_of(at.place)), kind.mark, kind});
    return {};
  }

  [[nodiscard]] Status set(const Position& at, const Node& value) const {
    if (at.place == Place::kValue || at.place == Place::kValueOrList) {
      const bool list = at.place == Place::kValueOrList && value.kind == NodeKind::kList;
      if (value.kind == NodeKind::kScalar || list) {
        *at.node = value;
        return {};
      }
      return fault_at(file_, value.mark, at.path,
                      text("found ", found(value), ", expected a single value"));
    }
    if (at.place == Place::kWordOrFields && value.kind == NodeKind::kScalar) {
      *at.node = value;
      return {};
    }
    if (value.kind == NodeKind::kMap) return merge(at, value);
    if (value.kind == NodeKind::kScalar && is_component(at.place)) {
      AESWEEP_RETURN_IF_ERROR(drop_component(at));
      // "none" takes a layer's optimizer away, with all that is attached to it.
      const bool nothing_kept = at.node->entries.empty() || value.text == "none";
      if (is_shorthand(at.place) && nothing_kept) {
        *at.node = value;
      } else {
        at.node->entries.push_back({"kind", value.mark, value});
      }
      return {};
    }
    return fault_at(file_, value.mark, at.path,
                    text("found ", found(value), ", expected a map of what to change"));
  }

  [[nodiscard]] Status drop_component(const Position& at) const {
    AESWEEP_RETURN_IF_ERROR(make_map(at));
    std::erase_if(at.node->entries,
                  [&](const Entry& entry) { return !outlives_component(at.place, entry.key); });
    return {};
  }

  // Every key of the map at its own address, relative to `at`.
  [[nodiscard]] Status merge(const Position& at, const Node& map) const {
    if (is_component(at.place) && find(map, key_of(at.place)) != nullptr) {
      AESWEEP_RETURN_IF_ERROR(drop_component(at));
      if (is_shorthand(at.place)) at.node->mark = map.mark;
    } else if (is_shorthand(at.place)) {
      AESWEEP_RETURN_IF_ERROR(make_map(at));
    }
    for (const Entry& entry : map.entries) {
      const std::vector<std::string> parts = parts_of(entry.key);
      if (parts.empty()) return fault_at(file_, entry.mark, entry.key, "not a key");
      AESWEEP_RETURN_IF_ERROR(put(at, parts, entry.mark, entry.value));
    }
    return {};
  }

  const std::string& file_;
};

// --- Normalizing ---

Status check_top_level(const std::string& file, const Node& document) {
  if (document.kind != NodeKind::kMap) {
    return fault_at(file, document.mark, "",
                    text("found ", found(document), ", expected a map such as \"schema: 1\""));
  }
  std::vector<std::string> known;
  for (const TopLevelKey& key : top_level_keys()) known.emplace_back(key.name);
  AESWEEP_RETURN_IF_ERROR(check_keys(file, document, "", known));
  for (const TopLevelKey& key : top_level_keys()) {
    if (key.required && find(document, key.name) == nullptr) {
      return fault_at(file, document.mark, std::string(key.name),
                      "missing; every experiment has it");
    }
  }
  return {};
}

// Gives an item of a list its name and checks it: legal, and not yet in `names`.
Status name_item(const std::string& file, Node& item, const std::string& path,
                 const std::string& fallback, std::vector<std::string>& names) {
  if (find(item, "name") == nullptr && !fallback.empty()) {
    item.entries.push_back({"name", item.mark, scalar(fallback, item)});
  }
  const Node* name = find(item, "name");
  if (name == nullptr) return fault_at(file, item.mark, joined(path, "name"), "missing");
  if (name->kind != NodeKind::kScalar || !is_legal_name(name->text)) {
    return fault_at(file, name->mark, joined(path, "name"),
                    text("found ", found(*name), ", expected a name of at most ", kNameBytesMax,
                         " lower-case letters, digits and _, starting with a letter"));
  }
  if (std::find(names.begin(), names.end(), name->text) != names.end()) {
    return fault_at(file, name->mark, joined(path, "name"),
                    text(name->text, " is already the name of another; give each its own"));
  }
  names.push_back(name->text);
  return {};
}

Status normalize_regularizers(const std::string& file, Node& list, const std::string& path) {
  if (list.kind != NodeKind::kList) {
    return fault_at(file, list.mark, path,
                    text("found ", found(list), ", expected a list such as [{kind: l1}]"));
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    Node& item = list.items[i];
    const std::string item_path = text(path, '[', i, ']');
    if (item.kind == NodeKind::kScalar) {
      Node map;
      map.kind = NodeKind::kMap;
      map.mark = item.mark;
      map.entries.push_back({"kind", item.mark, item});
      item = map;
    }
    if (item.kind != NodeKind::kMap) {
      return fault_at(file, item.mark, item_path,
                      text("found ", found(item), ", expected a regularizer such as {kind: l1}"));
    }
    const Node* kind = find(item, "kind");
    if (kind == nullptr) return fault_at(file, item.mark, joined(item_path, "kind"), "missing");
    if (kind->kind != NodeKind::kScalar) {
      return fault_at(file, kind->mark, joined(item_path, "kind"),
                      text("found ", found(*kind), ", expected the name of a regularizer"));
    }
    AESWEEP_RETURN_IF_ERROR(name_item(file, item, item_path, kind->text, names));
  }
  return {};
}

Status normalize_layers(const std::string& file, const Node& model, Node* layers) {
  const std::string path = "model.layers";
  if (layers == nullptr)
    return fault_at(file, model.mark, path, "missing; list at least one layer");
  if (layers->kind != NodeKind::kList || layers->items.empty()) {
    return fault_at(
        file, layers->mark, path,
        text("found ", layers->kind == NodeKind::kList ? "an empty list" : found(*layers),
             ", expected a list such as [{name: code, kind: dense}]"));
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < layers->items.size(); ++i) {
    Node& item = layers->items[i];
    const std::string item_path = text(path, '[', i, ']');
    if (item.kind != NodeKind::kMap) {
      return fault_at(
          file, item.mark, item_path,
          text("found ", found(item), ", expected a layer such as {name: code, kind: dense}"));
    }
    AESWEEP_RETURN_IF_ERROR(name_item(file, item, item_path, "", names));
    if (Node* regularizers = find(item, "regularizers")) {
      AESWEEP_RETURN_IF_ERROR(normalize_regularizers(
          file, *regularizers, text(path, '.', names.back(), ".regularizers")));
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> parts_of(std::string_view key) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('.', begin), key.size());
    if (end == begin) return {};
    parts.emplace_back(key.substr(begin, end - begin));
    begin = end + 1;
  }
  return key.ends_with('.') ? std::vector<std::string>() : parts;
}

bool is_at_or_below(std::string_view other, std::string_view key) {
  return other.starts_with(key) && (other.size() == key.size() || other[key.size()] == '.');
}

bool is_legal_name(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (name.empty() || name.size() > kNameBytesMax || !lower(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

Status normalize(const std::string& file, Node& document) {
  AESWEEP_RETURN_IF_ERROR(check_top_level(file, document));
  Node& model = *find(document, "model");
  if (model.kind != NodeKind::kMap) {
    return fault_at(file, model.mark, "model", text("found ", found(model), ", expected a map"));
  }
  AESWEEP_RETURN_IF_ERROR(check_keys(file, model, "model", model_keys()));
  return normalize_layers(file, model, find(model, "layers"));
}

Status assign(const std::string& file, Node& document, const Address& address, const Node& value) {
  const std::vector<std::string> parts = parts_of(address.key);
  if (parts.empty()) {
    return fault_at(file, address.mark, address.key,
                    "not a key; write names with single dots between them");
  }
  return Assignment(file).put({&document, Place::kDocument, ""}, parts, address.mark, value);
}

}  // namespace aesweep
