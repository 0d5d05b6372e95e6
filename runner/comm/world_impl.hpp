// What World holds: MPI's handles. Included by the sources of this folder only.
#pragma once

#include <mpi.h>

#include <string>

#include "runner/comm/world.hpp"

namespace aesweep {

struct World::Impl {
  // Each kind of traffic has a communicator of its own, so that none can match another's messages.
  MPI_Comm collective = MPI_COMM_NULL;  // World's own calls.
  MPI_Comm exchange = MPI_COMM_NULL;    // Point to point inside groups.
  MPI_Comm mail = MPI_COMM_NULL;
  int rank = 0;
  int ranks = 1;
  std::string host;
};

}  // namespace aesweep
