// elastic_net (Zou & Hastie, J. R. Stat. Soc. B, 2005): l1 * sum |x| + l2 / 2 * sum x^2, on
// activations or parameters; the gradient is l1 * sign(x) + l2 * x, where sign(0) = 0.
//
// l1, l2 >= 0; with one of them 0 it is the l2 or l1 of this folder up to rounding. Squares are
// taken in double, so the value of single precision data never overflows; NaN gives NaN.
#include "plugins/regularizers/penalty.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Elastic {
 public:
  using Chunk = sdk::Chunk<Real>;
  explicit Elastic(const sdk::Parameters& p) : l1_(p.real("l1")), l2_(p.real("l2")) {}
  [[nodiscard]] static double coefficient() { return 1.0; }
  [[nodiscard]] sdk::DoubleChunk<Real> value(const Chunk& x) const {
    const sdk::DoubleChunk<Real> wide = sdk::widen<Real>(x);
    return l1_ * wide.abs() + 0.5 * l2_ * wide.square();
  }
  [[nodiscard]] Chunk derivative(const Chunk& x) const {
    return static_cast<Real>(l1_) * aesweep::sign<Real>(x) + static_cast<Real>(l2_) * x;
  }

 private:
  double l1_;
  double l2_;
};

template <class Real>
struct ElasticNet : aesweep::Penalty<Real, Elastic> {
  static constexpr sdk::Info kInfo = {.name = "elastic_net",
                                      .summary = "l1 * sum |x| + l2 / 2 * sum x^2",
                                      .flags = AESWEEP_ELEMENTWISE,
                                      .views = AESWEEP_VIEW_OUTPUT};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::real("l1", "Factor of sum |x|", 1e-3, sdk::at_least(0))),
      sdk::required(sdk::real("l2", "Factor of sum x^2 / 2", 1e-3, sdk::at_least(0))),
      aesweep::kPenaltyReduction};
  using aesweep::Penalty<Real, Elastic>::Penalty;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("elastic_net", "0.1.0", sdk::regularizer<ElasticNet>());
