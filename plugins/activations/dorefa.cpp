// dorefa: y = round(n c) / n, c = x cut to [0, 1], n = 2^k_bit - 1; halves go to the even number.
// 2^k_bit levels from 0 to 1. Surrogate gradient: 1 for x in [0, 1], else 0. Infinities give the
// ends, NaN gives NaN. DoReFa-Net's activations (Zhou, Wu, Ni, Zhou, Wen & Zou 2016).
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class DoReFa {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "dorefa",
                                      .summary = "y = x cut to [0, 1], rounded to 2^k_bit levels",
                                      .flags = AESWEEP_SURROGATE};
  // Single precision holds n exactly up to 24 bits.
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::integer("k_bit", "Bits of a value", 2, sdk::between(1, 24))};

  explicit DoReFa(const sdk::Parameters& p)
      : steps_(static_cast<Real>((std::int64_t{1} << p.integer("k_bit")) - 1)) {}

  Chunk value(const Chunk& x) const {
    return (steps_ * x.max(Real(0)).min(Real(1))).rint() / steps_;
  }
  Chunk derivative(const Chunk& x, const Chunk&) const {
    return sdk::each_lane<Real>(
        [](Real in) { return in < Real(0) || in > Real(1) ? Real(0) : Real(1); }, x);
  }

 private:
  Real steps_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("dorefa_activation", "0.1.0", sdk::elementwise<DoReFa>());
