#include "core/model/parameters.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string_view>

#include "core/base/text.hpp"
#include "core/model/abi_array.hpp"

namespace aesweep {
namespace {

std::string shown(const ParameterValue& value) {
  return std::visit(
      [](const auto& v) {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, bool>) {
          return std::string(v ? "true" : "false");
        } else {
          return text(v);
        }
      },
      value);
}

bool in_range(const aesweep_parameter_info& info, double value) {
  if (!std::isfinite(value) || value < info.minimum || value > info.maximum) return false;
  if ((info.flags & AESWEEP_ABOVE_MINIMUM) != 0 && value == info.minimum) return false;
  return (info.flags & AESWEEP_BELOW_MAXIMUM) == 0 || value != info.maximum;
}

bool is_choice(const aesweep_parameter_info& info, const std::string& word) {
  for (const char* const* choice = info.choices; *choice != nullptr; ++choice) {
    if (word == *choice) return true;
  }
  return false;
}

constexpr std::size_t kTextLength = 200;

bool is_name(const std::string& word) {
  constexpr std::string_view kOthers = "_./-";
  return !word.empty() && word.size() <= kTextLength &&
         std::all_of(word.begin(), word.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kOthers.find(c) != std::string_view::npos;
         });
}

Status refused(const aesweep_parameter_info& info, const ParameterValue& value) {
  return Status::input(text(shown(value), " is not in ", accepted_values(info)));
}

// [a-z][a-z0-9_]*
bool is_identifier(std::string_view name) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && is_lower(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

// Why a declaration alone is no good; empty if it is.
std::string contradiction(const aesweep_parameter_info& info) {
  if (info.summary == nullptr) return "has no summary (null)";
  if (info.type > AESWEEP_TEXT) return text("has the unknown type ", info.type);
  const bool number = info.type == AESWEEP_INTEGER || info.type == AESWEEP_REAL;
  if (number && !(info.minimum <= info.maximum)) {
    return text("has the empty range ", accepted_range(info));
  }
  const bool choice = info.type == AESWEEP_CHOICE;
  if (choice && (info.choices == nullptr || info.choices[0] == nullptr)) {
    return "is a choice without choices";
  }
  if ((choice || info.type == AESWEEP_TEXT) && info.default_text == nullptr) {
    return text("has no default_text (null); give one of: ", accepted_values(info));
  }
  if (info.type == AESWEEP_BOOLEAN && info.default_integer != 0 && info.default_integer != 1) {
    return text("has default ", info.default_integer, ", expected 0 or 1");
  }
  const Result<ParameterValue> value = checked_value(info, default_value(info));
  if (value.ok()) return {};
  const bool required = (info.flags & AESWEEP_REQUIRED) != 0;
  return text(required ? "has an example" : "has a default",
              " that it does not accept: ", value.status().message());
}

}  // namespace

std::vector<aesweep_parameter_info> declared_parameters(const aesweep_component& component) {
  return host_copies(component.parameters, component.parameter_count);
}

Status check_declarations(const aesweep_component& component) {
  constexpr std::uint32_t kBytesMin = offsetof(aesweep_parameter_info, choices);
  if (component.parameter_count > 0 && component.parameters == nullptr) {
    return Status::world("has parameters at null");
  }
  const auto* at = reinterpret_cast<const std::byte*>(component.parameters);
  for (std::uint32_t i = 0; i < component.parameter_count; ++i) {
    // A struct that is too short would lead the walk astray: check before stepping over it.
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    if (bytes < kBytesMin) {
      return Status::world(text("parameters[", i, "] is too short: struct_size ", bytes,
                                ", expected at least ", kBytesMin));
    }
    const auto info = host_copy<aesweep_parameter_info>(at);
    if (info.name == nullptr || !is_identifier(info.name)) {
      return Status::world(text("parameters[", i, "] is named ",
                                info.name == nullptr ? "null" : text("'", info.name, "'"),
                                ", expected [a-z][a-z0-9_]*"));
    }
    if (const std::string why = contradiction(info); !why.empty()) {
      return Status::world(text(info.name, ": ", why));
    }
    at += bytes;
  }
  const std::vector<aesweep_parameter_info> declared = declared_parameters(component);
  for (std::size_t i = 0; i < declared.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (std::string_view(declared[i].name) == declared[j].name) {
        return Status::world(text(declared[i].name, ": is declared twice"));
      }
    }
  }
  return {};
}

