// Code health: whether the bits of a code carry information.
#pragma once

#include <cstdint>
#include <functional>

#include "core/codes/packed_codes.hpp"

namespace aesweep {

// With p_j the part of rows whose bit j is 1:
struct CodeHealth {
  double entropy = 0.0;       // Mean over bits of H(p_j), in bits: 1 is best.
  double balance = 0.0;       // Mean over bits of |2 p_j - 1|: 0 is best, 1 is a constant bit.
  double correlation = 0.0;   // Mean over pairs of bits of |Pearson correlation|; a pair with a
                              // constant bit counts as 0. 0 for one bit.
  std::int64_t distinct = 0;  // Different codes.
  std::int64_t constant = 0;  // Bits that are the same in all rows.
};

// Of at least one row. `progress` is called after the bits' columns are made and after each row of
// pairs, and may be empty.
[[nodiscard]] CodeHealth code_health(const PackedCodes& codes,
                                     const std::function<void()>& progress = {});

}  // namespace aesweep
