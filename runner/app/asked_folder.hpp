// The RUN that status, validate and rebuild are called with.
#pragma once

#include "core/base/status.hpp"
#include "runner/journal/run_folder.hpp"

namespace aesweep {

// An input fault where no run is there, a fault of the world where that cannot be told.
[[nodiscard]] Status check_asked_folder(const RunFolder& folder);

}  // namespace aesweep
