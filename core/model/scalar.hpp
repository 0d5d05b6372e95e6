// Scalar: the type of a network's numbers.
#pragma once

namespace aesweep {

enum class Scalar { kF32, kF64 };

}  // namespace aesweep
