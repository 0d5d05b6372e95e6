// adagrad: Duchi, Hazan & Singer 2011, with PyTorch's placement of epsilon:
//   s += g^2,   w -= lr g / (sqrt(s) + epsilon),   s = initial_accumulator at first
// lr is multiplied by the schedule's rate factor. With epsilon = 0 and an accumulator still at 0, a
// zero gradient gives NaN.
#include <cmath>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
void descend(std::int64_t count, Real lr, Real epsilon, Real* __restrict w,
             const Real* __restrict g, Real* __restrict s) {
  for (std::int64_t i = 0; i < count; ++i) {
    s[i] += g[i] * g[i];
    w[i] -= lr * g[i] / (std::sqrt(s[i]) + epsilon);
  }
}

template <class Real>
class Adagrad {
 public:
  static constexpr sdk::Info kInfo = {.name = "adagrad",
                                      .summary = "s += g^2; w -= lr g / (sqrt(s) + epsilon)",
                                      .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("lr", "Learning rate", 0.01, sdk::at_least(0)),
      sdk::real("epsilon", "Added to the square root", 1e-10, sdk::at_least(0)),
      sdk::real("initial_accumulator", "s before the first step", 0.0, sdk::at_least(0))};

  explicit Adagrad(const sdk::Parameters& p)
      : lr_(p.real("lr")), epsilon_(p.real("epsilon")), initial_(p.real("initial_accumulator")) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const { plan.state("accumulator", initial_); }

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const* state) const {
    const Real lr = Real(lr_ * context.rate_factor);
    descend(static_cast<std::int64_t>(block.count), lr, Real(epsilon_), w, gradient, state[0]);
  }

 private:
  double lr_;
  double epsilon_;
  double initial_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("adagrad", "0.1.0", sdk::optimizer<Adagrad>());
