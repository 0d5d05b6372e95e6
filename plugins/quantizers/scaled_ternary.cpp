// scaled_ternary: q = scale sign(w) where |w| > threshold scale, else 0; dw = scale dq there, else
// 0. Brevitas' TernaryQuant with a constant scale: a weight inside the dead zone gets no gradient.
// At |w| = threshold scale, q = 0. NaN gives NaN, and passes the gradient.
#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct ScaledTernary {
  static constexpr sdk::Info kInfo = {
      .name = "scaled_ternary",
      .summary = "q = scale sign(w), dw = scale dq where |w| > threshold scale, else 0"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("scale", "Absolute value of the quantized weights that are not 0", 0.1,
                sdk::above(0)),
      sdk::real("threshold", "Half width of the dead zone, in units of scale", 0.5,
                sdk::at_least(0))};

  explicit ScaledTernary(const sdk::Parameters& p)
      : scale(static_cast<Real>(p.real("scale"))),
        bound(static_cast<Real>(p.real("threshold") * p.real("scale"))) {}

  Real value(Real w) const { return std::abs(w) <= bound ? Real(0) : scale * aesweep::sign_of(w); }
  Real gradient(Real w, Real dq) const { return std::abs(w) <= bound ? Real(0) : scale * dq; }

  Real scale;
  Real bound;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("scaled_ternary", "0.1.0", aesweep::pointwise_quantizer<ScaledTernary>());
