// mse: squared error of prediction p[B,D] against target t[B,D], N rows in the global batch.
//   reduction mean:    sum (p - t)^2 / (N D),  gradient 2 (p - t) / (N D)
//   reduction row_sum: sum (p - t)^2 / N,      gradient 2 (p - t) / N
// NaN and infinity pass through.
#include "plugins/losses/pairwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct SquaredError {
  using Chunk = sdk::Chunk<Real>;
  static sdk::DoubleChunk<Real> value(const Chunk& p, const Chunk& t) {
    return sdk::widen<Real>(p - t).square();
  }
  static Chunk derivative(const Chunk& p, const Chunk& t) { return Real(2) * (p - t); }
};

template <class Real>
class Mse : public aesweep::PairwiseLoss<Real> {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "mse",
      .summary = "(prediction - target)^2, mean over rows, mean or sum over features"};
  static constexpr aesweep_parameter_info kParameters[] = {aesweep::kFeatureReduction};

  using aesweep::PairwiseLoss<Real>::PairwiseLoss;

  double evaluate(const sdk::Context& context, const sdk::Memory<Real>&,
                  const sdk::ConstMatrix<Real>& prediction, const sdk::ConstMatrix<Real>& target,
                  const std::int32_t*, const sdk::Matrix<Real>* gradient) const {
    return this->evaluate_terms(context, prediction, target, gradient, SquaredError<Real>());
  }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("mse", "0.1.0", sdk::loss<Mse>());
