// cross_entropy of a row z of the prediction [B,D] against a row t of the target, a distribution
// over the D classes, such as the one-hot row of a label; N rows in the global batch:
//   from_logits (default): -sum_j t_j ln softmax(z)_j = sum_j t_j (L - (z_j - m)),
//                          m the row's largest, L = ln sum_j exp(z_j - m);
//                          gradient (T softmax(z) - t), T = sum_j t_j
//   probabilities:         -sum_j t_j ln z_j, each logarithm at least -100;
//                          gradient -t_j / max(z_j, 1e-12)
// Both divided by N. Summed in double. Of logits, no term cancels: the loss and the gradient of a
// row that is nearly right are small numbers with all their digits. Infinite logits give the
// limits: equal largest ones share evenly, and a class of probability 0 costs infinity if t wants
// it. NaN passes through. A probability outside [0, 1] is an error that names its place.
#include <cmath>
#include <limits>

#include "core/sdk/functions.hpp"
#include "plugins/losses/pairwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct OfProbability {
  using Chunk = sdk::Chunk<Real>;
  static sdk::DoubleChunk<Real> value(const Chunk& p, const Chunk& t) {
    // Above 1 the logarithm would not complain.
    const Chunk inside = sdk::each_lane<Real>(
        [](Real in) { return in > Real(1) ? std::numeric_limits<Real>::quiet_NaN() : in; }, p);
    const Chunk logarithm = inside.log().max(Real(-100));
    return sdk::widen<Real>(-(t * logarithm));
  }
  static Chunk derivative(const Chunk& p, const Chunk& t) { return -t / p.max(Real(1e-12)); }
};

// z - m, and 0 where they are equal, be they infinite.
template <class Real>
sdk::Chunk<Real> below(const sdk::Chunk<Real>& z, Real most) {
  return sdk::each_lane<Real>([most](Real value) { return value == most ? Real(0) : value - most; },
                              z);
}

// What one row of logits has in common.
template <class Real>
struct Row {
  using Chunk = sdk::Chunk<Real>;

  Row(const Real* z, const Real* t, std::int64_t cols) : most(sdk::largest(z, cols)) {
    sdk::LaneSum<Real> ties, others, targets, excess;
    ties.add_row(
        cols,
        [this](const Chunk& in) {
          return sdk::widen<Real>(sdk::each_lane<Real>(
              [this](Real value) { return value == most ? Real(1) : Real(0); }, in));
        },
        z);
    others.add_row(
        cols,
        [this](const Chunk& in) {
          const Chunk e = sdk::exp_or_zero<Real>(below(in, most));
          return sdk::widen<Real>(sdk::each_lane<Real>(
              [this](Real value, Real part) { return value == most ? Real(0) : part; }, in, e));
        },
        z);
    targets.add_row(
        cols, [](const Chunk& in) { return sdk::widen<Real>(in); }, t);
    excess.add_row(
        cols,
        [this](const Chunk& in, const Chunk& wanted) -> sdk::DoubleChunk<Real> {
          // A class that t does not want costs nothing, be its logit minus infinity.
          const Chunk size = below(in, most);
          const Chunk share = sdk::each_lane<Real>(
              [](Real weight, Real away) { return weight == Real(0) ? Real(0) : away; }, wanted,
              size);
          return sdk::widen<Real>(wanted) * sdk::widen<Real>(share);
        },
        z, t);
    largest_count = ties.total();
    other_sum = others.total();
    target_sum = targets.total();
    // Of one largest logit, log1p keeps what 1 would swallow.
    loss = target_sum * std::log1p((largest_count - 1.0) + other_sum) - excess.total();
  }

  Real most;
  double largest_count;  // Logits equal to `most`.
  double other_sum;      // exp(z - most) of the others.
  double target_sum;
  double loss;
};

template <class Real>
class CrossEntropy {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {
      .name = "cross_entropy",
      .summary = "-sum of t ln softmax(prediction) over the row, mean over rows"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::boolean("from_logits", "Whether predictions are logits, not probabilities", true)};

  explicit CrossEntropy(const sdk::Parameters& p) : from_logits_(p.boolean("from_logits")) {}

  void plan(const sdk::Request& request, sdk::Plan&) const {
    aesweep::require_equal_widths(request);
  }

  double evaluate(const sdk::Context& context, const sdk::Memory<Real>&,
                  const sdk::ConstMatrix<Real>& prediction, const sdk::ConstMatrix<Real>& target,
                  const std::int32_t*, const sdk::Matrix<Real>* gradient) const {
    const double count = aesweep::term_count(context, prediction.cols, false);
    if (!from_logits_) {
      const double value =
          aesweep::pairwise_loss<Real, OfProbability<Real>>(prediction, target, count, gradient);
      // Only a NaN gives reason to look.
      if (value != value) aesweep::require_probabilities<Real>(prediction, "softmax");
      return value;
    }
    double sum = 0.0;
    for (std::int64_t i = 0; i < prediction.rows; ++i) {
      const Real* z = sdk::row(prediction, i);
      const Real* t = sdk::row(target, i);
      const Row<Real> row(z, t, prediction.cols);
      sum += row.loss;
      if (gradient != nullptr) write_gradient(row, z, t, count, prediction.cols, i, *gradient);
    }
    return sum / count;
  }

 private:
  // (T e - t S) / S, S = largest_count + other_sum, e = exp(z - m). Where e is 1 and t all of a
  // row's T, the two large parts are equal and go first.
  static void write_gradient(const Row<Real>& row, const Real* z, const Real* t, double count,
                             std::int64_t cols, std::int64_t i, const sdk::Matrix<Real>& gradient) {
    const Real total = static_cast<Real>(row.largest_count + row.other_sum);
    const Real factor = static_cast<Real>(1.0 / count);
    const Real target_sum = static_cast<Real>(row.target_sum);
    const Real ties = static_cast<Real>(row.largest_count);
    const Real others = static_cast<Real>(row.other_sum);
    const Real most = row.most;
    sdk::for_each_chunk<Real>(
        cols, sdk::row(gradient, i),
        [&](const Chunk& in, const Chunk& wanted) -> Chunk {
          const Chunk e = sdk::exp_or_zero<Real>(below(in, most));
          return factor * (((target_sum * e - ties * wanted) - others * wanted) / total);
        },
        z, t);
  }

  bool from_logits_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("cross_entropy", "0.1.0", sdk::loss<CrossEntropy>());
