#include "runner/config/fields.hpp"

#include <utility>

#include "core/base/text.hpp"
#include "core/model/parameters.hpp"
#include "runner/config/address.hpp"
#include "runner/config/schema.hpp"
#include "runner/config/values.hpp"

namespace aesweep {

FieldReader::FieldReader(const std::string& file, std::span<const Axis> axes)
    : file_(file), axes_(axes), swept_(axes.size()) {}

Result<std::vector<NamedParameter>> FieldReader::read(
    const FieldSource& source, std::span<const aesweep_parameter_info> infos) {
  AESWEEP_RETURN_IF_ERROR(check_names(source, infos));
  std::vector<NamedParameter> fields;
  fields.reserve(infos.size());
  for (const aesweep_parameter_info& info : infos) {
    const Node* node = source.map == nullptr ? nullptr : find(*source.map, info.name);
    if (node == nullptr && (info.flags & AESWEEP_REQUIRED) == 0) {
      fields.emplace_back(info.name, default_value(info));
      continue;
    }
    const std::string key = joined(source.path, info.name);
    if (node == nullptr) {
      return fault_at(file_, source.mark, key, "missing; expected " + expected(info));
    }
    Result<ParameterValue> value = read_value(info, *node, is_computed(*node));
    if (!value.ok()) return fault_at(file_, node->mark, key, reason(info, *node, value.status()));
    if (node->origin > 0) swept_[static_cast<std::size_t>(node->origin - 1)] = *value;
    fields.emplace_back(info.name, std::move(value).value());
  }
  return fields;
}

Result<std::vector<NamedParameter>> FieldReader::read_section(const Node& document,
                                                              const std::string& name,
                                                              std::span<const std::string> extra) {
  const Node* map = &document;
  Mark mark = document.mark;
  std::string path;
  for (const std::string& part : parts_of(name)) {
    map = map == nullptr ? nullptr : find(*map, part);
    path = joined(path, part);
    AESWEEP_RETURN_IF_ERROR(check_map(map, path));
    if (map != nullptr) mark = map->mark;
  }
  return read({map, mark, name, "", extra}, fields_of(name));
}

Status FieldReader::check_map(const Node* node, const std::string& path) const {
  if (node == nullptr || node->kind == NodeKind::kMap) return {};
  return fault_at(file_, node->mark, path, text("found ", found(*node), ", expected a map"));
}

Result<std::string> FieldReader::read_word(const Node* node, const std::string& path,
                                           std::span<const char* const> words) const {
  if (node == nullptr) return std::string(words.front());
  aesweep_parameter_info info{};
  info.type = AESWEEP_CHOICE;
  info.choices = words.data();
  Result<ParameterValue> value = read_value(info, *node);
  if (!value.ok()) return fault_at(file_, node->mark, path, value.status().message());
  return std::get<std::string>(*value);
}

// A number that a range computed may be rounded to a whole one.
bool FieldReader::is_computed(const Node& node) const {
  return node.origin > 0 && axes_[static_cast<std::size_t>(node.origin - 1)].range.has_value();
}

// A range's number is named as it was written, not as rounding left it.
std::string FieldReader::reason(const aesweep_parameter_info& info, const Node& node,
                                const Status& status) const {
  const bool is_number = info.type == AESWEEP_INTEGER || info.type == AESWEEP_REAL;
  if (!is_computed(node) || !is_number) return status.message();
  const Range& range = *axes_[static_cast<std::size_t>(node.origin - 1)].range;
  const char* which = node.text == format_real(range.min)   ? "min of its range, "
                      : node.text == format_real(range.max) ? "max of its range, "
                                                            : "a value of its range, ";
  return text(which, node.text, ", is not in ", accepted_range(info));
}

Status FieldReader::check_names(const FieldSource& source,
                                std::span<const aesweep_parameter_info> infos) const {
  if (source.map == nullptr) return {};
  std::vector<std::string> known = names_of(infos);
  for (const Entry& entry : source.map->entries) {
    const auto is_key = [&](const std::string& name) { return name == entry.key; };
    if (std::any_of(known.begin(), known.end(), is_key) ||
        std::any_of(source.reserved.begin(), source.reserved.end(), is_key)) {
      continue;
    }
    const std::string what = source.owner.empty() ? "unknown key"
                             : known.empty()      ? source.owner + " has no parameters"
                                                  : source.owner + " has no such parameter";
    if (source.owner.empty()) {
      known.insert(known.end(), source.reserved.begin(), source.reserved.end());
    }
    return fault_at(file_, entry.mark, joined(source.path, entry.key),
                    what + suggestion(entry.key, known, source.path));
  }
  return {};
}

}  // namespace aesweep
