// hard_sigmoid: y = (x + 1) / 2 cut to [0, 1]; dy/dx = 1/2 inside, 0 at the ends and outside.
// Infinities give the ends, NaN gives NaN. BinaryConnect's (Courbariaux, Bengio & David 2015);
// other libraries give this name to other slopes.
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct HardSigmoid {
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "hard_sigmoid",
                                      .summary = "y = (x + 1) / 2 cut to [0, 1]"};

  Chunk value(const Chunk& x) const {
    return (Real(0.5) * x + Real(0.5)).max(Real(0)).min(Real(1));
  }
  Chunk derivative(const Chunk& y) const {
    return sdk::each_lane<Real>(
        [](Real out) { return out <= Real(0) || out >= Real(1) ? Real(0) : Real(0.5); }, y);
  }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("hard_sigmoid", "0.1.0", sdk::elementwise<HardSigmoid>());
