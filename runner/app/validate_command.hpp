// `aesweep validate`: whether every file of a run is what its journal says.
#pragma once

#include "runner/app/command_line.hpp"

namespace aesweep {

// Prints what was checked and a line for each problem; returns the exit status: 0 without problems,
// 2 for no run, 3 with problems. Starts no MPI, writes nothing.
[[nodiscard]] int show_validation(const ValidateOptions& options);

}  // namespace aesweep
