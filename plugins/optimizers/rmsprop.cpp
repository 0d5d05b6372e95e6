// rmsprop: Tieleman & Hinton 2012, as in PyTorch:
//   s = alpha s + (1 - alpha) g^2,   d = sqrt(s) + epsilon
//   centered: a = alpha a + (1 - alpha) g,   d = sqrt(s - a^2) + epsilon   (Graves 2013)
//   w -= lr g / d;   with momentum: v = momentum v + g / d,   w -= lr v
// Slots exist only for what is configured. lr is multiplied by the schedule's rate factor. Where
// rounding makes s - a^2 negative, it counts as 0 (PyTorch gives NaN); d is then epsilon. With
// epsilon = 0, a zero gradient in every step so far gives NaN.
#include <cmath>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Rmsprop {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "rmsprop",
      .summary = "s = alpha s + (1 - alpha) g^2; w -= lr g / (sqrt(s) + epsilon)",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("lr", "Learning rate", 0.01, sdk::at_least(0)),
      sdk::real("alpha", "Decay of the mean squared gradient", 0.99, sdk::from_to_below(0, 1)),
      sdk::real("epsilon", "Added to the square root", 1e-8, sdk::at_least(0)),
      sdk::real("momentum", "Decay of the velocity", 0.0, sdk::from_to_below(0, 1)),
      sdk::boolean("centered", "Divide by the deviation, not the root mean square", false)};

  explicit Rmsprop(const sdk::Parameters& p)
      : lr_(p.real("lr")),
        alpha_(p.real("alpha")),
        epsilon_(p.real("epsilon")),
        momentum_(p.real("momentum")),
        centered_(p.boolean("centered")) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const {
    plan.state("square_average");
    if (centered_) plan.state("gradient_average");
    if (momentum_ != 0.0) plan.state("velocity");
  }

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const* state) const {
    const auto count = static_cast<std::int64_t>(block.count);
    const Real lr = Real(lr_ * context.rate_factor);
    Real* average = centered_ ? state[1] : nullptr;
    Real* velocity = momentum_ != 0.0 ? state[centered_ ? 2 : 1] : nullptr;
    if (centered_ && momentum_ != 0.0) {
      descend<true, true>(count, lr, w, gradient, state[0], average, velocity);
    } else if (centered_) {
      descend<true, false>(count, lr, w, gradient, state[0], average, velocity);
    } else if (momentum_ != 0.0) {
      descend<false, true>(count, lr, w, gradient, state[0], average, velocity);
    } else {
      descend<false, false>(count, lr, w, gradient, state[0], average, velocity);
    }
  }

 private:
  template <bool kCentered, bool kMomentum>
  void descend(std::int64_t count, Real lr, Real* __restrict w, const Real* __restrict g,
               Real* __restrict s, Real* __restrict a, Real* __restrict v) const {
    const Real keep = Real(alpha_), take = Real(1.0 - alpha_);
    const Real epsilon = Real(epsilon_), momentum = Real(momentum_);
    for (std::int64_t i = 0; i < count; ++i) {
      s[i] = keep * s[i] + take * (g[i] * g[i]);
      Real variance = s[i];
      if constexpr (kCentered) {
        a[i] = keep * a[i] + take * g[i];
        variance -= a[i] * a[i];
        variance = variance < Real(0) ? Real(0) : variance;
      }
      Real step = g[i] / (std::sqrt(variance) + epsilon);
      if constexpr (kMomentum) {
        v[i] = momentum * v[i] + step;
        step = v[i];
      }
      w[i] -= lr * step;
    }
  }

  double lr_;
  double alpha_;
  double epsilon_;
  double momentum_;
  bool centered_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("rmsprop", "0.1.0", sdk::optimizer<Rmsprop>());
