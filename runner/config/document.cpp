#include "runner/config/document.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/base/text.hpp"
#include "runner/config/paths.hpp"
#include "runner/config/schema.hpp"

namespace aesweep {
namespace {

Result<std::vector<NamedPlugin>> read_plugins(const std::string& path, const Node& document) {
  std::vector<NamedPlugin> plugins;
  const Node* list = find(document, "plugins");
  if (list == nullptr) return plugins;
  if (list->kind != NodeKind::kList) {
    return fault_at(path, list->mark, "plugins",
                    text("found ", found(*list), ", expected a list of files"));
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const Node& item = list->items[i];
    if (item.kind != NodeKind::kScalar || item.text.empty()) {
      return fault_at(path, item.mark, text("plugins[", i, ']'),
                      text("found ", found(item), ", expected the path of a plugin library"));
    }
    const std::string file = (folder_of(path) / item.text).lexically_normal().string();
    plugins.push_back(
        {file, text(path, ':', item.mark.line, ':', item.mark.column, ": plugins[", i, ']')});
  }
  return plugins;
}

// The value of one --set.
Result<Node> read_override(const Override& given) {
  const TopLevelKey* top = nullptr;
  const std::vector<std::string> parts = parts_of(given.key);
  if (!parts.empty()) top = find_top_level(parts.front());
  if (top == nullptr) {
    std::vector<std::string> known;
    for (const TopLevelKey& key : top_level_keys()) {
      if (key.not_set.empty()) known.emplace_back(key.name);
    }
    const std::string first = parts.empty() ? "" : parts.front();
    return fault_at("", {}, given.key, "unknown key" + suggestion(first, known));
  }
  if (!top->not_set.empty()) {
    return fault_at("", {}, given.key,
                    text(top->name, " cannot be given by --set: ", top->not_set));
  }
  if (given.value.find_first_not_of(" \t") == std::string::npos) {
    return fault_at("", {}, given.key, "expected KEY=VALUE with a value");
  }
  Result<Node> value = read_yaml(given.value, "--set " + given.key);
  if (!value.ok()) return value;
  // Only rows [first, last) of a split are written as a list; its reader checks what is in it.
  const bool may_be_list = is_at_or_below(given.key, "data.split") && given.key != "data.split";
  if (value->kind != NodeKind::kScalar && !(may_be_list && value->kind == NodeKind::kList)) {
    return fault_at("", {}, given.key, text("found ", found(*value), ", expected a single value"));
  }
  value->mark = {};
  for (Node& item : value->items) item.mark = {};  // They are in no file.
  return value;
}

// A name for the run folder from the file's name, if the experiment gives none.
std::string default_name(const std::string& path) {
  std::string name = std::filesystem::path(path).stem().string().substr(0, 100);
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.';
    if (!plain) c = '_';
  }
  const bool usable = !name.empty() && name[0] != '.' && name[0] != '-';
  return usable ? name : "experiment";
}

// An override takes the place of an axis with its key. One below an axis waits for the axis.
Status apply(const Override& given, DocumentParts& parts) {
  Result<Node> value = read_override(given);
  if (!value.ok()) return value.status();
  const Address address = {given.key, {}};
  std::erase_if(parts.axes, [&](const Axis& axis) { return axis.address.key == given.key; });
  const bool below = std::any_of(parts.axes.begin(), parts.axes.end(), [&](const Axis& axis) {
    return is_at_or_below(given.key, axis.address.key);
  });
  if (!below) return assign(parts.path, parts.root, address, *value);
  parts.late.emplace_back(address, std::move(value).value());
  return {};
}

Status count_trials(DocumentParts& parts) {
  const Entry* parameters = find_entry(parts.root, "parameters");
  const Mark mark = parameters == nullptr ? Mark{1, 1} : parameters->mark;
  Result<std::int64_t> trials = grid_size(parts.path, mark, parts.axes, parts.settings.trials_max);
  if (!trials.ok()) return trials.status();
  parts.trials = *trials;
  return {};
}

Status fill(DocumentParts& parts) {
  Result<Node> root = read_yaml(parts.text, parts.path);
  if (!root.ok()) return root.status();
  parts.root = std::move(root).value();
  AESWEEP_RETURN_IF_ERROR(normalize(parts.path, parts.root));
  if (const Node* parameters = find(parts.root, "parameters")) {
    Result<std::vector<Axis>> axes = read_axes(parts.path, *parameters);
    if (!axes.ok()) return axes.status();
    parts.axes = std::move(axes).value();
  }
  for (const Override& given : parts.overrides) AESWEEP_RETURN_IF_ERROR(apply(given, parts));
  Result<std::vector<NamedPlugin>> plugins = read_plugins(parts.path, parts.root);
  if (!plugins.ok()) return plugins.status();
  parts.plugins = std::move(plugins).value();
  Result<RunSettings> settings = read_run_settings(parts.path, parts.root);
  if (!settings.ok()) return settings.status();
  parts.settings = std::move(settings).value();
  if (parts.settings.name.empty()) parts.settings.name = default_name(parts.path);
  return count_trials(parts);
}

}  // namespace

const std::vector<NamedPlugin>& Document::plugins() const { return parts_->plugins; }

const std::string& Document::name() const { return parts_->settings.name; }

Result<Document> parse_experiment(std::string bytes, std::string path,
                                  std::span<const Override> overrides) {
  auto parts = std::make_shared<DocumentParts>();
  parts->path = std::move(path);
  parts->text = std::move(bytes);
  parts->overrides.assign(overrides.begin(), overrides.end());
  AESWEEP_RETURN_IF_ERROR(fill(*parts));
  return Document(std::move(parts));
}

}  // namespace aesweep
