// The life of a component's instance behind the ABI: create, plan, destroy.
//
// The host owns the instance, and everything in it lives until destroy. Part of component.hpp,
// which says what a component has; authors include plugin.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "core/abi/plugin.h"
#include "core/sdk/failure.hpp"
#include "core/sdk/members.hpp"
#include "core/sdk/parameters.hpp"
#include "core/sdk/plan.hpp"
#include "core/sdk/types.hpp"

namespace aesweep::sdk::detail {

template <class C>
constexpr std::span<const aesweep_parameter_info> declared() {
  constexpr bool readable = requires { C::kParameters; };
  static_assert(readable || !NamesParameters::in<C>, "kParameters must be public");
  if constexpr (readable) {
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
      self.request.tensors = nullptr;  // Ends with this call.
      self.request.tensor_count = 0;
      self.plan = Plan();
      self.plan.output_cols = request->input_cols;
      constexpr bool callable = requires { self.component.plan(*request, self.plan); };
      static_assert(callable || !NamesPlan::in<C>,
                    "plan must be public and take (const Request&, Plan&)");
      if constexpr (callable) {
        self.component.plan(*request, self.plan);
      }
      self.plan.publish(*out);
    });
  }

  static constexpr aesweep_lifecycle kTable = {sizeof(aesweep_lifecycle), 0, &create, &destroy,
                                               &plan};
};

}  // namespace aesweep::sdk::detail
