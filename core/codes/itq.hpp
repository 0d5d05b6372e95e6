// Iterative quantization (Gong & Lazebnik 2011): the rotation of centred codes that brings them
// nearest to the corners of a cube.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/base/status.hpp"

namespace aesweep {

inline constexpr int kItqIterations = 50;
inline constexpr std::int64_t kItqUnitsMax = 1024;  // An iteration takes up to two seconds there.

// rotation[units, units], row-major and orthogonal, for centred[rows, units]: principal axes, then
// 50 iterations from a random rotation that `seed` gives. Any codes will do, constant ones, too,
// but an input fault are those so large that sums of their squares are not finite. Equal arguments
// give equal bits. `progress` is called after every 512 rows and in each iteration.
[[nodiscard]] Result<std::vector<double>> itq_rotation(std::span<const double> centred,
                                                       std::int64_t rows, std::int64_t units,
                                                       std::uint64_t seed,
                                                       const std::function<void()>& progress);
// Bytes that it takes.
[[nodiscard]] std::uint64_t itq_bytes(std::int64_t units);

}  // namespace aesweep
