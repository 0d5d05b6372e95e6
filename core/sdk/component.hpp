// From a class template to a component of the ABI: descriptors, lifecycle and function tables.
//
// A component is a class template over its scalar, exported by one of
//   activation<C>() layer<C>() regularizer<C>() quantizer<C>() loss<C>() optimizer<C>()
// each of which gives a pointer to a constant aesweep_component. C<Real> has
//   static constexpr Info kInfo                          required
//   static constexpr aesweep_parameter_info kParameters[]   if it has parameters; then also
//   explicit C(const Parameters&)                           a constructor that reads them
//   void plan(const Request&, Plan&)                        if it needs tensors, rounds, memory
// and const methods named and shaped like the members of its kind's table in typed.h, with
// references in place of pointers, no instance and no error: a failure is thrown (failure.hpp).
// Members of the table for which C has no method are null.
//
// Here, and not in the component, shapes are checked: row counts agree, widths are the planned
// ones, strides are at least the width. Instances are const during calls, so calls from several
// threads are safe unless the author uses mutable or static data, which the ABI forbids.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "core/abi/plugin.h"
#include "core/sdk/failure.hpp"
#include "core/sdk/parameters.hpp"
#include "core/sdk/plan.hpp"
#include "core/sdk/types.hpp"

namespace aesweep::sdk {

// What a component says about itself. `flags` and `views` are those of aesweep_component.
struct Info {
  const char* name = nullptr;     // [a-z][a-z0-9_]*
  const char* summary = nullptr;  // One line: formula.
  std::uint32_t flags = 0;
  std::uint32_t views = 0;
};

namespace detail {

template <class C>
constexpr std::span<const aesweep_parameter_info> declared() {
  if constexpr (requires { C::kParameters; }) {
    return C::kParameters;
  } else {
    return {};
  }
}

template <class C>
C make_component(const Parameters& parameters) {
  if constexpr (std::is_constructible_v<C, const Parameters&>) {
    return C(parameters);
  } else {
    static_assert(declared<C>().empty(), "a component with parameters needs C(const Parameters&)");
    return C();
  }
}

// What the host's instance pointer points to.
template <class C>
struct Instance {
  explicit Instance(const Parameters& parameters) : component(make_component<C>(parameters)) {}
  C component;
  Request request{};
  Plan plan;
};

template <class C>
const Instance<C>& instance_of(void* instance) {
  return *static_cast<const Instance<C>*>(instance);
}

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

template <class C>
struct Lifecycle {
  static std::int32_t create(const aesweep_parameter* given, std::uint32_t count, void** instance,
                             aesweep_error* error) noexcept {
    return fence(error, [&] {
      const Parameters parameters(declared<C>(), given, count);
      *instance = std::make_unique<Instance<C>>(parameters).release();
    });
  }

  static void destroy(void* instance) noexcept {
    const std::unique_ptr<Instance<C>> owner(static_cast<Instance<C>*>(instance));
  }

  static std::int32_t plan(void* instance, const aesweep_plan_request* request, aesweep_plan* out,
                           aesweep_error* error) noexcept {
    return fence(error, [&] {
      auto& self = *static_cast<Instance<C>*>(instance);
      self.request = *request;
      self.plan = Plan();
      self.plan.output_cols = request->input_cols;
      if constexpr (requires { self.component.plan(*request, self.plan); }) {
        self.component.plan(*request, self.plan);
      }
      self.plan.publish(*out);
    });
  }

  static constexpr aesweep_lifecycle kTable = {sizeof(aesweep_lifecycle), 0, &create, &destroy,
                                               &plan};
};

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
    if constexpr (requires { &C::accumulate; }) t.accumulate = &accumulate;
    t.forward = &forward;
    t.backward = &backward;
    if constexpr (requires { &C::end_step; }) t.end_step = &end_step;
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
    if constexpr (requires { &C::accumulate; }) t.accumulate = &accumulate;
    if constexpr (requires { &C::on_activations; }) t.on_activations = &on_activations;
    if constexpr (requires { &C::on_parameter_block; }) t.on_parameter_block = &on_parameter_block;
    if constexpr (requires { &C::on_layer_parameters; }) {
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
    if constexpr (requires { &C::backward; }) t.backward = &backward;
    if constexpr (requires { &C::after_update; }) t.after_update = &after_update;
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

template <aesweep_kind kind, template <class> class C, template <class, class> class Table>
struct Component {
  static constexpr aesweep_component descriptor() {
    constexpr std::span<const aesweep_parameter_info> parameters = declared<C<float>>();
    aesweep_component c{};
    c.struct_size = sizeof c;
    c.kind = kind;
    c.flags = C<float>::kInfo.flags;
    c.views = C<float>::kInfo.views;
    c.name = C<float>::kInfo.name;
    c.summary = C<float>::kInfo.summary;
    c.parameters = parameters.data();
    c.parameter_count = static_cast<std::uint32_t>(parameters.size());
    c.lifecycle[AESWEEP_F32] = &Lifecycle<C<float>>::kTable;
    c.lifecycle[AESWEEP_F64] = &Lifecycle<C<double>>::kTable;
    c.table[AESWEEP_F32] = &Table<C<float>, float>::kTable;
    c.table[AESWEEP_F64] = &Table<C<double>, double>::kTable;
    return c;
  }
  static constexpr aesweep_component kDescriptor = descriptor();
};

}  // namespace detail

template <template <class> class C>
constexpr const aesweep_component* activation() {
  return &detail::Component<AESWEEP_ACTIVATION, C, detail::TransformTable>::kDescriptor;
}
template <template <class> class C>
constexpr const aesweep_component* layer() {
  return &detail::Component<AESWEEP_LAYER, C, detail::TransformTable>::kDescriptor;
}
template <template <class> class C>
constexpr const aesweep_component* regularizer() {
  return &detail::Component<AESWEEP_REGULARIZER, C, detail::RegularizerTable>::kDescriptor;
}
template <template <class> class C>
constexpr const aesweep_component* quantizer() {
  return &detail::Component<AESWEEP_QUANTIZER, C, detail::QuantizerTable>::kDescriptor;
}
template <template <class> class C>
constexpr const aesweep_component* loss() {
  return &detail::Component<AESWEEP_LOSS, C, detail::LossTable>::kDescriptor;
}
template <template <class> class C>
constexpr const aesweep_component* optimizer() {
  return &detail::Component<AESWEEP_OPTIMIZER, C, detail::OptimizerTable>::kDescriptor;
}

}  // namespace aesweep::sdk
