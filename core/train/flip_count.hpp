// FlipCount: how many quantized weights of a layer change between consecutive training steps.
#pragma once

#include <cstdint>

namespace aesweep {

// Entries of the quantized image that differed from the step before, and entries compared; both
// summed over steps.
struct FlipCount {
  std::uint64_t changed = 0;
  std::uint64_t compared = 0;
};

}  // namespace aesweep
