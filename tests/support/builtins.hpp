// The built-in plugins of this build, for tests that do not test the loading itself.
#pragma once

#include <string>

#include "core/abi/plugin.h"
#include "core/model/catalogue.hpp"

namespace aesweep::test {

// The entry of the library at `path`. Stops the program with a message if it cannot be loaded.
// Libraries are never unloaded.
[[nodiscard]] const aesweep_plugin_entry& plugin_entry(const std::string& path);

// The entry of a built-in library, such as "dense".
[[nodiscard]] const aesweep_plugin_entry& builtin_entry(const std::string& name);

// All built-in components, initialised with the host's services. Loaded at the first call.
[[nodiscard]] const Catalogue& builtins();

}  // namespace aesweep::test
