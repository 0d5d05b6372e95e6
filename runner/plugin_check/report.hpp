// The two forms of a check's report: lines for people, one JSON object for programs (README.md).
#pragma once

#include <string>

#include "runner/plugin_check/plugin_check.hpp"

namespace aesweep {

// "ok    rows-split      activation swish: two parts ..."; ends with a newline.
[[nodiscard]] std::string case_line(const CheckedCase& result);

// "reproducible: no (...)" and the count of verdicts; ends with a newline.
[[nodiscard]] std::string closing_lines(const CheckReport& report);

// ASCII only; numbers finite; ends with a newline.
[[nodiscard]] std::string report_json(const CheckReport& report);

}  // namespace aesweep
