// Uniform numbers for the elements of a tensor, many at a time: the same as philox.hpp gives one
// block at a time, in loops over lanes that compilers turn into vector code.
#pragma once

#include <cstdint>

#include "core/sdk/philox.hpp"

namespace aesweep {

inline constexpr int kUniformLanes = 16;  // Philox blocks at a time, of four elements each.
inline constexpr int kUniformRun = 4 * kUniformLanes;

// out[i] = uniform_float(word of element first + i) for i in [0, kUniformRun); first is a multiple
// of 4. Uniform in [0, 1), multiples of 2^-24.
inline void uniform_run(PhiloxKey key, std::uint64_t step, std::uint64_t first,
                        float* __restrict out) {
  constexpr std::uint32_t kMultiply0 = 0xD2511F53, kMultiply1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  std::uint32_t c0[kUniformLanes], c1[kUniformLanes], c2[kUniformLanes], c3[kUniformLanes];
  for (int lane = 0; lane < kUniformLanes; ++lane) {
    const std::uint64_t block = first / 4 + static_cast<std::uint64_t>(lane);
    c0[lane] = static_cast<std::uint32_t>(step);
    c1[lane] = static_cast<std::uint32_t>(step >> 32);
    c2[lane] = static_cast<std::uint32_t>(block);
    c3[lane] = static_cast<std::uint32_t>(block >> 32);
  }
  auto [key0, key1] = key.words;
  for (int round = 0; round < 10; ++round) {
    for (int lane = 0; lane < kUniformLanes; ++lane) {
      const std::uint64_t product0 = std::uint64_t{kMultiply0} * c0[lane];
      const std::uint64_t product1 = std::uint64_t{kMultiply1} * c2[lane];
      c0[lane] = static_cast<std::uint32_t>(product1 >> 32) ^ c1[lane] ^ key0;
      c1[lane] = static_cast<std::uint32_t>(product1);
      c2[lane] = static_cast<std::uint32_t>(product0 >> 32) ^ c3[lane] ^ key1;
      c3[lane] = static_cast<std::uint32_t>(product0);
    }
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  for (int lane = 0; lane < kUniformLanes; ++lane) {
    out[4 * lane] = uniform_float(c0[lane]);
    out[4 * lane + 1] = uniform_float(c1[lane]);
    out[4 * lane + 2] = uniform_float(c2[lane]);
    out[4 * lane + 3] = uniform_float(c3[lane]);
  }
}

}  // namespace aesweep
