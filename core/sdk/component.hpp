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
// Members of the table for which C has no method are null. A method that could not be found, being
// private, overloaded or a template, does not compile (members.hpp).
//
// Here, and not in the component, shapes are checked: row counts agree, widths are the planned
// ones, strides are at least the width. Instances are const during calls, so calls from several
// threads are safe unless the author uses mutable or static data, which the ABI forbids.
#pragma once

#include <cstdint>
#include <span>

#include "core/abi/plugin.h"
#include "core/sdk/lifecycle.hpp"
#include "core/sdk/tables.hpp"

namespace aesweep::sdk {

// What a component says about itself. `flags` and `views` are those of aesweep_component.
struct Info {
  const char* name = nullptr;     // [a-z][a-z0-9_]*
  const char* summary = nullptr;  // One line: formula.
  std::uint32_t flags = 0;
  std::uint32_t views = 0;
};

namespace detail {

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
