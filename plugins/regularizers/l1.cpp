// l1: coefficient * sum |x|, on activations or parameters; the derivative at 0 is 0.
#include "plugins/regularizers/penalty.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class AbsoluteValue {
 public:
  using Chunk = sdk::Chunk<Real>;
  explicit AbsoluteValue(const sdk::Parameters& p) : coefficient_(p.real("coefficient")) {}
  [[nodiscard]] double coefficient() const { return coefficient_; }
  static sdk::DoubleChunk<Real> value(const Chunk& x) { return sdk::widen<Real>(x.abs()); }
  static Chunk derivative(const Chunk& x) { return aesweep::sign<Real>(x); }

 private:
  double coefficient_;
};

template <class Real>
struct L1 : aesweep::Penalty<Real, AbsoluteValue> {
  static constexpr sdk::Info kInfo = {.name = "l1",
                                      .summary = "coefficient * sum |x|",
                                      .flags = AESWEEP_ELEMENTWISE,
                                      .views = AESWEEP_VIEW_OUTPUT};
  static constexpr auto& kParameters = aesweep::kPenaltyParameters;
  using aesweep::Penalty<Real, AbsoluteValue>::Penalty;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("l1", "0.1.0", sdk::regularizer<L1>());
