// adam: Kingma & Ba 2015, with PyTorch's placement of epsilon and bias correction, t = step + 1:
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//   w -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
// One pass over w, g, m and v. With epsilon = 0, a zero gradient in every step so far gives NaN.
#include <cmath>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Adam {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "adam",
      .summary = "w -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("lr", "Learning rate", 1e-3, sdk::at_least(0)),
      sdk::real("beta1", "Decay of the first moment", 0.9, sdk::from_to_below(0, 1)),
      sdk::real("beta2", "Decay of the second moment", 0.999, sdk::from_to_below(0, 1)),
      sdk::real("epsilon", "Added to the square root", 1e-8, sdk::at_least(0))};

  explicit Adam(const sdk::Parameters& p)
      : lr_(p.real("lr")),
        beta1_(p.real("beta1")),
        beta2_(p.real("beta2")),
        epsilon_(p.real("epsilon")) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const {
    plan.state("first_moment");
    plan.state("second_moment");
  }

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const* state) const {
    const double t = static_cast<double>(context.step + 1);
    const Real step = Real(lr_ / (1.0 - std::pow(beta1_, t)));
    const Real root_correction = Real(1.0 / std::sqrt(1.0 - std::pow(beta2_, t)));
    descend(static_cast<std::int64_t>(block.count), step, root_correction, w, gradient, state[0],
            state[1]);
  }

 private:
  void descend(std::int64_t count, Real step, Real root_correction, Real* __restrict w,
               const Real* __restrict g, Real* __restrict m, Real* __restrict v) const {
    const Real keep1 = Real(beta1_), take1 = Real(1.0 - beta1_);
    const Real keep2 = Real(beta2_), take2 = Real(1.0 - beta2_);
    const Real epsilon = Real(epsilon_);
    for (std::int64_t i = 0; i < count; ++i) {
      m[i] = keep1 * m[i] + take1 * g[i];
      v[i] = keep2 * v[i] + take2 * (g[i] * g[i]);
      w[i] -= step * m[i] / (std::sqrt(v[i]) * root_correction + epsilon);
    }
  }

  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("adam", "0.1.0", sdk::optimizer<Adam>());
