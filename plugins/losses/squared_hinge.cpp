// squared_hinge of prediction p[B,D] against target t[B,D], N rows in the global batch:
//   max(0, 1 - s p)^2, gradient -2 s max(0, 1 - s p)
// where s = t (targets: signed) or s = 2 t - 1 (unit). Signed targets are -1 and 1; any other is an
// error that names its place: the rows of labels are 0 and 1, and a target of 0 would ask for
// nothing. Unit targets are 0 and 1; of others, s is no sign, the margin is reached at p = 1 / s,
// and 1/2 asks for nothing. Divided by N D (reduction mean) or by N (row_sum). Summed in double. An
// infinite p costs nothing on the right side, infinity on the wrong one; NaN passes through.
// BinaryConnect's loss is that of reduction mean (Courbariaux, Bengio & David 2015).
#include <limits>

#include "core/sdk/functions.hpp"
#include "plugins/losses/pairwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct SquaredHingeTerm {
  using Chunk = sdk::Chunk<Real>;

  sdk::DoubleChunk<Real> value(const Chunk& p, const Chunk& t) const {
    return sdk::widen<Real>(margin(p, unit ? sign(t) : one_or_nan(t))).square();
  }
  Chunk derivative(const Chunk& p, const Chunk& t) const {
    const Chunk s = sign(t);
    return Real(-2) * s * margin(p, s);
  }

  bool unit = false;

 private:
  // A target that is not -1 or 1 shows as a loss of NaN.
  static Chunk one_or_nan(const Chunk& t) {
    return sdk::each_lane<Real>(
        [](Real in) {
          return in == Real(1) || in == Real(-1) ? in : std::numeric_limits<Real>::quiet_NaN();
        },
        t);
  }
  // How much of the margin 1 is missing. NaN stays.
  static Chunk margin(const Chunk& p, const Chunk& s) { return (Real(1) - s * p).max(Real(0)); }
  Chunk sign(const Chunk& t) const { return unit ? Chunk(Real(2) * t - Real(1)) : t; }
};

template <class Real>
class SquaredHinge : public aesweep::PairwiseLoss<Real> {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "squared_hinge",
      .summary = "max(0, 1 - t p)^2, mean over rows, mean or sum over features"};
  static constexpr const char* kTargets[] = {"signed", "unit", nullptr};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::choice("targets", "Are -1 and 1 (signed), or 0 and 1 (unit)", "signed", kTargets),
      aesweep::kFeatureReduction};

  explicit SquaredHinge(const sdk::Parameters& p)
      : aesweep::PairwiseLoss<Real>(p), term_{p.choice("targets") == "unit"} {}

  double evaluate(const sdk::Context& context, const sdk::Memory<Real>&,
                  const sdk::ConstMatrix<Real>& prediction, const sdk::ConstMatrix<Real>& target,
                  const std::int32_t*, const sdk::Matrix<Real>* gradient) const {
    const double value = this->evaluate_terms(context, prediction, target, gradient, term_);
    if (value != value && !term_.unit) require_signed(target);  // Only NaN gives reason to look.
    return value;
  }

 private:
  // Throws, naming the place, if a target is neither -1 nor 1. NaN passes.
  static void require_signed(const sdk::ConstMatrix<Real>& t) {
    for (std::int64_t i = 0; i < t.rows; ++i) {
      for (std::int64_t j = 0; j < t.cols; ++j) {
        const Real value = sdk::row(t, i)[j];
        sdk::require(value == Real(1) || value == Real(-1) || value != value, AESWEEP_NUMERIC,
                     "target ", value, " (row ", i, ", column ", j,
                     ") is neither -1 nor 1: for targets of 0 and 1 set targets: unit");
      }
    }
  }

  SquaredHingeTerm<Real> term_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("squared_hinge", "0.1.0", sdk::loss<SquaredHinge>());
