#include "core/data/byte_order.hpp"

#include <cstring>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

template <class Word>
Word swapped(Word word) {
  if constexpr (sizeof(Word) == 2) return __builtin_bswap16(word);
  if constexpr (sizeof(Word) == 4) return __builtin_bswap32(word);
  if constexpr (sizeof(Word) == 8) return __builtin_bswap64(word);
}

template <class Word>
void swap_words(std::span<std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes.data() + at, sizeof(Word));
    word = swapped(word);
    std::memcpy(bytes.data() + at, &word, sizeof(Word));
  }
}

}  // namespace

void swap_elements(std::span<std::byte> bytes, std::size_t element_bytes) {
  AESWEEP_CHECK(element_bytes > 0 && bytes.size() % element_bytes == 0,
                "swap_elements of other than whole elements");
  if (element_bytes == 2) swap_words<std::uint16_t>(bytes);
  if (element_bytes == 4) swap_words<std::uint32_t>(bytes);
  if (element_bytes == 8) swap_words<std::uint64_t>(bytes);
}

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  AESWEEP_CHECK(bytes.size() <= 8, "little_endian of more than 8 bytes");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  return value;
}

}  // namespace aesweep
