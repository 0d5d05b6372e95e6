// l2: coefficient / 2 * sum x^2, on activations or parameters, so that the gradient is
// coefficient * x.
#include "plugins/regularizers/penalty.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class HalfSquare {
 public:
  using Chunk = sdk::Chunk<Real>;
  explicit HalfSquare(const sdk::Parameters& p) : coefficient_(p.real("coefficient")) {}
  [[nodiscard]] double coefficient() const { return coefficient_; }
  static sdk::DoubleChunk<Real> value(const Chunk& x) { return 0.5 * sdk::widen<Real>(x).square(); }
  static Chunk derivative(const Chunk& x) { return x; }

 private:
  double coefficient_;
};

template <class Real>
struct L2 : aesweep::Penalty<Real, HalfSquare> {
  static constexpr sdk::Info kInfo = {.name = "l2",
                                      .summary = "coefficient / 2 * sum x^2",
                                      .flags = AESWEEP_ELEMENTWISE,
                                      .views = AESWEEP_VIEW_OUTPUT};
  static constexpr auto& kParameters = aesweep::kPenaltyParameters;
  using aesweep::Penalty<Real, HalfSquare>::Penalty;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("l2", "0.1.0", sdk::regularizer<L2>());
