// The typed half of the ABI, chosen by scalar: Matrix<float> is aesweep_matrix_f32, and so on.
#pragma once

#include <cstdint>

#include "core/abi/plugin.h"
#include "core/sdk/eigen.hpp"

namespace aesweep::sdk {

template <class Real>
struct Abi;

#define AESWEEP_SDK_ABI(Scalar, suffix)                    \
  template <>                                              \
  struct Abi<Scalar> {                                     \
    using Active = aesweep_active_##suffix;                \
    using Matrix = aesweep_matrix_##suffix;                \
    using ConstMatrix = aesweep_const_matrix_##suffix;     \
    using Memory = aesweep_memory_##suffix;                \
    using Views = aesweep_views_##suffix;                  \
    using TransformTable = aesweep_transform_##suffix;     \
    using RegularizerTable = aesweep_regularizer_##suffix; \
    using QuantizerTable = aesweep_quantizer_##suffix;     \
    using LossTable = aesweep_loss_##suffix;               \
    using OptimizerTable = aesweep_optimizer_##suffix;     \
  }
AESWEEP_SDK_ABI(float, f32);
AESWEEP_SDK_ABI(double, f64);
#undef AESWEEP_SDK_ABI

using Context = aesweep_context;
using Block = aesweep_block;
using Request = aesweep_plan_request;
template <class Real>
using Active = typename Abi<Real>::Active;
template <class Real>
using Matrix = typename Abi<Real>::Matrix;
template <class Real>
using ConstMatrix = typename Abi<Real>::ConstMatrix;
template <class Real>
using Memory = typename Abi<Real>::Memory;
template <class Real>
using Views = typename Abi<Real>::Views;

// Eigen's view of a matrix: any alignment, any row stride.
template <class Real>
using RowMajor = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class Real>
using Map = Eigen::Map<RowMajor<Real>, Eigen::Unaligned, Eigen::OuterStride<>>;
template <class Real>
using ConstMap = Eigen::Map<const RowMajor<Real>, Eigen::Unaligned, Eigen::OuterStride<>>;

inline Map<float> map(const Matrix<float>& m) {
  return {m.data, m.rows, m.cols, Eigen::OuterStride<>(m.row_stride)};
}
inline Map<double> map(const Matrix<double>& m) {
  return {m.data, m.rows, m.cols, Eigen::OuterStride<>(m.row_stride)};
}
inline ConstMap<float> map(const ConstMatrix<float>& m) {
  return {m.data, m.rows, m.cols, Eigen::OuterStride<>(m.row_stride)};
}
inline ConstMap<double> map(const ConstMatrix<double>& m) {
  return {m.data, m.rows, m.cols, Eigen::OuterStride<>(m.row_stride)};
}

// First element of row i.
template <class AnyMatrix>
[[nodiscard]] auto row(const AnyMatrix& m, std::int64_t i) {
  return m.data + i * m.row_stride;
}

}  // namespace aesweep::sdk
