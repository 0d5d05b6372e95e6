// `aesweep plugin check`: whether a plugin library keeps the rules.
#pragma once

#include "runner/app/command_line.hpp"

namespace aesweep {

// Prints a line per case, or JSON, to stdout. The exit status: 0 all is well, 1 a case failed,
// 2 wrong call (no such library or case), 3 the check could not be made.
[[nodiscard]] int check_plugin(const PluginCheckOptions& options);

}  // namespace aesweep
