// `aesweep plugin new`: a project that builds a plugin, written from the templates that come with
// this program (share/aesweep/templates beside its bin). Starts no MPI.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"

namespace aesweep {

// Writes ./NAME/ and says on stdout what to do next. Nothing that is there already is touched;
// after a failure the new folder is gone again.
[[nodiscard]] Status new_plugin(const PluginNewOptions& options);

// Whether a plugin may have this name: [a-z][a-z0-9_]*, at most 64 characters, no word that the
// generated C++ uses otherwise. The message names the rule.
[[nodiscard]] Status check_plugin_name(const std::string& name);

// The name of a plugin's class: "leaky_relu" becomes "LeakyRelu".
[[nodiscard]] std::string class_name(std::string_view name);

}  // namespace aesweep
