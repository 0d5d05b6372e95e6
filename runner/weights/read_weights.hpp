// Given weights: the tensors of a .safetensors file, of a folder of .npy files, or of a trial of a
// run, for model.init_from.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/base/status.hpp"
#include "core/model/named_tensor.hpp"
#include "core/model/spec.hpp"
#include "runner/config/init_from.hpp"

namespace aesweep {

inline constexpr std::uint64_t kGivenWeightsBytesMax = std::uint64_t{16} << 30;  // Of one place.

// All tensors there, sorted by name, with their digest; f16 and bf16 become f32, which has all
// their values. A trial gives its final weights. An input fault, which names file and tensor: what
// cannot be read, a type other than f16, bf16, f32 and f64, no tensors, or more than
// kGivenWeightsBytesMax. `layers` stays empty.
[[nodiscard]] Result<GivenWeights> read_weights(const InitFrom& from);

// SHA-256 of names, shapes, scalars and bytes, in the order given; hex.
[[nodiscard]] std::string weights_digest(std::span<const NamedTensor> tensors);

}  // namespace aesweep
