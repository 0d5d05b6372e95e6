// Launcher: this process's place in a parallel launch, as the launcher's environment tells it,
// where MPI has not started or never will.
#pragma once

namespace aesweep {

struct LaunchPlace {
  int rank = 0;
  int ranks = 1;
  bool launched = false;  // A launcher started this process as a rank.
};

// From the variables of Open MPI (OMPI_COMM_WORLD_RANK, _SIZE), of MPICH and Slurm's PMI-2
// (PMI_RANK, PMI_SIZE) or of Slurm's PMIx (PMIX_RANK, SLURM_STEP_NUM_TASKS); one rank where there
// are none, or where they make no sense.
[[nodiscard]] LaunchPlace launch_place();

}  // namespace aesweep
