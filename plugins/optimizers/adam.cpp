// adam: Kingma & Ba 2015; formula, epsilon and extremes in adam.hpp. lr is multiplied by the
// schedule's rate factor.
#include "plugins/optimizers/adam.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Adam : public aesweep::AdamStep<Real> {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "adam",
      .summary = "w -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      aesweep::kAdamRate, aesweep::kAdamBeta1, aesweep::kAdamBeta2, aesweep::kAdamEpsilon};

  using aesweep::AdamStep<Real>::AdamStep;

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const* state) const {
    this->descend(context, block, 1.0, w, gradient, state);
  }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("adam", "0.1.0", sdk::optimizer<Adam>());
