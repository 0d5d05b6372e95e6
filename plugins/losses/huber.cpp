// huber of prediction p[B,D] against target t[B,D], N rows in the global batch; e = p - t:
//   e^2 / 2                    where |e| <= delta
//   delta (|e| - delta / 2)    elsewhere
// gradient e cut to [-delta, delta]. Divided by N D (reduction mean) or by N (row_sum). Summed in
// double. NaN and infinity pass through (the gradient at an infinite error is +-delta). Huber 1964;
// with this scale, and not divided by delta, as PyTorch's HuberLoss.
#include "plugins/losses/pairwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct HuberTerm {
  using Chunk = sdk::Chunk<Real>;
  using DoubleChunk = sdk::DoubleChunk<Real>;

  // Both cases at once: c (|e| - c / 2), c = min(|e|, delta).
  DoubleChunk value(const Chunk& p, const Chunk& t) const {
    const DoubleChunk size = sdk::widen<Real>((p - t).abs());
    const DoubleChunk cut = size.min(delta);
    return cut * (size - 0.5 * cut);
  }
  Chunk derivative(const Chunk& p, const Chunk& t) const {
    const Real end = static_cast<Real>(delta);
    return (p - t).max(-end).min(end);
  }

  double delta = 1.0;
};

template <class Real>
class Huber : public aesweep::PairwiseLoss<Real> {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "huber",
      .summary = "e^2 / 2 up to delta, then delta (|e| - delta / 2); e = prediction - target"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("delta", "Error from which on the loss grows linearly", 1.0, sdk::above(0)),
      aesweep::kFeatureReduction};

  explicit Huber(const sdk::Parameters& p)
      : aesweep::PairwiseLoss<Real>(p), term_{p.real("delta")} {}

  double evaluate(const sdk::Context& context, const sdk::Memory<Real>&,
                  const sdk::ConstMatrix<Real>& prediction, const sdk::ConstMatrix<Real>& target,
                  const std::int32_t*, const sdk::Matrix<Real>* gradient) const {
    return this->evaluate_terms(context, prediction, target, gradient, term_);
  }

 private:
  HuberTerm<Real> term_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("huber", "0.1.0", sdk::loss<Huber>());
