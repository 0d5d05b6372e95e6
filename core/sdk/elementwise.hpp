// Element-wise activations from a formula and its derivative.
//
// A formula is a class template with kInfo (and kParameters with a constructor, as in
// component.hpp) and two const methods over chunks, fixed-size Eigen arrays:
//   Chunk<Real> value(const Chunk<Real>& x) const           y
//   Chunk<Real> derivative(const Chunk<Real>& y) const      dy/dx from y alone: runs in place
// or
//   Chunk<Real> derivative(const Chunk<Real>& x, const Chunk<Real>& y) const
// Use Eigen's functions (exp, tanh, max, select, ...), which are vectorized. NaN should give NaN.
#pragma once

#include "core/sdk/chunks.hpp"
#include "core/sdk/component.hpp"

namespace aesweep::sdk {

namespace detail {

template <template <class> class Formula>
struct Elementwise {
  template <class Real>
  class Activation : public Formula<Real> {
   public:
    static constexpr bool kFromOutput = requires(const Formula<Real>& f, const Chunk<Real>& y) {
      f.derivative(y);
    };
    static constexpr Info kInfo = {.name = Formula<Real>::kInfo.name,
                                   .summary = Formula<Real>::kInfo.summary,
                                   .flags = Formula<Real>::kInfo.flags | AESWEEP_ELEMENTWISE |
                                            (kFromOutput ? std::uint32_t{AESWEEP_IN_PLACE} : 0u)};

    using Formula<Real>::Formula;

    void forward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
                 const Matrix<Real>& y) const {
      for_each_chunk<Real>(
          y, [&](const Chunk<Real>& in) { return this->value(in); }, x);
    }

    void backward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
                  const ConstMatrix<Real>& y, const ConstMatrix<Real>& dy,
                  const Matrix<Real>* dx) const {
      if (dx == nullptr) return;
      if constexpr (kFromOutput) {
        for_each_chunk<Real>(
            *dx,
            [&](const Chunk<Real>& out, const Chunk<Real>& grad) -> Chunk<Real> {
              return grad * this->derivative(out);
            },
            y, dy);
      } else {
        for_each_chunk<Real>(
            *dx,
            [&](const Chunk<Real>& in, const Chunk<Real>& out, const Chunk<Real>& grad)
                -> Chunk<Real> { return grad * this->derivative(in, out); },
            x, y, dy);
      }
    }
  };
};

}  // namespace detail

template <template <class> class Formula>
constexpr const aesweep_component* elementwise() {
  return activation<detail::Elementwise<Formula>::template Activation>();
}

}  // namespace aesweep::sdk
