// adamax: Adam under the infinity norm (Kingma & Ba 2015, section 7.1), t = step + 1:
//   m = beta1 m + (1 - beta1) g,   u = max(beta2 u, |g| + epsilon)
//   w -= lr / (1 - beta1^t) * m / u
// Epsilon stands inside the norm, as in PyTorch; Keras adds it to u instead, which differs by a
// relative epsilon / |g| at most. Defaults are PyTorch's; Keras 3 has lr 1e-3 and epsilon 1e-7. lr
// is multiplied by the schedule's rate factor. With epsilon = 0, a zero gradient in every step so
// far gives NaN.
#include <cmath>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Adamax {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "adamax",
      .summary = "u = max(beta2 u, |g| + epsilon); w -= lr / (1 - beta1^t) * m / u",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("lr", "Learning rate", 2e-3, sdk::at_least(0)),
      sdk::real("beta1", "Decay of the first moment", 0.9, sdk::from_to_below(0, 1)),
      sdk::real("beta2", "Decay of the infinity norm", 0.999, sdk::from_to_below(0, 1)),
      sdk::real("epsilon", "Added to |g|", 1e-8, sdk::at_least(0))};

  explicit Adamax(const sdk::Parameters& p)
      : lr_(p.real("lr")),
        beta1_(p.real("beta1")),
        beta2_(p.real("beta2")),
        epsilon_(p.real("epsilon")) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const {
    plan.state("first_moment");
    plan.state("infinity_norm");
  }

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const* state) const {
    const double t = static_cast<double>(context.step + 1);
    const Real step = Real(lr_ * context.rate_factor / (1.0 - std::pow(beta1_, t)));
    descend(static_cast<std::int64_t>(block.count), step, w, gradient, state[0], state[1]);
  }

 private:
  void descend(std::int64_t count, Real step, Real* __restrict w, const Real* __restrict g,
               Real* __restrict m, Real* __restrict u) const {
    const Real keep1 = Real(beta1_), take1 = Real(1.0 - beta1_);
    const Real keep2 = Real(beta2_), epsilon = Real(epsilon_);
    for (std::int64_t i = 0; i < count; ++i) {
      const Real old = keep2 * u[i], size = std::abs(g[i]) + epsilon;
      m[i] = keep1 * m[i] + take1 * g[i];
      u[i] = old > size ? old : size;  // Here NaN comes through.
      w[i] -= step * m[i] / u[i];
    }
  }

  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("adamax", "0.1.0", sdk::optimizer<Adamax>());
