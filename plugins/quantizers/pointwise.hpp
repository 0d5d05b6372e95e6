// Pointwise: quantizers that map each weight by itself, from two formulas on one number.
//
// Formula<Real> has kInfo, kParameters and a constructor as any component, and
//   Real value(Real w) const                   q
//   Real gradient(Real w, Real dq) const       dL/dw from dL/dq
// in operations that are rounded alike in vectors and alone (sums, products, quotients, choices),
// which keeps the loops free to be vectorized and an element's bits free of its position.
// Formulas with a member weight_clip (WeightClip) constrain the weights after each update.
#pragma once

#include <cmath>
#include <limits>

#include "core/sdk/plugin.hpp"

namespace aesweep {

// out[i] = f(in[i]...) for i in [0, count). out may not overlap any in.
template <class Real, class F, class... In>
void map_weights(std::int64_t count, Real* __restrict out, const F& f, const In* __restrict... in) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = f(in[i]...);
}

// gradient[i] = f(w[i], gradient[i]).
template <class Real, class F>
void map_gradient(std::int64_t count, Real* __restrict gradient, const Real* __restrict w,
                  const F& f) {
  for (std::int64_t i = 0; i < count; ++i) gradient[i] = f(w[i], gradient[i]);
}

// -1 below 0, +1 for either zero and above, NaN for NaN.
template <class Real>
Real sign_of(Real w) {
  return w < Real(0) ? Real(-1) : (w >= Real(0) ? Real(1) : w);
}

// A bound that 0 turns off.
template <class Real>
Real bound_or_none(double bound) {
  return bound == 0.0 ? std::numeric_limits<Real>::infinity() : static_cast<Real>(bound);
}

inline constexpr aesweep_parameter_info kClipValue = sdk::real(
    "clip_value", "The gradient is 0 where |w| exceeds it; 0: nowhere", 1.0, sdk::at_least(0));

// The gradient of a clipped identity, which stands for that of a step: dq where |w| <= clip (and
// for NaN), else 0.
template <class Real>
Real straight_through(Real w, Real dq, Real clip) {
  return std::abs(w) > clip ? Real(0) : dq;
}

// w[i] = clip(w[i], -limit, limit); NaN stays NaN.
template <class Real>
void clip_weights(std::int64_t count, Real limit, Real* w) {
  for (std::int64_t i = 0; i < count; ++i) {
    const Real below = w[i] > limit ? limit : w[i];
    w[i] = below < -limit ? -limit : below;
  }
}

inline constexpr aesweep_parameter_info kWeightClip =
    sdk::real("weight_clip", "Bound of |w| after each update; 0: none", 0.0, sdk::at_least(0));

// Larq's constraint of that name.
template <class Real>
class WeightClip {
 public:
  explicit WeightClip(const sdk::Parameters& p)
      : limit_(bound_or_none<Real>(p.real("weight_clip"))) {}

  void apply(const sdk::Block& block, Real* w) const {
    if (limit_ == std::numeric_limits<Real>::infinity()) return;
    clip_weights(static_cast<std::int64_t>(block.count), limit_, w);
  }

 private:
  Real limit_;
};

template <template <class> class Formula>
struct Pointwise {
  template <class Real>
  class Plain : public Formula<Real> {
   public:
    static constexpr sdk::Info kInfo = {
        .name = Formula<Real>::kInfo.name,
        .summary = Formula<Real>::kInfo.summary,
        .flags = Formula<Real>::kInfo.flags | AESWEEP_ELEMENTWISE | AESWEEP_SURROGATE};

    using Formula<Real>::Formula;

    void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q,
                  void*) const {
      const Formula<Real> formula = *this;  // In registers: q could be the instance, for all the
      map_weights(                          // compiler knows.
          static_cast<std::int64_t>(block.count), q, [formula](Real x) { return formula.value(x); },
          w);
    }

    void backward(const sdk::Context&, const sdk::Block& block, const Real* w, Real* gradient,
                  const void*) const {
      const Formula<Real> formula = *this;
      map_gradient(static_cast<std::int64_t>(block.count), gradient, w,
                   [formula](Real x, Real dq) { return formula.gradient(x, dq); });
    }
  };

  template <class Real>
  class Clipped : public Plain<Real> {
   public:
    using Plain<Real>::Plain;

    void after_update(const sdk::Context&, const sdk::Block& block, const Real*, Real* w) const {
      this->weight_clip.apply(block, w);
    }
  };
};

// The component made of a formula.
template <template <class> class Formula>
constexpr const aesweep_component* pointwise_quantizer() {
  if constexpr (requires(const Formula<float>& f) { f.weight_clip; }) {
    return sdk::quantizer<Pointwise<Formula>::template Clipped>();
  } else {
    return sdk::quantizer<Pointwise<Formula>::template Plain>();
  }
}

}  // namespace aesweep
