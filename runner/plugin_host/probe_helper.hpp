// The helper process of a PluginProbe. Internal to this folder.
#pragma once

#include <sys/types.h>

#include "runner/plugin_host/probe.hpp"

namespace aesweep {

// The life of the helper: for every path that comes by `socket` it answers with the words of
// kProbePassed or kProbeRefused, until the other end is closed or `parent` is gone.
[[noreturn]] void serve_probes(int socket, pid_t parent, const ProbeOptions& options);

}  // namespace aesweep
