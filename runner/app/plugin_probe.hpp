// The probe of this program: how plugin libraries of others are tried out before they are loaded.
#pragma once

#include "core/base/status.hpp"
#include "runner/plugin_host/probe.hpp"

namespace aesweep {

// Looks at purity, too. The time limit for one library is 10 s, or what AESWEEP_PROBE_SECONDS says.
// To be called before MPI starts, by each process that will load libraries.
[[nodiscard]] Result<PluginProbe> start_plugin_probe();

}  // namespace aesweep
