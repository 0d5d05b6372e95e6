// Byte order: numbers in files against numbers in this machine's memory.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace aesweep {

static_assert(std::endian::native == std::endian::little,
              "the readers swap for little-endian hosts");

// Reverses the bytes of each element. bytes.size() is a multiple of element_bytes, which is 1, 2, 4
// or 8.
void swap_elements(std::span<std::byte> bytes, std::size_t element_bytes);

// The number whose least significant byte is bytes[0]; at most 8 bytes.
[[nodiscard]] std::uint64_t little_endian(std::span<const std::byte> bytes);

}  // namespace aesweep
