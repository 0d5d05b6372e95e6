// nesterov: gradient descent with Nesterov's momentum, in the form of Sutskever et al. 2013 that
// PyTorch uses (dampening 0), which looks ahead by one step of the velocity:
//   v = momentum v + g,   w -= lr (g + momentum v)
// lr is multiplied by the schedule's rate factor. With momentum = 0 this is plain descent.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
void descend(std::int64_t count, Real lr, Real momentum, Real* __restrict w,
             const Real* __restrict g, Real* __restrict v) {
  for (std::int64_t i = 0; i < count; ++i) {
    v[i] = momentum * v[i] + g[i];
    w[i] -= lr * (g[i] + momentum * v[i]);
  }
}

template <class Real>
class Nesterov {
 public:
  static constexpr sdk::Info kInfo = {.name = "nesterov",
                                      .summary = "v = momentum v + g; w -= lr (g + momentum v)",
                                      .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("lr", "Learning rate", 0.01, sdk::at_least(0)),
      sdk::real("momentum", "Decay of the velocity", 0.9, sdk::from_to_below(0, 1))};

  explicit Nesterov(const sdk::Parameters& p) : lr_(p.real("lr")), momentum_(p.real("momentum")) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const { plan.state("velocity"); }

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const* state) const {
    descend(static_cast<std::int64_t>(block.count), Real(lr_ * context.rate_factor),
            Real(momentum_), w, gradient, state[0]);
  }

 private:
  double lr_;
  double momentum_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("nesterov", "0.1.0", sdk::optimizer<Nesterov>());
