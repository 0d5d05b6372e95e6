// squared_hinge of prediction p[B,D] against target t[B,D], N rows in the global batch:
//   max(0, 1 - s p)^2, gradient -2 s max(0, 1 - s p)
// where s = t (targets: signed, which are -1 and 1) or s = 2 t - 1 (unit, 0 and 1, as the one-hot
// rows of labels are). Divided by N D (reduction mean) or by N (row_sum). Summed in double. An
// infinite p costs nothing on the right side, infinity on the wrong one; NaN passes through.
// BinaryConnect's loss is that of reduction mean (Courbariaux, Bengio & David 2015).
#include "plugins/losses/pairwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct SquaredHingeTerm {
  using Chunk = sdk::Chunk<Real>;

  sdk::DoubleChunk<Real> value(const Chunk& p, const Chunk& t) const {
    return sdk::widen<Real>(margin(p, sign(t))).square();
  }
  Chunk derivative(const Chunk& p, const Chunk& t) const {
    const Chunk s = sign(t);
    return Real(-2) * s * margin(p, s);
  }

  bool unit = false;

 private:
  // How much of the margin 1 is missing. NaN stays.
  static Chunk margin(const Chunk& p, const Chunk& s) { return (Real(1) - s * p).max(Real(0)); }
  Chunk sign(const Chunk& t) const { return unit ? Chunk(Real(2) * t - Real(1)) : t; }
};

template <class Real>
class SquaredHinge {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "squared_hinge",
      .summary = "max(0, 1 - t p)^2, mean over rows, mean or sum over features"};
  static constexpr const char* kTargets[] = {"signed", "unit", nullptr};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::choice("targets", "Are -1 and 1 (signed), or 0 and 1 (unit)", "signed", kTargets),
      aesweep::kFeatureReduction};

  explicit SquaredHinge(const sdk::Parameters& p)
      : over_features_(p.choice("reduction") == "mean") {
    term_.unit = p.choice("targets") == "unit";
  }

  void plan(const sdk::Request& request, sdk::Plan&) const {
    aesweep::require_equal_widths(request);
  }

  double evaluate(const sdk::Context& context, const sdk::Memory<Real>&,
                  const sdk::ConstMatrix<Real>& prediction, const sdk::ConstMatrix<Real>& target,
                  const std::int32_t*, const sdk::Matrix<Real>* gradient) const {
    const double count = aesweep::term_count(context, prediction.cols, over_features_);
    return aesweep::pairwise_loss<Real>(prediction, target, count, gradient, term_);
  }

 private:
  SquaredHingeTerm<Real> term_;
  bool over_features_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("squared_hinge", "0.1.0", sdk::loss<SquaredHinge>());
