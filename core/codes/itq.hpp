// Iterative quantization (Gong & Lazebnik 2011): the rotation of centred codes that brings them
// nearest to the corners of a cube.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace aesweep {

inline constexpr int kItqIterations = 50;

// rotation[units, units], row-major and orthogonal, for centred[rows, units]: principal axes, then
// 50 iterations from a random rotation that `seed` gives. Any codes will do, constant ones, too.
// Equal arguments give equal bits.
[[nodiscard]] std::vector<double> itq_rotation(std::span<const double> centred, std::int64_t rows,
                                               std::int64_t units, std::uint64_t seed,
                                               const std::function<void()>& progress);

}  // namespace aesweep
