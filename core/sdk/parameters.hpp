// Parameters: what a component declares (real, integer, boolean, choice) and what it is given.
//
//   static constexpr aesweep_parameter_info kParameters[] = {
//       sdk::real("slope", "Factor of negative inputs", 0.01, sdk::at_least(0))};
//   explicit LeakyRelu(const sdk::Parameters& p) : slope_(p.real("slope")) {}
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "core/abi/plugin.h"
#include "core/sdk/failure.hpp"

namespace aesweep::sdk {

// Which numbers a parameter takes. Integers are exact up to 2^53.
struct Range {
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  std::uint32_t flags = 0;
};
constexpr Range at_least(double a) { return {.minimum = a}; }
constexpr Range above(double a) { return {.minimum = a, .flags = AESWEEP_ABOVE_MINIMUM}; }
// [a, b]
constexpr Range between(double a, double b) { return {a, b, 0}; }
// [a, b)
constexpr Range from_to_below(double a, double b) { return {a, b, AESWEEP_BELOW_MAXIMUM}; }
// (a, b)
constexpr Range inside(double a, double b) {
  return {a, b, AESWEEP_ABOVE_MINIMUM | AESWEEP_BELOW_MAXIMUM};
}

namespace detail {

constexpr aesweep_parameter_info declaration(aesweep_parameter_type type, const char* name,
                                             const char* summary, Range range) {
  aesweep_parameter_info info{};
  info.struct_size = sizeof info;
  info.type = type;
  info.flags = range.flags;
  info.name = name;
  info.summary = summary;
  info.minimum = range.minimum;
  info.maximum = range.maximum;
  return info;
}

}  // namespace detail

constexpr aesweep_parameter_info real(const char* name, const char* summary, double value,
                                      Range range = {}) {
  aesweep_parameter_info info = detail::declaration(AESWEEP_REAL, name, summary, range);
  info.default_real = value;
  return info;
}

constexpr aesweep_parameter_info integer(const char* name, const char* summary, std::int64_t value,
                                         Range range = {}) {
  aesweep_parameter_info info = detail::declaration(AESWEEP_INTEGER, name, summary, range);
  info.default_integer = value;
  return info;
}

constexpr aesweep_parameter_info boolean(const char* name, const char* summary, bool value) {
  aesweep_parameter_info info = detail::declaration(AESWEEP_BOOLEAN, name, summary, between(0, 1));
  info.default_integer = value ? 1 : 0;
  return info;
}

// `choices` ends with nullptr and has static storage.
constexpr aesweep_parameter_info choice(const char* name, const char* summary, const char* value,
                                        const char* const* choices) {
  aesweep_parameter_info info = detail::declaration(AESWEEP_CHOICE, name, summary, {});
  info.default_text = value;
  info.choices = choices;
  return info;
}

// A name, such as that of a layer.
constexpr aesweep_parameter_info word(const char* name, const char* summary, const char* value) {
  aesweep_parameter_info info = detail::declaration(AESWEEP_TEXT, name, summary, {});
  info.default_text = value;
  return info;
}

// The same declaration without a default: the experiment must give a value. The one declared is an
// example, with which `aesweep plugin check` tries the component.
constexpr aesweep_parameter_info required(aesweep_parameter_info info) {
  info.flags |= AESWEEP_REQUIRED;
  return info;
}

// The values given to one create, checked against the declarations. Views; lives for that call.
class Parameters {
 public:
  // Throws Failure if a declared parameter is missing, given twice, of another type or out of
  // range, or if an undeclared one is given.
  Parameters(std::span<const aesweep_parameter_info> declared, const aesweep_parameter* given,
             std::uint32_t count)
      : given_(given), count_(count) {
    for (const aesweep_parameter_info& info : declared) check(info);
    for (std::uint32_t i = 0; i < count_; ++i) {
      bool known = false;
      for (const auto& info : declared) known = known || std::string_view(info.name) == at(i).name;
      require(known, AESWEEP_INVALID_PARAMETER, at(i).name, ": no parameter has this name");
    }
  }

  [[nodiscard]] double real(std::string_view name) const { return get(name).real; }
  [[nodiscard]] std::int64_t integer(std::string_view name) const { return get(name).integer; }
  [[nodiscard]] bool boolean(std::string_view name) const { return get(name).integer != 0; }
  [[nodiscard]] std::string_view choice(std::string_view name) const { return get(name).text; }
  [[nodiscard]] std::string_view word(std::string_view name) const { return get(name).text; }

 private:
  // The host's struct may be longer than ours: walk by its own size.
  [[nodiscard]] const aesweep_parameter& at(std::uint32_t i) const {
    const auto* bytes = reinterpret_cast<const std::byte*>(given_);
    return *reinterpret_cast<const aesweep_parameter*>(bytes +
                                                       std::size_t{i} * given_->struct_size);
  }

  [[nodiscard]] const aesweep_parameter& get(std::string_view name) const {
    const aesweep_parameter* found = nullptr;
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (name != at(i).name) continue;
      require(found == nullptr, AESWEEP_INVALID_PARAMETER, name, ": given twice");
      found = &at(i);
    }
    require(found != nullptr, AESWEEP_INVALID_PARAMETER, name, ": no value given");
    return *found;
  }

  void check(const aesweep_parameter_info& info) const {
    const aesweep_parameter& value = get(info.name);
    require(value.type == info.type, AESWEEP_INVALID_PARAMETER, info.name, ": is of type ",
            value.type, ", not ", info.type);
    if (info.type == AESWEEP_TEXT) {
      require(value.text != nullptr && *value.text != '\0', AESWEEP_INVALID_PARAMETER, info.name,
              ": is empty");
    } else if (info.type == AESWEEP_CHOICE) {
      bool known = false;
      std::string choices;
      for (const char* const* word = info.choices; *word != nullptr; ++word) {
        known = known || std::string_view(*word) == value.text;
        choices += (choices.empty() ? "" : ", ") + std::string(*word);
      }
      require(known, AESWEEP_INVALID_PARAMETER, info.name, ": ", value.text, " is not one of ",
              choices);
    } else if (info.type == AESWEEP_REAL) {
      check_range(info, value.real, value.real);
    } else {
      check_range(info, static_cast<double>(value.integer), value.integer);
    }
  }

  template <class Number>
  static void check_range(const aesweep_parameter_info& info, double value, Number shown) {
    const bool open_below = (info.flags & AESWEEP_ABOVE_MINIMUM) != 0;
    const bool open_above = (info.flags & AESWEEP_BELOW_MAXIMUM) != 0;
    const bool inside = (open_below ? value > info.minimum : value >= info.minimum) &&
                        (open_above ? value < info.maximum : value <= info.maximum);
    require(inside && std::isfinite(value), AESWEEP_INVALID_PARAMETER, info.name, ": ", shown,
            " is not in ", open_below ? "(" : "[", info.minimum, ", ", info.maximum,
            open_above ? ")" : "]");
  }

  const aesweep_parameter* given_;
  std::uint32_t count_;
};

}  // namespace aesweep::sdk
