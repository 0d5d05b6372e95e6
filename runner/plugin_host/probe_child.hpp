// The child in which one library is tried out. Internal to this folder.
#pragma once

#include <string>

#include "runner/plugin_host/probe.hpp"

namespace aesweep {

// Writes to `out` what it is about to do, and in the end the verdict, then ends. It may die before
// that: the last stage then tells whose fault it is.
[[noreturn]] void try_library_out(const std::string& path, int out, const ProbeOptions& options);

}  // namespace aesweep
