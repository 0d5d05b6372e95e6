// `aesweep run`: the only command that starts MPI.
#pragma once

#include "runner/app/command_line.hpp"

namespace aesweep {

// Called by every rank of the job; returns the exit status of this rank. Rank 0 prints what went
// wrong; the others then return 0, since a launcher ends all ranks as soon as one fails.
[[nodiscard]] int run_experiment(const RunOptions& options);

}  // namespace aesweep
