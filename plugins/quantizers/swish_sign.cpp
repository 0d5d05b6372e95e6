// swish_sign: q = sign(w) with sign(0) = +1 (of either zero), gradient of the sign-swish, z = beta
// w:
//   dw = beta (2 - z tanh(z / 2)) / (1 + cosh z) dq
// Darabi et al. 2018 (BNN+); Larq's SwishSign. It is beta at 0, and negative from |z| = 2.4 on.
// Where exp(-|z|) is below the smallest normal number, the gradient is 0. NaN gives NaN.
#include "core/sdk/functions.hpp"
#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class SwishSign {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {
      .name = "swish_sign",
      .summary = "q = sign(w); dw = beta (2 - z tanh(z / 2)) / (1 + cosh z) dq, z = beta w",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_SURROGATE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("beta", "The larger, the closer the surrogate is to the sign", 5.0, sdk::above(0)),
      aesweep::kWeightClip};

  explicit SwishSign(const sdk::Parameters& p)
      : beta_(static_cast<Real>(p.real("beta"))), weight_clip_(p) {}

  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q, void*) const {
    aesweep::map_weights(
        static_cast<std::int64_t>(block.count), q, [](Real x) { return aesweep::sign_of(x); }, w);
  }

  void backward(const sdk::Context&, const sdk::Block& block, const Real* w, Real* gradient,
                const void*) const {
    const Real beta = beta_;
    sdk::for_each_chunk<Real>(
        static_cast<std::int64_t>(block.count), gradient,
        [beta](const Chunk& x, const Chunk& dq) -> Chunk {
          return beta * sdk::sign_swish_slope<Real>(beta * x) * dq;
        },
        w, gradient);
  }

  void after_update(const sdk::Context&, const sdk::Block& block, const Real*, Real* w) const {
    weight_clip_.apply(block, w);
  }

 private:
  Real beta_;
  aesweep::WeightClip<Real> weight_clip_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("swish_sign", "0.1.0", sdk::quantizer<SwishSign>());
