// sgd: gradient descent with classical momentum, as in PyTorch with dampening 0:
//   v = momentum v + g,   w -= lr v
// Without momentum there is no state, and v = g. lr is multiplied by the schedule's rate factor.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
void descend(std::int64_t count, Real lr, Real* __restrict w, const Real* __restrict g) {
  for (std::int64_t i = 0; i < count; ++i) w[i] -= lr * g[i];
}

template <class Real>
void descend(std::int64_t count, Real lr, Real momentum, Real* __restrict w,
             const Real* __restrict g, Real* __restrict v) {
  for (std::int64_t i = 0; i < count; ++i) {
    v[i] = momentum * v[i] + g[i];
    w[i] -= lr * v[i];
  }
}

template <class Real>
class Sgd {
 public:
  static constexpr sdk::Info kInfo = {.name = "sgd",
                                      .summary = "v = momentum v + g; w -= lr v",
                                      .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("lr", "Learning rate", 0.01, sdk::at_least(0)),
      sdk::real("momentum", "Decay of the velocity", 0.0, sdk::from_to_below(0, 1))};

  explicit Sgd(const sdk::Parameters& p) : lr_(p.real("lr")), momentum_(p.real("momentum")) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const {
    if (momentum_ != 0.0) plan.state("velocity");
  }

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const* state) const {
    const auto count = static_cast<std::int64_t>(block.count);
    const Real lr = Real(lr_ * context.rate_factor);
    if (momentum_ == 0.0) {
      descend(count, lr, w, gradient);
    } else {
      descend(count, lr, Real(momentum_), w, gradient, state[0]);
    }
  }

 private:
  double lr_;
  double momentum_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("sgd", "0.1.0", sdk::optimizer<Sgd>());
