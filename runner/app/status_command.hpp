// `aesweep status`: how far a run is.
#pragma once

#include <chrono>

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"

namespace aesweep {

// Prints to stdout; with options.watch again and again until no job is at work. Starts no MPI,
// writes nothing.
[[nodiscard]] Status show_status(const StatusOptions& options,
                                 std::chrono::milliseconds redraw = std::chrono::seconds(2));

}  // namespace aesweep
