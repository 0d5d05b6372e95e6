#include "runner/journal/crc32c.hpp"

#include <array>

namespace aesweep {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's, its bits reversed.

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    }
    table[i] = value;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = make_table();

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) {
    crc = kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

std::string crc32c_hex(std::string_view bytes) {
  std::uint32_t crc = crc32c(bytes);
  std::string digits(8, '0');
  for (std::size_t i = digits.size(); i-- > 0; crc >>= 4) digits[i] = "0123456789abcdef"[crc & 15];
  return digits;
}

}  // namespace aesweep
