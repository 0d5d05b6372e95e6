// binary_cross_entropy of prediction p[B,D] against target t[B,D] in [0, 1]; the batch has N rows.
//   probabilities: -(t ln p + (1 - t) ln(1 - p)), each logarithm at least -100;
//                  gradient (p - t) / max(p (1 - p), 1e-12)          (both as PyTorch does)
//   from_logits:   max(z, 0) - z t + ln(1 + exp(-|z|)) of z = prediction; gradient sigmoid(z) - t
// Divided by N D (reduction mean) or by N (row_sum). Summed in double. A probability outside [0, 1]
// is an error that names its place; NaN passes through.
#include "plugins/losses/pairwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct OfProbability {
  using Chunk = sdk::Chunk<Real>;
  static sdk::DoubleChunk<Real> value(const Chunk& p, const Chunk& t) {
    const Chunk on = p.log().max(Real(-100));
    const Chunk off = (-p).log1p().max(Real(-100));
    return sdk::widen<Real>(-(t * on + (Real(1) - t) * off));
  }
  static Chunk derivative(const Chunk& p, const Chunk& t) {
    return (p - t) / (p * (Real(1) - p)).max(Real(1e-12));
  }
};

template <class Real>
struct OfLogit {
  using Chunk = sdk::Chunk<Real>;
  static sdk::DoubleChunk<Real> value(const Chunk& z, const Chunk& t) {
    return sdk::widen<Real>(z.max(Real(0)) - z * t + (-z.abs()).exp().log1p());
  }
  static Chunk derivative(const Chunk& z, const Chunk& t) {
    return Real(1) / (Real(1) + (-z).exp()) - t;
  }
};

template <class Real>
class BinaryCrossEntropy : public aesweep::PairwiseLoss<Real> {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "binary_cross_entropy",
      .summary = "-(t ln p + (1 - t) ln(1 - p)), mean over rows, mean or sum over features"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::boolean("from_logits", "Whether predictions are logits, not probabilities", false),
      aesweep::kFeatureReduction};

  explicit BinaryCrossEntropy(const sdk::Parameters& p)
      : aesweep::PairwiseLoss<Real>(p), from_logits_(p.boolean("from_logits")) {}

  double evaluate(const sdk::Context& context, const sdk::Memory<Real>&,
                  const sdk::ConstMatrix<Real>& prediction, const sdk::ConstMatrix<Real>& target,
                  const std::int32_t*, const sdk::Matrix<Real>* gradient) const {
    if (from_logits_) {
      return this->evaluate_terms(context, prediction, target, gradient, OfLogit<Real>());
    }
    const double value =
        this->evaluate_terms(context, prediction, target, gradient, OfProbability<Real>());
    // The logarithm of a negative number is NaN: only then is there something to look for.
    if (value != value) aesweep::require_probabilities<Real>(prediction, "sigmoid");
    return value;
  }

 private:
  bool from_logits_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("binary_cross_entropy", "0.1.0", sdk::loss<BinaryCrossEntropy>());
