// Ranks die with what started them, so that no rank is left spinning when a launcher was killed.
#pragma once

#include <sys/types.h>

namespace aesweep {

// Asks the kernel for SIGKILL when the parent dies, and looks whether it has died already: then the
// process ends here. For ranks that a launcher started (core of the check: its environment
// variables are there), before MPI starts. Returns the parent, for parent_is_gone.
[[nodiscard]] pid_t die_with_parent();

// Whether the process has another parent now.
[[nodiscard]] bool parent_is_gone(pid_t parent);

}  // namespace aesweep
