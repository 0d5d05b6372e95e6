// `aesweep rebuild`: results.h5 of a run, written again.
#pragma once

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"

namespace aesweep {

// Takes the run's lease for as long as it works; a job that holds it is a fault of the world. What
// is written goes into the journal. Starts no MPI.
[[nodiscard]] Status rebuild_results(const RebuildOptions& options);

}  // namespace aesweep
