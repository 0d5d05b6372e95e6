// `aesweep plan`: what a run would train and need, without training. Starts no MPI.
#pragma once

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"

namespace aesweep {

// Prints the table of trials and the totals to stdout. Reads only sizes of data files.
[[nodiscard]] Status show_plan(const PlanOptions& options);

}  // namespace aesweep
