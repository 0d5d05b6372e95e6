#include "core/data/order.hpp"

#include <numeric>
#include <utility>

#include "core/base/check.hpp"
#include "core/data/bounded.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep {

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
