// `aesweep render`: pictures of a run's results, as PNG files.
#pragma once

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"

namespace aesweep {

// Reads results.h5 alone, writes one PNG file and says so. Starts no MPI.
[[nodiscard]] Status render_results(const RenderOptions& options);

}  // namespace aesweep
