// bop: the binary optimizer (Helwegen et al. 2019). It has no step; it flips signs:
//   m = m + gamma (g - m);   w = -sign(w) where w m > threshold, else sign(w);   sign(0) = +1
// Made for weights of +-1. Any other weight becomes its sign at its first update, as in Larq, after
// w m has been compared with w as it was; so give it the weights of quantized layers only
// (`on: quantized`), since a bias would become +-1, too. At w m = threshold nothing flips (Larq's
// code then gives +1). gamma is multiplied by the schedule's rate factor, as Larq schedules it; at
// factor 0, weights of +-1 stay: what w m > threshold called for was flipped at once, and a flip
// makes w m negative. Where w m is NaN, w becomes NaN, so that a diverging run is seen.
#include <cmath>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
void flip(std::int64_t count, Real gamma, Real threshold, Real* __restrict w,
          const Real* __restrict g, Real* __restrict m) {
  for (std::int64_t i = 0; i < count; ++i) {
    m[i] += gamma * (g[i] - m[i]);
    const Real agreement = w[i] * m[i];
    const Real sign = w[i] < Real(0) ? Real(-1) : Real(1);
    const Real kept = agreement <= threshold ? sign : agreement;  // NaN is what is left here.
    w[i] = agreement > threshold ? -sign : kept;
  }
}

template <class Real>
class Bop {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "bop",
      .summary = "m += gamma (g - m); flips w where w m > threshold",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("gamma", "Adaptivity: weight of the newest gradient in m", 1e-4,
                sdk::between(0, 1)),
      sdk::real("threshold", "w flips where w m exceeds it", 1e-8, sdk::at_least(0))};

  explicit Bop(const sdk::Parameters& p)
      : gamma_(p.real("gamma")), threshold_(p.real("threshold")) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const { plan.state("gradient_average"); }

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const* state) const {
    flip(static_cast<std::int64_t>(block.count), Real(gamma_ * context.rate_factor),
         Real(threshold_), w, gradient, state[0]);
  }

 private:
  double gamma_;
  double threshold_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("bop", "0.1.0", sdk::optimizer<Bop>());
