// ste_heaviside: q = 1 where w > 0, else 0 (of either zero, too); dw = dq where |w| <= clip_value,
// else 0. Larq's SteHeaviside. clip_value 0 lets all gradients pass. NaN gives NaN.
#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct SteHeaviside {
  static constexpr sdk::Info kInfo = {
      .name = "ste_heaviside",
      .summary = "q = 1 where w > 0, else 0; dw = dq where |w| <= clip_value"};
  static constexpr aesweep_parameter_info kParameters[] = {aesweep::kClipValue,
                                                           aesweep::kWeightClip};

  explicit SteHeaviside(const sdk::Parameters& p)
      : clip(aesweep::bound_or_none<Real>(p.real("clip_value"))), weight_clip(p) {}

  Real value(Real w) const { return w > Real(0) ? Real(1) : (w <= Real(0) ? Real(0) : w); }
  Real gradient(Real w, Real dq) const { return aesweep::straight_through(w, dq, clip); }

  Real clip;
  aesweep::WeightClip<Real> weight_clip;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("ste_heaviside", "0.1.0", aesweep::pointwise_quantizer<SteHeaviside>());
