// The World of a test program that runs under mpirun: made by mpi_main.cpp before any test.
#pragma once

#include "runner/comm/world.hpp"

namespace aesweep {

// The one World. Every rank runs the same tests in the same order; a rank whose assertion fails
// leaves the others in a wait, which the test's time limit ends.
[[nodiscard]] World& test_world();

}  // namespace aesweep
