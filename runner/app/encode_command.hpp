// aesweep encode: the codes that a finished trial's network gives samples, as a file.
#pragma once

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"

namespace aesweep {

// Reads the trial from results.h5, and what --split and a fitted binarization need from the run's
// own data. Prints one line about what it wrote.
[[nodiscard]] Status encode_codes(const EncodeOptions& options);

}  // namespace aesweep
