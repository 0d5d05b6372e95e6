// Initial values of tensors, drawn element by element from counter-based randomness.
#pragma once

#include <cstdint>
#include <span>

#include "core/model/network.hpp"

namespace aesweep {

// values[i] from the tensor's initializer: depends on (seed, tensor.name, i) alone. Drawn in double
// from 32 random bits and rounded to T, so that f32 and f64 networks start alike.
template <class T>
void initialize_tensor(const Tensor& tensor, std::uint64_t seed, std::span<T> values);

}  // namespace aesweep
