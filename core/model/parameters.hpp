// A component's parameters, checked against what it declares and completed with its defaults.
#pragma once

#include <string>
#include <vector>

#include "core/abi/plugin.h"
#include "core/base/status.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

// The component's declarations, each as far as this host knows it.
[[nodiscard]] std::vector<aesweep_parameter_info> declared_parameters(
    const aesweep_component& component);

// Refuses declarations that contradict themselves: no name, an empty range, a choice without
// choices, a default that is not accepted. The message begins with the parameter's name.
[[nodiscard]] Status check_declarations(const aesweep_component& component);

// "[1, 65536]", "(0, inf)": the range of an INTEGER or REAL. Without a bound an end is open.
[[nodiscard]] std::string accepted_range(const aesweep_parameter_info& info);

// "[1, 65536]", "true | false", "tanh | clipped": what a parameter of any type accepts.
[[nodiscard]] std::string accepted_values(const aesweep_parameter_info& info);

// The declared default.
[[nodiscard]] ParameterValue default_value(const aesweep_parameter_info& info);

// Checks one value's type and range; an integer is accepted for a real and converted. The message
// names the value and what is accepted, not the parameter.
[[nodiscard]] Result<ParameterValue> checked_value(const aesweep_parameter_info& info,
                                                   const ParameterValue& value);

// Every declared parameter exactly once, in declared order. Unknown, doubled, missing required and
// unacceptable ones are input faults that name the component and the parameter.
[[nodiscard]] Result<std::vector<NamedParameter>> complete_parameters(
    const aesweep_component& component, const std::vector<NamedParameter>& given);

}  // namespace aesweep