std::string accepted_range(const aesweep_parameter_info& info) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  const bool no_low = info.minimum <= -kLargest;
  const bool no_high = info.maximum >= kLargest;
  const bool open_low = no_low || (info.flags & AESWEEP_ABOVE_MINIMUM) != 0;
  const bool open_high = no_high || (info.flags & AESWEEP_BELOW_MAXIMUM) != 0;
  return text(open_low ? '(' : '[', no_low ? "-inf" : format_real(info.minimum), ", ",
              no_high ? "inf" : format_real(info.maximum), open_high ? ')' : ']');
}

std::string accepted_values(const aesweep_parameter_info& info) {
  switch (info.type) {
    case AESWEEP_BOOLEAN:
      return "true | false";
    case AESWEEP_CHOICE: {
      std::string words;
      for (const char* const* choice = info.choices; *choice != nullptr; ++choice) {
        words += (words.empty() ? "" : " | ") + std::string(*choice);
      }
      return words;
    }
    case AESWEEP_TEXT:
      return text("names of 1 to ", kTextLength, " letters, digits or _ . / -");
    default:
      return accepted_range(info) + (info.type == AESWEEP_INTEGER ? " (whole numbers)" : "");
  }
}

ParameterValue default_value(const aesweep_parameter_info& info) {
  switch (info.type) {
    case AESWEEP_BOOLEAN:
      return info.default_integer != 0;
    case AESWEEP_INTEGER:
      return info.default_integer;
    case AESWEEP_REAL:
      return info.default_real;
    default:
      return std::string(info.default_text);
  }
}

Result<ParameterValue> checked_value(const aesweep_parameter_info& info,
                                     const ParameterValue& value) {
  switch (info.type) {
    case AESWEEP_BOOLEAN:
      if (!std::holds_alternative<bool>(value)) return refused(info, value);
      return value;
    case AESWEEP_INTEGER: {
      const auto* integer = std::get_if<std::int64_t>(&value);
      if (integer == nullptr || !in_range(info, static_cast<double>(*integer))) {
        return refused(info, value);
      }
      return value;
    }
    case AESWEEP_REAL: {
      const auto* integer = std::get_if<std::int64_t>(&value);
      const auto* real = std::get_if<double>(&value);
      if (integer == nullptr && real == nullptr) return refused(info, value);
      const double number = real != nullptr ? *real : static_cast<double>(*integer);
      if (!in_range(info, number)) return refused(info, value);
      return ParameterValue(number);
    }
    case AESWEEP_TEXT: {
      const auto* word = std::get_if<std::string>(&value);
      if (word == nullptr || !is_name(*word)) return refused(info, value);
      return value;
    }
    default: {
      const auto* word = std::get_if<std::string>(&value);
      if (word == nullptr || !is_choice(info, *word)) return refused(info, value);
      return value;
    }
  }
}

Result<std::vector<NamedParameter>> complete_parameters(const aesweep_component& component,
                                                        const std::vector<NamedParameter>& given) {
  const std::vector<aesweep_parameter_info> declared = declared_parameters(component);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string& name = given[i].first;
    const auto same = [&](const NamedParameter& other) { return other.first == name; };
    if (std::count_if(given.begin(), given.end(), same) > 1) {
      return Status::input(text(component.name, ".", name, ": given twice"));
    }
    if (std::none_of(declared.begin(), declared.end(),
                     [&](const aesweep_parameter_info& info) { return name == info.name; })) {
      return Status::input(text(component.name, ".", name, ": no such parameter"));
    }
  }
  std::vector<NamedParameter> complete;
  for (const aesweep_parameter_info& info : declared) {
    const auto found = std::find_if(given.begin(), given.end(),
                                    [&](const NamedParameter& p) { return p.first == info.name; });
    if (found == given.end()) {
      if ((info.flags & AESWEEP_REQUIRED) != 0) {
        return Status::input(text(component.name, ".", info.name, ": is required, a value in ",
                                  accepted_values(info)));
      }
      complete.emplace_back(info.name, default_value(info));
      continue;
    }
    Result<ParameterValue> value = checked_value(info, found->second);
    if (!value.ok()) return value.status().in(text(component.name, ".", info.name));
    complete.emplace_back(info.name, std::move(value).value());
  }
  return complete;
}

}  // namespace aesweep
