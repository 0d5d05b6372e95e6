// Numeric fingerprint: a hash of the bits that this machine's BLAS and libm give for fixed inputs.
//
// Two processes with the same fingerprint, executable and plugins compute the same bits; it stands
// for CPU level and BLAS build in the promise of reproducibility.
#pragma once

#include <string>

namespace aesweep {

// Raised whenever the core's arithmetic changes in a way that can change a result's bits.
inline constexpr int kNumericsVersion = 1;

// 16 hexadecimal digits. Costs a few milliseconds; computed once per process.
[[nodiscard]] const std::string& numeric_fingerprint();

}  // namespace aesweep
