// approx_sign: q = sign(w) with sign(0) = +1 (of either zero), gradient of a piecewise quadratic:
// dw = (2 - 2 |w|) dq where |w| <= 1, else 0. Liu et al. 2018 (Bi-Real Net); Larq's ApproxSign.
// NaN gives NaN, in the gradient, too.
#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct ApproxSign {
  static constexpr sdk::Info kInfo = {.name = "approx_sign",
                                      .summary = "q = sign(w); dw = (2 - 2 |w|) dq where |w| <= 1"};
  static constexpr aesweep_parameter_info kParameters[] = {aesweep::kWeightClip};

  explicit ApproxSign(const sdk::Parameters& p) : weight_clip(p) {}

  Real value(Real w) const { return aesweep::sign_of(w); }
  Real gradient(Real w, Real dq) const {
    const Real size = std::abs(w);
    return size > Real(1) ? Real(0) : (Real(2) - Real(2) * size) * dq;
  }

  aesweep::WeightClip<Real> weight_clip;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("approx_sign", "0.1.0", aesweep::pointwise_quantizer<ApproxSign>());
