// leaky_relu: y = x for x > 0, else slope x. dy/dx = 1 where y > 0, else slope (also at x = 0). NaN
// gives NaN. The slope is not negative, so the sign of y tells the side of x.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class LeakyRelu {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "leaky_relu",
                                      .summary = "y = x where x > 0, else slope x"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("slope", "Factor of negative inputs", 0.01, sdk::at_least(0))};

  explicit LeakyRelu(const sdk::Parameters& p) : slope_(static_cast<Real>(p.real("slope"))) {}

  Chunk value(const Chunk& x) const { return (x > Real(0)).select(x, slope_ * x); }
  Chunk derivative(const Chunk& y) const {
    return (y > Real(0)).select(Chunk::Ones(), Chunk::Constant(slope_));
  }

 private:
  Real slope_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("leaky_relu", "0.1.0", sdk::elementwise<LeakyRelu>());
