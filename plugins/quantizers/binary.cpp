// binary: q = limit sign(w), with sign(0) = +1 (of either zero). Courbariaux, Bengio & David 2015,
// deterministic form: the gradient passes unchanged (straight through), and the real weights are
// clipped to [-limit, limit] after each update. NaN stays NaN in both.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Binary {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "binary",
                                      .summary = "q = limit where w >= 0, else -limit",
                                      .flags = AESWEEP_ELEMENTWISE | AESWEEP_SURROGATE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("limit", "Absolute value of every quantized weight", 1.0, sdk::above(0))};

  explicit Binary(const sdk::Parameters& p) : limit_(static_cast<Real>(p.real("limit"))) {}

  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q, void*) const {
    const Chunk plus = Chunk::Constant(limit_);
    sdk::for_each_chunk<Real>(
        static_cast<std::int64_t>(block.count), q,
        [&plus](const Chunk& x) -> Chunk {
          const Chunk not_below = (x >= Real(0)).select(plus, x);  // Here NaN comes through.
          return (x < Real(0)).select(-plus, not_below);
        },
        w);
  }

  void after_update(const sdk::Context&, const sdk::Block& block, const Real*, Real* w) const {
    const Real limit = limit_;
    sdk::for_each_chunk<Real>(
        static_cast<std::int64_t>(block.count), w,
        [limit](const Chunk& x) -> Chunk { return x.min(limit).max(-limit); }, w);
  }

 private:
  Real limit_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("binary", "0.1.0", sdk::quantizer<Binary>());
