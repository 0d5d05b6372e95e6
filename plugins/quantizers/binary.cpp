// binary: q = limit sign(w), with sign(0) = +1 (of either zero). Courbariaux, Bengio & David 2015,
// deterministic form: the gradient passes unchanged (straight through), and the real weights are
// clipped to [-limit, limit] after each update. NaN stays NaN in both. It is the plain form of
// binary_connect, which also samples, scales the step and takes the limit from the shape.
#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Binary {
 public:
  static constexpr sdk::Info kInfo = {.name = "binary",
                                      .summary = "q = limit where w >= 0, else -limit",
                                      .flags = AESWEEP_ELEMENTWISE | AESWEEP_SURROGATE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("limit", "Absolute value of every quantized weight", 1.0, sdk::above(0))};

  explicit Binary(const sdk::Parameters& p) : limit_(static_cast<Real>(p.real("limit"))) {}

  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q, void*) const {
    const Real limit = limit_;
    aesweep::map_weights(
        static_cast<std::int64_t>(block.count), q,
        [limit](Real x) { return limit * aesweep::sign_of(x); }, w);
  }

  void after_update(const sdk::Context&, const sdk::Block& block, const Real*, Real* w) const {
    aesweep::clip_weights(static_cast<std::int64_t>(block.count), limit_, w);
  }

 private:
  Real limit_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("binary", "0.1.0", sdk::quantizer<Binary>());
