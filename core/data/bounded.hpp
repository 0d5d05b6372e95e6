// Bounded: uniform whole numbers below a bound from Philox's random bits.
#pragma once

#include <cstdint>

#include "core/sdk/philox.hpp"

namespace aesweep {

// Uniform in [0, bound), bound >= 1: the high word of word * bound, for the first fitting word of
// the blocks at `counter` and those with a higher last word (D. Lemire, "Fast random integer
// generation in an interval", ACM TOMACS 29, 2019). Of the 2^32 words, 2^32 mod bound are refused,
// so that every result has the same number of words.
[[nodiscard]] constexpr std::uint32_t bounded(PhiloxKey key, PhiloxBlock counter,
                                              std::uint32_t bound) {
  for (;;) {
    for (const std::uint32_t word : philox(key, counter)) {
      const std::uint64_t product = std::uint64_t{word} * bound;
      const auto low = static_cast<std::uint32_t>(product);
      // The remainder is below bound, so the division is rarely needed.
      if (low >= bound || low >= (0U - bound) % bound) {
        return static_cast<std::uint32_t>(product >> 32);
      }
    }
    ++counter[3];
  }
}

}  // namespace aesweep
