// NamedTensor: a tensor by value, as results, checkpoints and given weights hold it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/model/scalar.hpp"

namespace aesweep {

// Row-major bytes of `scalar`.
struct NamedTensor {
  std::string name;  // "code/weights": layer, slash, tensor.
  std::vector<std::int64_t> shape;
  Scalar scalar = Scalar::kF32;
  std::vector<std::byte> bytes;
};

}  // namespace aesweep
