// `aesweep plugins`: the components that can be named in an experiment.
#pragma once

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"

namespace aesweep {

// Prints components, parameters and libraries to stdout.
[[nodiscard]] Status list_plugins(const PluginsOptions& options);

}  // namespace aesweep
