// elu: y = x for x > 0, else alpha (exp(x) - 1); dy/dx = 1 for x > 0, else alpha exp(x) (alpha at
// 0). In (-alpha, infinity); -alpha from about x = -17 (single precision) on. Accurate near 0.
// Infinities give the limits, NaN gives NaN. Clevert, Unterthiner & Hochreiter 2016.
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Elu {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "elu",
                                      .summary = "y = x where x > 0, else alpha (exp(x) - 1)"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("alpha", "Minus the limit on the left", 1.0, sdk::between(0, 1e6))};

  explicit Elu(const sdk::Parameters& p) : alpha_(static_cast<Real>(p.real("alpha"))) {}

  Chunk value(const Chunk& x) const {
    const Chunk left = alpha_ * sdk::expm1_of_negative<Real>(x.min(Real(0)));
    return sdk::each_lane<Real>([](Real in, Real low) { return in > Real(0) ? in : low; }, x, left);
  }
  Chunk derivative(const Chunk& x, const Chunk&) const {
    const Chunk left = alpha_ * sdk::exp_or_zero<Real>(x.min(Real(0)));
    return sdk::each_lane<Real>([](Real in, Real low) { return in > Real(0) ? Real(1) : low; }, x,
                                left);
  }

 private:
  Real alpha_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("elu", "0.1.0", sdk::elementwise<Elu>());
