// The function tables of every kind: from the ABI's calls to a component's methods.
//
// Every function checks shapes and runs inside the fence; row counts must agree, widths be the
// planned ones, strides at least the width. Part of component.hpp, which says what a component has.
#pragma once

#include <cstdint>

#include "core/abi/plugin.h"
#include "core/sdk/failure.hpp"
#include "core/sdk/lifecycle.hpp"
#include "core/sdk/members.hpp"
#include "core/sdk/types.hpp"

namespace aesweep::sdk::detail {

template <class AnyMatrix>
void require_matrix(const char* name, const AnyMatrix* m, std::int64_t rows, std::int64_t cols) {
  require(m != nullptr && m->data != nullptr, AESWEEP_INVALID_SHAPE, name, ": no data");
  require(m->rows == rows && m->cols == cols && m->row_stride >= cols, AESWEEP_INVALID_SHAPE, name,
          ": is ", m->rows, " x ", m->cols, " with stride ", m->row_stride, ", expected ", rows,
          " x ", cols);
}

// x has the planned width; its rows, which all other matrices must share, are given back.
template <class AnyMatrix>
std::int64_t require_rows(const char* name, const AnyMatrix* m, const Request& request,
                          std::int64_t cols) {
  require(m != nullptr, AESWEEP_INVALID_SHAPE, name, ": missing");
  require(m->rows >= 0 && m->rows <= request.shard_rows_max, AESWEEP_INVALID_SHAPE, name, ": ",
          m->rows, " rows, planned for at most ", request.shard_rows_max);
  require_matrix(name, m, m->rows, cols);
  return m->rows;
}

// Layers and activations.
template <class C, class Real>
struct TransformTable {
  static std::int32_t accumulate(void* instance, const Context* context, std::uint32_t round,
                                 const Memory<Real>* memory, const ConstMatrix<Real>* x,
                                 const ConstMatrix<Real>* dy, aesweep_error* error) noexcept {
    return fence(error, [&] {
      const auto& self = instance_of<C>(instance);
      const std::int64_t rows = require_rows("x", x, self.request, self.request.input_cols);
      if (dy != nullptr) require_matrix("dy", dy, rows, self.plan.output_cols);
      self.component.accumulate(*context, round, *memory, *x, dy);
    });
  }

  static std::int32_t forward(void* instance, const Context* context, const Memory<Real>* memory,
                              const ConstMatrix<Real>* x, const Matrix<Real>* y,
                              aesweep_error* error) noexcept {
    return fence(error, [&] {
      const auto& self = instance_of<C>(instance);
      const std::int64_t rows = require_rows("x", x, self.request, self.request.input_cols);
      require_matrix("y", y, rows, self.plan.output_cols);
      self.component.forward(*context, *memory, *x, *y);
    });
  }

  static std::int32_t backward(void* instance, const Context* context, const Memory<Real>* memory,
                               const ConstMatrix<Real>* x, const ConstMatrix<Real>* y,
                               const ConstMatrix<Real>* dy, const Matrix<Real>* dx,
                               aesweep_error* error) noexcept {
    return fence(error, [&] {
      const auto& self = instance_of<C>(instance);
      const std::int64_t rows = require_rows("x", x, self.request, self.request.input_cols);
      require_matrix("y", y, rows, self.plan.output_cols);
      require_matrix("dy", dy, rows, self.plan.output_cols);
      if (dx != nullptr) require_matrix("dx", dx, rows, self.request.input_cols);
      self.component.backward(*context, *memory, *x, *y, *dy, dx);
    });
  }

  static std::int32_t end_step(void* instance, const Context* context, const Memory<Real>* memory,
                               aesweep_error* error) noexcept {
    return fence(error, [&] { instance_of<C>(instance).component.end_step(*context, *memory); });
  }

  static constexpr auto table() {
    typename Abi<Real>::TransformTable t{};
    t.struct_size = sizeof t;
    if constexpr (OffersAccumulate::in<C>()) t.accumulate = &accumulate;
    t.forward = &forward;
    t.backward = &backward;
    if constexpr (OffersEndStep::in<C>()) t.end_step = &end_step;
    return t;
  }
  static constexpr auto kTable = table();
};

template <class C, class Real>
struct RegularizerTable {
  static std::int32_t accumulate(void* instance, const Context* context, std::uint32_t round,
                                 const Memory<Real>* memory, const Views<Real>* views,
                                 aesweep_error* error) noexcept {
    return fence(error, [&] {
      const auto& self = instance_of<C>(instance);
      require_views(self, *views);
      self.component.accumulate(*context, round, *memory, *views);
    });
  }

  static std::int32_t on_layer_parameters(void* instance, const Context* context,
                                          const Memory<Real>* memory, const Views<Real>* views,
                                          aesweep_error* error) noexcept {
    return fence(error, [&] {
      const auto& self = instance_of<C>(instance);
      require_views(self, *views);
      self.component.on_layer_parameters(*context, *memory, *views);
    });
  }

