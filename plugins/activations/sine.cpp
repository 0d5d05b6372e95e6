// sine: y = sin(w x), dy/dx = w cos(w x), w the frequency in radians per unit of x. In [-1, 1].
// The rounding of w x is an error of eps |w x| / 2 in the angle. Infinity has no limit and gives
// NaN, as does NaN; a product that overflows is cut to the largest number. Sitzmann, Martel,
// Bergman, Lindell & Wetzstein 2020, whose first layer has w = 30.
#include <limits>

#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Sine {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "sine", .summary = "y = sin(frequency x)"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("frequency", "Radians per unit of x", 1.0, sdk::inside(0, 1e6))};

  explicit Sine(const sdk::Parameters& p) : frequency_(static_cast<Real>(p.real("frequency"))) {}

  Chunk value(const Chunk& x) const { return sine_of(angle(x)); }
  Chunk derivative(const Chunk& x, const Chunk&) const { return frequency_ * cosine_of(angle(x)); }

 private:
  Chunk angle(const Chunk& x) const {
    constexpr Real kMost = std::numeric_limits<Real>::max();
    // x - x is NaN for infinities, else 0.
    return (frequency_ * x).max(-kMost).min(kMost) + (x - x);
  }

  // GCC 12 would leave the constants in Eigen's packet functions as calls, ten times slower.
  [[gnu::flatten]] static Chunk sine_of(const Chunk& a) { return a.sin(); }
  [[gnu::flatten]] static Chunk cosine_of(const Chunk& a) { return a.cos(); }

  Real frequency_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("sine", "0.1.0", sdk::elementwise<Sine>());
