// swish: y = x s, s = sigmoid(beta x); dy/dx = s (1 + beta x (1 - s)). At least -0.2785 / beta.
// 0 far left, x far right, also at the infinities; NaN gives NaN. beta = 1 is silu.
// Ramachandran, Zoph & Le 2017.
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Swish {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "swish", .summary = "y = x sigmoid(beta x)"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("beta", "How sharp the bend at 0 is", 1.0, sdk::inside(0, 1e6))};

  explicit Swish(const sdk::Parameters& p) : beta_(static_cast<Real>(p.real("beta"))) {}

  Chunk value(const Chunk& x) const {
    const Chunk s = sdk::sigmoid<Real>(beta_ * x);
    // Where s is 0, x may be infinite.
    return sdk::each_lane<Real>(
        [](Real in, Real share) { return share == Real(0) ? Real(0) : in * share; }, x, s);
  }
  Chunk derivative(const Chunk& x, const Chunk&) const {
    // 1 - s is sigmoid(-z). Beyond +-kEnd, one of s and 1 - s is 0 and the other 1.
    constexpr Real kEnd = Real(1000);
    const Chunk z = (beta_ * x).max(-kEnd).min(kEnd);
    return sdk::sigmoid<Real>(z) * (Real(1) + z * sdk::sigmoid<Real>(-z));
  }

 private:
  Real beta_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("swish", "0.1.0", sdk::elementwise<Swish>());
