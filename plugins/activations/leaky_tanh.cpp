// leaky_tanh: y = x in [-1, 1]; outside it goes on from the end with the slope given:
// +-(1 + slope (|x| - 1)). dy/dx = 1 where |x| < 1, else slope. Infinities stay (at slope 0 they
// give the ends), NaN gives NaN. Larq's activation of this name, slope 0.2.
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class LeakyTanh {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {
      .name = "leaky_tanh", .summary = "y = x in [-1, 1], outside +-(1 + slope (|x| - 1))"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("slope", "Slope outside [-1, 1]", 0.2, sdk::between(0, 1))};

  explicit LeakyTanh(const sdk::Parameters& p) : slope_(static_cast<Real>(p.real("slope"))) {}

  Chunk value(const Chunk& x) const {
    return sdk::each_lane<Real>(
        [slope = slope_](Real in) {
          const Real end = in < Real(0) ? Real(-1) : Real(1);
          const Real outside = slope == Real(0) ? end : end + slope * (in - end);
          return in < Real(-1) || in > Real(1) ? outside : in;
        },
        x);
  }
  // |y| < 1 exactly where |x| < 1, since the slope is not negative.
  Chunk derivative(const Chunk& y) const {
    return sdk::each_lane<Real>(
        [slope = slope_](Real out) { return out <= Real(-1) || out >= Real(1) ? slope : Real(1); },
        y);
  }

 private:
  Real slope_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("leaky_tanh", "0.1.0", sdk::elementwise<LeakyTanh>());
