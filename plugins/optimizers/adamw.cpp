// adamw: Adam with decoupled weight decay (Loshchilov & Hutter 2019), as in PyTorch:
//   w = (1 - lr weight_decay) w - Adam's step
// The rest of the formula, epsilon and extremes are in adam.hpp. lr is multiplied by the schedule's
// rate factor in both places, so the decay follows the schedule. Only tensors that may decay do: a
// layer's weights, not its bias, where PyTorch decays all that it is given.
#include "plugins/optimizers/adam.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class AdamW : public aesweep::AdamStep<Real> {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "adamw",
      .summary = "w = (1 - lr weight_decay) w - Adam's step, for weights; biases do not decay",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      aesweep::kAdamRate, aesweep::kAdamBeta1, aesweep::kAdamBeta2, aesweep::kAdamEpsilon,
      sdk::real("weight_decay", "Fraction of w taken off per unit of learning rate", 0.01,
                sdk::at_least(0))};

  explicit AdamW(const sdk::Parameters& p)
      : aesweep::AdamStep<Real>(p), weight_decay_(p.real("weight_decay")) {}

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const* state) const {
    const bool decays = (block.flags & AESWEEP_MAY_DECAY) != 0;
    const double keep = decays ? 1.0 - this->rate(context) * weight_decay_ : 1.0;
    this->descend(context, block, keep, w, gradient, state);
  }

 private:
  double weight_decay_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("adamw", "0.1.0", sdk::optimizer<AdamW>());
