// The inner loops of Hamming search, written for several levels of the CPU. All give equal results;
// which one runs is decided by the CPU at hand, not by the level that the program was built for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace aesweep {

struct HammingKernels {
  const char* name;

  // distances[i] = sum over w < words of popcount(query[w] ^ columns[w * stride + i]), i < count.
  // Nothing may alias; count may be 0, words is at most 1023.
  void (*distances)(const std::uint64_t* query, std::size_t words, const std::uint64_t* columns,
                    std::size_t stride, std::size_t count, std::uint16_t* distances);

  // Writes the i < count with values[i] < limit, ascending, to `found`, which has room for `count`,
  // and returns how many. `count` is a multiple of kBelowStep.
  std::size_t (*below)(const std::uint16_t* values, std::size_t count, std::uint16_t limit,
                       std::uint32_t* found);
};

inline constexpr std::size_t kBelowStep = 32;

// Those that this CPU can run, the fastest first.
[[nodiscard]] std::span<const HammingKernels> hamming_kernels();

}  // namespace aesweep
