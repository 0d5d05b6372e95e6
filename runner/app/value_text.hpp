// Values and sizes as tables on a terminal show them.
#pragma once

#include <cstdint>
#include <string>

#include "core/model/spec.hpp"

namespace aesweep {

// "true", "12", "0.001", "xavier_uniform".
[[nodiscard]] std::string value_text(const ParameterValue& value);

// "512 B", "47.0 MB": three significant digits, powers of 1000.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace aesweep
