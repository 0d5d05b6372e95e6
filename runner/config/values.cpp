#include "runner/config/values.hpp"

#include <cmath>
#include <optional>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/model/parameters.hpp"
#include "runner/config/number.hpp"

namespace aesweep {
namespace {

std::vector<std::string> choices_of(const aesweep_parameter_info& info) {
  std::vector<std::string> words;
  for (const char* const* choice = info.choices; *choice != nullptr; ++choice) {
    words.emplace_back(*choice);
  }
  return words;
}

std::string alternatives(const std::vector<std::string>& words) {
  std::string all;
  for (std::size_t i = 0; i < words.size(); ++i) {
    all += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
  }
  return all;
}

// The scalar as the declared type, before its range is looked at.
std::optional<ParameterValue> typed(const aesweep_parameter_info& info, const Node& node,
                                    bool round) {
  if (node.kind != NodeKind::kScalar) return std::nullopt;
  if (info.type == AESWEEP_CHOICE || info.type == AESWEEP_TEXT) return node.text;
  if (node.quoted) return std::nullopt;
  if (info.type == AESWEEP_BOOLEAN) {
    if (node.text == "true") return true;
    if (node.text == "false") return false;
    return std::nullopt;
  }
  const std::optional<double> real = parse_real(node.text);
  if (info.type == AESWEEP_REAL) return real ? std::optional<ParameterValue>(*real) : std::nullopt;
  if (const std::optional<std::int64_t> integer = parse_integer(node.text)) return *integer;
  constexpr double kLargest = 9007199254740992.0;  // 2^53: whole numbers are exact up to here.
  if (!round || !real || std::abs(*real) > kLargest) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(*real));
}

}  // namespace

std::string expected(const aesweep_parameter_info& info) {
  switch (info.type) {
    case AESWEEP_BOOLEAN:
      return "true or false";
    case AESWEEP_CHOICE:
      return alternatives(choices_of(info));
    case AESWEEP_TEXT:
      return accepted_values(info);
    case AESWEEP_INTEGER:
      return "a whole number in " + accepted_range(info);
    default:
      return "a number in " + accepted_range(info);
  }
}

std::string shown(const ParameterValue& value) {
  struct Writer {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return text(v); }
    std::string operator()(double v) const { return format_real(v); }
    std::string operator()(const std::string& v) const { return v; }
  };
  return std::visit(Writer{}, value);
}

Result<ParameterValue> read_value(const aesweep_parameter_info& info, const Node& node,
                                  bool round) {
  const std::optional<ParameterValue> value = typed(info, node, round);
  if (!value) return Status::input(text("found ", found(node), ", expected ", expected(info)));
  Result<ParameterValue> checked = checked_value(info, *value);
  if (checked.ok()) return checked;
  if (info.type == AESWEEP_CHOICE) {
    return Status::input(text("found ", found(node), ", expected ", expected(info),
                              did_you_mean(node.text, choices_of(info))));
  }
  if (info.type == AESWEEP_TEXT) return checked.status();
  return Status::input(text(shown(*value), " is not in ", accepted_range(info)));
}

}  // namespace aesweep
