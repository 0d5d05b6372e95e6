// What this program is: version, revision and everything beneath it that can change a result.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace aesweep {

[[nodiscard]] std::string software_version();  // "0.1.0"
[[nodiscard]] std::string
software_revision();  // The commit at build time, "-dirty" added; or "unknown".

// What lies beneath the program, as name and value: BLAS, MPI, HDF5, CPU level, compiler, ...
[[nodiscard]] std::vector<std::pair<std::string, std::string>> platform_facts();

// The text of --version, several lines. Starts no MPI.
[[nodiscard]] std::string version_text();

}  // namespace aesweep
