// Launcher: this process's place in a parallel launch, as the launcher's environment tells it, for
// commands that do not start MPI.
#pragma once

namespace aesweep {

struct LaunchPlace {
  int rank = 0;
  int ranks = 1;
};

// From Open MPI's (OMPI_COMM_WORLD_RANK, _SIZE) or MPICH's and Slurm's (PMI_RANK, PMI_SIZE)
// variables; one rank where there are none, or where they make no sense.
[[nodiscard]] LaunchPlace launch_place();

}  // namespace aesweep
