// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of bytes: what guards lines of the journal and the
// lease against damage. "123456789" gives e3069283.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace aesweep {

[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);

// As 8 hexadecimal digits.
[[nodiscard]] std::string crc32c_hex(std::string_view bytes);

}  // namespace aesweep
