// heaviside: y = 1 for x > 0, else 0 (also at 0). Surrogate gradient: 1 where |x| <= clip, else 0.
// Infinities give the ends, NaN gives NaN. Larq's SteHeaviside.
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Heaviside {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {
      .name = "heaviside", .summary = "y = 1 where x > 0, else 0", .flags = AESWEEP_SURROGATE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("clip", "The gradient passes where |x| is at most this", 1.0, sdk::above(0))};

  explicit Heaviside(const sdk::Parameters& p) : clip_(static_cast<Real>(p.real("clip"))) {}

  Chunk value(const Chunk& x) const {
    return sdk::each_lane<Real>(
        [](Real in) { return in > Real(0) ? Real(1) : (in <= Real(0) ? Real(0) : in); }, x);
  }
  Chunk derivative(const Chunk& x, const Chunk&) const {
    return sdk::each_lane<Real>(
        [clip = clip_](Real in) { return in < -clip || in > clip ? Real(0) : Real(1); }, x);
  }

 private:
  Real clip_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("heaviside", "0.1.0", sdk::elementwise<Heaviside>());
