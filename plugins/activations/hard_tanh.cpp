// hard_tanh: y = x cut to [-1, 1]; dy/dx = 1 inside, 0 at the ends and outside. Infinities give
// the ends, NaN gives NaN. Collobert 2004.
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct HardTanh {
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "hard_tanh", .summary = "y = x cut to [-1, 1]"};

  Chunk value(const Chunk& x) const { return x.max(Real(-1)).min(Real(1)); }
  Chunk derivative(const Chunk& y) const {
    return sdk::each_lane<Real>(
        [](Real out) { return out <= Real(-1) || out >= Real(1) ? Real(0) : Real(1); }, y);
  }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("hard_tanh", "0.1.0", sdk::elementwise<HardTanh>());
