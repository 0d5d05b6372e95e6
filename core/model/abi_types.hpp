// The ABI's typed structs, chosen by scalar: Abi<float>::Matrix is aesweep_matrix_f32.
#pragma once

#include "core/abi/plugin.h"
#include "core/model/spec.hpp"

namespace aesweep {

template <class T>
struct Abi;

template <>
struct Abi<float> {
  static constexpr aesweep_scalar kScalar = AESWEEP_F32;
  static constexpr Scalar kSpecScalar = Scalar::kF32;
  using Active = aesweep_active_f32;
  using Matrix = aesweep_matrix_f32;
  using ConstMatrix = aesweep_const_matrix_f32;
  using Memory = aesweep_memory_f32;
  using Transform = aesweep_transform_f32;
  using Views = aesweep_views_f32;
  using Regularizer = aesweep_regularizer_f32;
  using Quantizer = aesweep_quantizer_f32;
  using Loss = aesweep_loss_f32;
  using Optimizer = aesweep_optimizer_f32;
};

template <>
struct Abi<double> {
  static constexpr aesweep_scalar kScalar = AESWEEP_F64;
  static constexpr Scalar kSpecScalar = Scalar::kF64;
  using Active = aesweep_active_f64;
  using Matrix = aesweep_matrix_f64;
  using ConstMatrix = aesweep_const_matrix_f64;
  using Memory = aesweep_memory_f64;
  using Transform = aesweep_transform_f64;
  using Views = aesweep_views_f64;
  using Regularizer = aesweep_regularizer_f64;
  using Quantizer = aesweep_quantizer_f64;
  using Loss = aesweep_loss_f64;
  using Optimizer = aesweep_optimizer_f64;
};

}  // namespace aesweep
