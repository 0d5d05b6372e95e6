// selu: y = scale x for x > 0, else scale alpha (exp(x) - 1), with the two constants for which
// units of mean 0 and variance 1 stay so: alpha = 1.67326..., scale = 1.05070... (Klambauer,
// Unterthiner, Mayr & Hochreiter 2017). dy/dx = scale for x > 0, else scale alpha exp(x). In
// (-1.7581, infinity). Infinities give the limits, NaN gives NaN; finite up to scale times the
// largest number, where the product overflows and is cut there.
#include <limits>

#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr double kAlpha = 1.6732632423543772848170429916717;
constexpr double kScale = 1.0507009873554804934193349852946;

template <class Real>
struct Selu {
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {
      .name = "selu", .summary = "y = 1.0507 x where x > 0, else 1.7581 (exp(x) - 1)"};

  Chunk value(const Chunk& x) const {
    const Chunk left = Real(kScale * kAlpha) * sdk::expm1_of_negative<Real>(x.min(Real(0)));
    return sdk::each_lane<Real>(
        [](Real in, Real low) {
          // Infinity stays; a finite number does not become one.
          constexpr Real kMost = std::numeric_limits<Real>::max();
          const Real right = in > kMost / Real(kScale) && in <= kMost ? kMost : Real(kScale) * in;
          return in > Real(0) ? right : low;
        },
        x, left);
  }
  Chunk derivative(const Chunk& x, const Chunk&) const {
    const Chunk left = Real(kScale * kAlpha) * sdk::exp_or_zero<Real>(x.min(Real(0)));
    return sdk::each_lane<Real>([](Real in, Real low) { return in > Real(0) ? Real(kScale) : low; },
                                x, left);
  }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("selu", "0.1.0", sdk::elementwise<Selu>());
