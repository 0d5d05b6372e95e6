// `aesweep search`: nearest neighbours among binary codes in files.
#pragma once

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"

namespace aesweep {

// Prints the neighbours, or writes a file of them and says so. Starts no MPI.
[[nodiscard]] Status search_codes(const SearchOptions& options);

}  // namespace aesweep
