// Sizes as tables on a terminal show them.
#pragma once

#include <cstdint>
#include <string>

namespace aesweep {

// "512 B", "47.0 MB": three significant digits, powers of 1000.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace aesweep