  static std::int32_t on_activations(void* instance, const Context* context,
                                     const Memory<Real>* memory, const Views<Real>* views,
                                     double* value, const Matrix<Real>* gradient,
                                     aesweep_error* error) noexcept {
    return fence(error, [&] {
      const auto& self = instance_of<C>(instance);
      const std::int64_t rows = require_views(self, *views);
      if (gradient != nullptr) require_matrix("gradient", gradient, rows, self.request.input_cols);
      *value = self.component.on_activations(*context, *memory, *views, gradient);
    });
  }

  static std::int32_t on_parameter_block(void* instance, const Context* context, const Block* block,
                                         const Real* w, double* value, Real* gradient,
                                         aesweep_error* error) noexcept {
    return fence(error, [&] {
      *value = instance_of<C>(instance).component.on_parameter_block(*context, *block, w, gradient);
    });
  }

  static std::int64_t require_views(const Instance<C>& self, const Views<Real>& views) {
    if constexpr ((C::kInfo.views & AESWEEP_VIEW_OUTPUT) != 0) {
      return require_rows("output", &views.output, self.request, self.request.input_cols);
    } else {
      return views.output.rows;
    }
  }

  static constexpr auto table() {
    typename Abi<Real>::RegularizerTable t{};
    t.struct_size = sizeof t;
    if constexpr (OffersAccumulate::in<C>()) t.accumulate = &accumulate;
    if constexpr (OffersOnActivations::in<C>()) t.on_activations = &on_activations;
    if constexpr (OffersOnParameterBlock::in<C>()) t.on_parameter_block = &on_parameter_block;
    if constexpr (OffersOnLayerParameters::in<C>()) {
      t.on_layer_parameters = &on_layer_parameters;
    }
    return t;
  }
  static constexpr auto kTable = table();
};

template <class C, class Real>
struct QuantizerTable {
  static std::int32_t quantize(void* instance, const Context* context, const Block* block,
                               const Real* w, Real* q, void* kept, aesweep_error* error) noexcept {
    return fence(
        error, [&] { instance_of<C>(instance).component.quantize(*context, *block, w, q, kept); });
  }

  static std::int32_t backward(void* instance, const Context* context, const Block* block,
                               const Real* w, Real* gradient, const void* kept,
                               aesweep_error* error) noexcept {
    return fence(error, [&] {
      instance_of<C>(instance).component.backward(*context, *block, w, gradient, kept);
    });
  }

  static std::int32_t after_update(void* instance, const Context* context, const Block* block,
                                   const Real* previous, Real* w, aesweep_error* error) noexcept {
    return fence(error, [&] {
      instance_of<C>(instance).component.after_update(*context, *block, previous, w);
    });
  }

  static constexpr auto table() {
    typename Abi<Real>::QuantizerTable t{};
    t.struct_size = sizeof t;
    t.quantize = &quantize;
    if constexpr (OffersBackward::in<C>()) t.backward = &backward;
    if constexpr (OffersAfterUpdate::in<C>()) t.after_update = &after_update;
    return t;
  }
  static constexpr auto kTable = table();
};

template <class C, class Real>
struct LossTable {
  static std::int32_t evaluate(void* instance, const Context* context, const Memory<Real>* memory,
                               const ConstMatrix<Real>* prediction, const ConstMatrix<Real>* target,
                               const std::int32_t* labels, double* value,
                               const Matrix<Real>* gradient, aesweep_error* error) noexcept {
    return fence(error, [&] {
      const auto& self = instance_of<C>(instance);
      const Request& request = self.request;
      const std::int64_t rows = require_rows("prediction", prediction, request, request.input_cols);
      require_matrix("target", target, rows, request.target_cols);
      if (gradient != nullptr) require_matrix("gradient", gradient, rows, request.input_cols);
      *value = self.component.evaluate(*context, *memory, *prediction, *target, labels, gradient);
    });
  }

  static constexpr auto table() {
    typename Abi<Real>::LossTable t{};
    t.struct_size = sizeof t;
    t.evaluate = &evaluate;
    return t;
  }
  static constexpr auto kTable = table();
};

template <class C, class Real>
struct OptimizerTable {
  static std::int32_t update(void* instance, const Context* context, const Block* block, Real* w,
                             const Real* gradient, Real* const* state,
                             aesweep_error* error) noexcept {
    return fence(error, [&] {
      instance_of<C>(instance).component.update(*context, *block, w, gradient, state);
    });
  }

  static constexpr auto table() {
    typename Abi<Real>::OptimizerTable t{};
    t.struct_size = sizeof t;
    t.update = &update;
    return t;
  }
  static constexpr auto kTable = table();
};

}  // namespace aesweep::sdk::detail
