// softplus: y = ln(1 + exp(b x)) / b = max(x, 0) + ln(1 + exp(-|b x|)) / b; dy/dx = sigmoid(b x).
// Above 0; exp(b x) / b far left, x far right, where nothing overflows. Infinities give the limits
// 0 and infinity, NaN gives NaN. b is the sharpness: 1 / b is about the width of the bend.
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Softplus {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "softplus", .summary = "y = ln(1 + exp(b x)) / b"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("sharpness", "b, how sharp the bend at 0 is", 1.0, sdk::between(1e-6, 1e6))};

  explicit Softplus(const sdk::Parameters& p) : b_(static_cast<Real>(p.real("sharpness"))) {}

  Chunk value(const Chunk& x) const {
    const Chunk far = -(b_ * x).abs();
    return x.max(Real(0)) + sdk::log1p_of_unit<Real>(sdk::exp_or_zero<Real>(far)) / b_;
  }
  Chunk derivative(const Chunk& x, const Chunk&) const { return sdk::sigmoid<Real>(b_ * x); }

 private:
  Real b_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("softplus", "0.1.0", sdk::elementwise<Softplus>());
