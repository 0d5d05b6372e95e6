// Adam: the step that adam and adamw share. Kingma & Ba 2015, with PyTorch's placement of epsilon
// and bias correction, t = step + 1:
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//   w = keep w - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
// One pass over w, g, m and v; keep = 1 changes no bit of w. With epsilon = 0, a zero gradient in
// every step so far gives NaN.
#pragma once

#include <cmath>

#include "core/sdk/plugin.hpp"

namespace aesweep {

inline constexpr aesweep_parameter_info kAdamRate =
    sdk::real("lr", "Learning rate", 1e-3, sdk::at_least(0));
inline constexpr aesweep_parameter_info kAdamBeta1 =
    sdk::real("beta1", "Decay of the first moment", 0.9, sdk::from_to_below(0, 1));
inline constexpr aesweep_parameter_info kAdamBeta2 =
    sdk::real("beta2", "Decay of the second moment", 0.999, sdk::from_to_below(0, 1));
inline constexpr aesweep_parameter_info kAdamEpsilon =
    sdk::real("epsilon", "Added to the square root", 1e-8, sdk::at_least(0));

template <class Real>
class AdamStep {
 public:
  explicit AdamStep(const sdk::Parameters& p)
      : lr_(p.real("lr")),
        beta1_(p.real("beta1")),
        beta2_(p.real("beta2")),
        epsilon_(p.real("epsilon")) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const {
    plan.state("first_moment");
    plan.state("second_moment");
  }

  // The learning rate of this step, under the schedule.
  [[nodiscard]] double rate(const sdk::Context& context) const { return lr_ * context.rate_factor; }

 protected:
  void descend(const sdk::Context& context, const sdk::Block& block, double keep, Real* w,
               const Real* gradient, Real* const* state) const {
    const double t = static_cast<double>(context.step + 1);
    const Real step = Real(rate(context) / (1.0 - std::pow(beta1_, t)));
    const Real root_correction = Real(1.0 / std::sqrt(1.0 - std::pow(beta2_, t)));
    descend(static_cast<std::int64_t>(block.count), Real(keep), step, root_correction, w, gradient,
            state[0], state[1]);
  }

 private:
  void descend(std::int64_t count, Real keep, Real step, Real root_correction, Real* __restrict w,
               const Real* __restrict g, Real* __restrict m, Real* __restrict v) const {
    const Real keep1 = Real(beta1_), take1 = Real(1.0 - beta1_);
    const Real keep2 = Real(beta2_), take2 = Real(1.0 - beta2_);
    const Real epsilon = Real(epsilon_);
    for (std::int64_t i = 0; i < count; ++i) {
      m[i] = keep1 * m[i] + take1 * g[i];
      v[i] = keep2 * v[i] + take2 * (g[i] * g[i]);
      w[i] = keep * w[i] - step * m[i] / (std::sqrt(v[i]) * root_correction + epsilon);
    }
  }

  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
};

}  // namespace aesweep
