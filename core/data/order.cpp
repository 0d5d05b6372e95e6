#include "core/data/order.hpp"

#include <numeric>
#include <utility>

#include "core/base/check.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep {
namespace {

// Uniform in [0, bound), bound >= 1: the high word of word * bound. Of the 2^32 words, 2^32 mod
// bound are refused, so that every result has the same number of words.
std::uint32_t bounded(PhiloxKey key, PhiloxBlock counter, std::uint32_t bound) {
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

}  // namespace

void epoch_order(std::uint64_t seed, std::uint64_t epoch, bool shuffle,
                 std::span<std::int64_t> rows) {
  AESWEEP_CHECK(rows.size() < (std::uint64_t{1} << 32), "epoch_order of 2^32 rows or more");
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  if (!shuffle) return;
  const PhiloxKey key = stream_key(stream_hash(seed, "data/order", 0), 0);
  for (auto bound = static_cast<std::uint32_t>(rows.size()); bound > 1; --bound) {
    const std::uint32_t place = bound - 1;
    const PhiloxBlock counter = {static_cast<std::uint32_t>(epoch),
                                 static_cast<std::uint32_t>(epoch >> 32), place, 0};
    std::swap(rows[place], rows[bounded(key, counter, bound)]);
  }
}

}  // namespace aesweep
