// Typed values from nodes, by the same declarations that components use for their parameters.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/abi/plugin.h"
#include "core/base/status.hpp"
#include "core/model/spec.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// "a whole number in [1, 65536]", "a number in (0, 1)", "true or false", "sum or mean".
[[nodiscard]] std::string expected(const aesweep_parameter_info& info);

// The value that `node` gives for the declared parameter. With `round`, a number for an INTEGER is
// rounded to the nearest whole one: for values that a range computed. Messages have no location.
[[nodiscard]] Result<ParameterValue> read_value(const aesweep_parameter_info& info,
                                                const Node& node, bool round = false);

// As text: numbers in their shortest form.
[[nodiscard]] std::string shown(const ParameterValue& value);

}  // namespace aesweep
