// What losses share that add a term per pair of prediction and target element.
//
// A Term gives, for chunks, the term and its derivative by the prediction, as const or static
// members:
//   DoubleChunk<Real> value(p, t);  Chunk<Real> derivative(p, t)
#pragma once

#include "core/sdk/plugin.hpp"

namespace aesweep {

inline constexpr const char* kFeatureReductions[] = {"mean", "row_sum", nullptr};

inline constexpr aesweep_parameter_info kFeatureReduction =
    sdk::choice("reduction", "Over features: mean, or sum (row_sum)", "mean", kFeatureReductions);

// What the sum over a batch of predictions of `cols` columns is divided by.
inline double term_count(const sdk::Context& context, std::int64_t cols, bool over_features) {
  return static_cast<double>(context.batch_rows) *
         (over_features ? static_cast<double>(cols) : 1.0);
}

inline void require_equal_widths(const sdk::Request& request) {
  sdk::require(request.input_cols == request.target_cols, AESWEEP_INVALID_SHAPE,
               "the prediction has ", request.input_cols, " columns and the target ",
               request.target_cols, ": give the last layer that width (units: 0 does)");
}

// Throws, naming the place, if a prediction is not in [0, 1]. `activation` would have made it so.
template <class Real>
void require_probabilities(const sdk::ConstMatrix<Real>& p, const char* activation) {
  for (std::int64_t i = 0; i < p.rows; ++i) {
    for (std::int64_t j = 0; j < p.cols; ++j) {
      const Real value = sdk::row(p, i)[j];
      sdk::require(!(value < Real(0) || value > Real(1)), AESWEEP_NUMERIC, "prediction ", value,
                   " (row ", i, ", column ", j, ") is not in [0, 1]: end the network with ",
                   activation, ", or set from_logits: true");
    }
  }
}

// Sum of terms / count, rows in order, in double. Writes derivatives / count to gradient if not
// null.
template <class Real, class Term>
double pairwise_loss(const sdk::ConstMatrix<Real>& prediction, const sdk::ConstMatrix<Real>& target,
                     double count, const sdk::Matrix<Real>* gradient, const Term& term = {}) {
  using Chunk = sdk::Chunk<Real>;
  const Real factor = static_cast<Real>(1.0 / count);
  sdk::LaneSum<Real> sum;
  for (std::int64_t i = 0; i < prediction.rows; ++i) {
    const Real* p = sdk::row(prediction, i);
    const Real* t = sdk::row(target, i);
    sum.add_row(
        prediction.cols, [&](const Chunk& a, const Chunk& b) { return term.value(a, b); }, p, t);
    if (gradient == nullptr) continue;
    sdk::for_each_chunk<Real>(
        prediction.cols, sdk::row(*gradient, i),
        [&](const Chunk& a, const Chunk& b) -> Chunk { return factor * term.derivative(a, b); }, p,
        t);
  }
  return sum.total() / count;
}

// What such a loss has whatever its terms are: derive from it and declare kFeatureReduction.
template <class Real>
class PairwiseLoss {
 public:
  explicit PairwiseLoss(const sdk::Parameters& p)
      : over_features_(p.choice("reduction") == "mean") {}

  void plan(const sdk::Request& request, sdk::Plan&) const { require_equal_widths(request); }

 protected:
  template <class Term>
  double evaluate_terms(const sdk::Context& context, const sdk::ConstMatrix<Real>& prediction,
                        const sdk::ConstMatrix<Real>& target, const sdk::Matrix<Real>* gradient,
                        const Term& term) const {
    const double count = term_count(context, prediction.cols, over_features_);
    return pairwise_loss<Real>(prediction, target, count, gradient, term);
  }

 private:
  bool over_features_;
};

}  // namespace aesweep
