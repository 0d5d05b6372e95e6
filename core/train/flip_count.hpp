// FlipCount: how many quantized weights of a layer change between consecutive training steps.
#pragma once

#include <cstdint>

namespace aesweep {

// Entries of the quantized image that differed from the step before, and entries compared; both
// summed over steps. With a quantizer of AESWEEP_MOVING_SCALE an entry differs when its sign does.
struct FlipCount {
  std::uint64_t changed = 0;
  std::uint64_t compared = 0;
};

}  // namespace aesweep
