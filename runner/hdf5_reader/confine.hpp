// Confine: what the process that reads a foreign file may use up.
#pragma once

#include <cstdint>

#include "core/base/status.hpp"

namespace aesweep {

inline constexpr std::uint64_t kReaderMemoryMax = std::uint64_t{1} << 30;  // Above its own start.
inline constexpr unsigned kReaderSecondsMax = 60;  // Of processor time, without a word said.

// Closes all descriptors but stdin, stdout and stderr; from then on no core, no file to write, few
// descriptors, kReaderMemoryMax more of address space, kReaderSecondsMax of processor time.
[[nodiscard]] Status confine_process();

// kReaderSecondsMax of processor time from now on.
[[nodiscard]] Status allow_processor_time();

}  // namespace aesweep
