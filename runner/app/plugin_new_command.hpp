// `aesweep plugin new`: a project that builds a plugin, written from the templates that come with
// this program (share/aesweep/templates beside its bin). Starts no MPI.
#pragma once

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"

namespace aesweep {

// Writes ./NAME/ and says on stdout what to do next. NAME is [a-z][a-z0-9_]*, at most 64
// characters, and no word that the generated C++ uses otherwise. Nothing that is there already is
// touched; after a failure the new folder is gone again.
[[nodiscard]] Status new_plugin(const PluginNewOptions& options);

}  // namespace aesweep
