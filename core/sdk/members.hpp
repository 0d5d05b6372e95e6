// Which optional members a component has, so that none is left out without a word.
//
// A method is offered to the host if its address can be taken. That of a private one, of one of
// several with its name, of one whose constraints fail or of a template cannot; what has the name
// all the same is an error here, at compile time. Part of component.hpp.
#pragma once

#include <type_traits>

namespace aesweep::sdk::detail {

// Trait::in<C>: whether class C has a member `name`, whatever it is, or inherits it. If it does,
// `name` in a class with two bases that have one is ambiguous. A final class is taken to have none.
#define AESWEEP_SDK_NAMES(Trait, name)                                          \
  struct Trait {                                                                \
    struct Other {                                                              \
      int name;                                                                 \
    };                                                                          \
    struct Nothing {};                                                          \
    template <class C>                                                          \
    struct Both : std::conditional_t<std::is_final_v<C>, Nothing, C>, Other {}; \
    template <class C>                                                          \
    static constexpr bool in = !requires {                                      \
      &Both<C>::name;                                                           \
    };                                                                          \
  }

// OffersX::in<C>(): whether the host can be given C's method `name`.
#define AESWEEP_SDK_OFFERS(Offer, name)                                                           \
  AESWEEP_SDK_NAMES(Names##Offer, name);                                                          \
  struct Offers##Offer {                                                                          \
    template <class C>                                                                            \
    static constexpr bool in() {                                                                  \
      constexpr bool found = requires { &C::name; };                                              \
      static_assert(found || !Names##Offer::in<C>,                                                \
                    #name " must be public, and neither overloaded, constrained nor a template"); \
      return found;                                                                               \
    }                                                                                             \
  }

AESWEEP_SDK_NAMES(NamesParameters, kParameters);
AESWEEP_SDK_NAMES(NamesPlan, plan);
AESWEEP_SDK_OFFERS(Accumulate, accumulate);
AESWEEP_SDK_OFFERS(EndStep, end_step);
AESWEEP_SDK_OFFERS(OnActivations, on_activations);
AESWEEP_SDK_OFFERS(OnParameterBlock, on_parameter_block);
AESWEEP_SDK_OFFERS(OnLayerParameters, on_layer_parameters);
AESWEEP_SDK_OFFERS(Backward, backward);
AESWEEP_SDK_OFFERS(AfterUpdate, after_update);

#undef AESWEEP_SDK_OFFERS
#undef AESWEEP_SDK_NAMES

}  // namespace aesweep::sdk::detail
