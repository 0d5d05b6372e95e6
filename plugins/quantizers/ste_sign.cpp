// ste_sign: q = sign(w) with sign(0) = +1 (of either zero), gradient of the identity clipped to
// [-clip_value, clip_value]: dw = dq where |w| <= clip_value, else 0. Courbariaux et al. 2016
// (binarized neural networks); Larq's SteSign. clip_value 0 lets all gradients pass. NaN gives NaN.
#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct SteSign {
  static constexpr sdk::Info kInfo = {.name = "ste_sign",
                                      .summary = "q = sign(w); dw = dq where |w| <= clip_value"};
  static constexpr aesweep_parameter_info kParameters[] = {aesweep::kClipValue,
                                                           aesweep::kWeightClip};

  explicit SteSign(const sdk::Parameters& p)
      : clip(aesweep::bound_or_none<Real>(p.real("clip_value"))), weight_clip(p) {}

  Real value(Real w) const { return aesweep::sign_of(w); }
  Real gradient(Real w, Real dq) const { return aesweep::straight_through(w, dq, clip); }

  Real clip;
  aesweep::WeightClip<Real> weight_clip;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("ste_sign", "0.1.0", aesweep::pointwise_quantizer<SteSign>());
