// FieldReader: typed fields of a map, by the declarations of a component or of a section.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/abi/plugin.h"
#include "core/base/check.hpp"
#include "core/base/status.hpp"
#include "core/model/spec.hpp"
#include "runner/config/axes.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// The value of a field that FieldReader::read has filled in.
template <class T>
[[nodiscard]] const T& value_of(const std::vector<NamedParameter>& fields, std::string_view name) {
  const auto field = std::find_if(fields.begin(), fields.end(),
                                  [&](const NamedParameter& f) { return f.first == name; });
  AESWEEP_CHECK(field != fields.end(), "no field " + std::string(name));
  return std::get<T>(field->second);
}

// Where declared fields are looked for.
struct FieldSource {
  const Node* map;    // Null: nothing is given, defaults only.
  Mark mark;          // Where a missing field is reported.
  std::string path;   // Dotted key of the map.
  std::string owner;  // The component whose parameters they are; empty for a section.
  std::span<const std::string> reserved;  // Keys of the map that somebody else reads.
};

// Notes the typed value of every field that an axis gave (Node::origin i + 1: axis i), since only
// here its type is known. Does not own file name and axes.
class FieldReader {
 public:
  FieldReader(const std::string& file, std::span<const Axis> axes);

  // By axis: the field it gave, if it gave a single one.
  [[nodiscard]] std::vector<std::optional<ParameterValue>>& swept() { return swept_; }

  // Every declared field exactly once, in declared order. Keys that are neither declared nor
  // reserved are faults.
  [[nodiscard]] Result<std::vector<NamedParameter>> read(
      const FieldSource& source, std::span<const aesweep_parameter_info> infos);

  // The fields of a section of the document, such as "train" or "train.clip"; `extra` are its keys
  // that are read elsewhere.
  [[nodiscard]] Result<std::vector<NamedParameter>> read_section(
      const Node& document, const std::string& name, std::span<const std::string> extra = {});

  // A fault unless `node` is a map, or null where the key is not there.
  [[nodiscard]] Status check_map(const Node* node, const std::string& path) const;

  // A scalar that is one of a few words (the list ends with null); no node gives the first.
  [[nodiscard]] Result<std::string> read_word(const Node* node, const std::string& path,
                                              std::span<const char* const> words) const;

 private:
  [[nodiscard]] bool is_computed(const Node& node) const;
  [[nodiscard]] std::string reason(const aesweep_parameter_info& info, const Node& node,
                                   const Status& status) const;
  [[nodiscard]] Status check_names(const FieldSource& source,
                                   std::span<const aesweep_parameter_info> infos) const;

  const std::string& file_;
  std::span<const Axis> axes_;
  std::vector<std::optional<ParameterValue>> swept_;
};

}  // namespace aesweep
