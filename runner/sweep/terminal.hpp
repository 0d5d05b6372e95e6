// Whether somebody reads stderr on a terminal, also behind an MPI launcher.
#pragma once

namespace aesweep {

// A launcher gives each rank a pipe and copies it to its own stderr; so where this process was
// started by one on the same machine, the launcher's stderr is looked at instead.
[[nodiscard]] bool stderr_is_terminal();

}  // namespace aesweep
