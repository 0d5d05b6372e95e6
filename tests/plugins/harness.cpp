#include "tests/plugins/harness.hpp"

#include "core/base/check.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep::test {

const aesweep_component& find_component(aesweep_kind kind, const std::string& name) {
  const CatalogueEntry* entry = builtins().find(kind, name);
  AESWEEP_CHECK(entry != nullptr, "no built-in " + name);
  return entry->component;
}

Created create(const aesweep_component& component, int scalar, const Values& given) {
  std::vector<aesweep_parameter> parameters;
  for (std::uint32_t i = 0; i < component.parameter_count; ++i) {
    const aesweep_parameter_info& info = component.parameters[i];
    aesweep_parameter parameter{};
    parameter.struct_size = sizeof parameter;
    parameter.type = info.type;
    parameter.name = info.name;
    parameter.integer = info.default_integer;
    parameter.real = info.default_real;
    parameter.text = info.default_text;
    parameters.push_back(parameter);
  }
  for (const auto& [name, value] : given) {
    bool known = false;
    for (aesweep_parameter& parameter : parameters) {
      if (name != parameter.name) continue;
      known = true;
      if (const auto* integer = std::get_if<std::int64_t>(&value)) parameter.integer = *integer;
      if (const auto* real = std::get_if<double>(&value)) parameter.real = *real;
      if (const auto* text = std::get_if<std::string>(&value)) parameter.text = text->c_str();
    }
    AESWEEP_CHECK(known, "no parameter " + name);
  }
  ErrorText error;
  Created created;
  created.status = component.lifecycle[scalar]->create(
      parameters.data(), static_cast<std::uint32_t>(parameters.size()), &created.instance,
      &error.error);
  created.text = error.str();
  return created;
}

double scatter(std::int64_t i, std::int64_t j, std::uint64_t salt) {
  const PhiloxBlock block = philox(
      stream_key(salt, 1), {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j), 7, 11});
  return 2.0 * uniform_double(block[0], block[1]) - 1.0;
}

}  // namespace aesweep::test
