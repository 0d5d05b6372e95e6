// clamped_binary: q = scale sign(w) with sign(0) = +1 (of either zero); dw = scale dq where
// |w| <= scale, else 0. Brevitas' ClampedBinaryQuant with a constant scale: the gradient of the
// scaled sign is the scale, and the clamp before it lets none through outside. NaN gives NaN.
// `binary` is the form without the clamp and with gradient 1.
#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct ClampedBinary {
  static constexpr sdk::Info kInfo = {
      .name = "clamped_binary", .summary = "q = scale sign(w); dw = scale dq where |w| <= scale"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("scale", "Absolute value of every quantized weight", 0.1, sdk::above(0))};

  explicit ClampedBinary(const sdk::Parameters& p) : scale(static_cast<Real>(p.real("scale"))) {}

  Real value(Real w) const { return scale * aesweep::sign_of(w); }
  Real gradient(Real w, Real dq) const { return aesweep::straight_through(w, scale * dq, scale); }

  Real scale;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("clamped_binary", "0.1.0", aesweep::pointwise_quantizer<ClampedBinary>());
