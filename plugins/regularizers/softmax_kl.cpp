// softmax_kl: the KL penalty of a Keras sparse autoencoder that normalizes each unit's activations
// over the batch. With a softmax over the N rows of the global batch,
//   a[i,j] = exp(x[i,j]) / sum over rows k of exp(x[k,j]),    r[j] = mean over rows of a[i,j],
//   coefficient * sum over units of  rho ln(rho / r[j]) + (1 - rho) ln((1 - rho) / (1 - r[j])),
// divided by N if divide_by_batch (tf.keras and today's Keras divide what a layer's activity
// penalty gives by the batch size; stand-alone Keras 2 and the first Keras 3 do not).
//
// A softmax sums to 1 over what it normalizes: r[j] is 1/N whatever the network does, and the
// gradient through the softmax,
//   a[i,j] (g[j] - sum over rows k of a[k,j] g[j])   with g[j] = dpenalty / da[i,j], equal in all
//   i,
// vanishes. Neither is assumed here: both come from the sums, and are so to rounding. What this
// penalty shows is that it cannot make a code sparse; kl_sparsity can.
//
// Any finite x, as the largest of each column is subtracted from it. r is held within
// [kMargin, 1 - kMargin]: of one row it is 1, where the divergence is infinite. NaN and +infinity
// give NaN, -infinity is a share of 0 unless all of the column is. The value is batch-wide, hence
// counted on the first shard alone.
#include <algorithm>
#include <cmath>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr double kMargin = 1e-12;  // Below 1/N of any batch.

// Rounds, by index; each has one number per unit.
constexpr std::uint32_t kLargest = 0;
constexpr std::uint32_t kExponentials = 1;  // sum of exp(x - largest)
constexpr std::uint32_t kShares = 2;        // sum of a, which is N r

template <class Real>
class SoftmaxKl {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "softmax_kl",
      .summary =
          "coefficient * sum over units of KL(rho, mean of the unit's softmax over the batch)",
      .views = AESWEEP_VIEW_OUTPUT};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::real("coefficient", "Factor of the penalty", 3.0, sdk::at_least(0))),
      sdk::real("rho", "Wanted mean of the normalized activation", 0.05, sdk::inside(0, 1)),
      sdk::boolean("divide_by_batch", "Whether to divide by the batch's rows, as tf.keras does",
                   false)};

  explicit SoftmaxKl(const sdk::Parameters& p)
      : coefficient_(p.real("coefficient")),
        rho_(p.real("rho")),
        by_batch_(p.boolean("divide_by_batch")) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    const std::int64_t cols = request.input_cols;
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_MAX, cols);
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_SUM, cols);
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_SUM, cols);
    // A row of doubles for exponentials, one for factors of the gradient.
    plan.workspace_bytes = 2 * static_cast<std::uint64_t>(cols) * sizeof(double);
  }

  void accumulate(const sdk::Context&, std::uint32_t round, const sdk::Memory<Real>& memory,
                  const sdk::Views<Real>& views) const {
    const auto& x = views.output;
    double* statistic = memory.statistic;
    auto* terms = static_cast<double*>(memory.workspace);
    for (std::int64_t i = 0; i < x.rows; ++i) {
      const Real* row = sdk::row(x, i);
      if (round == kLargest) {
        for (std::int64_t j = 0; j < x.cols; ++j) {
          statistic[j] = std::max(statistic[j], static_cast<double>(row[j]));
        }
        continue;
      }
      exponentials(memory, x.cols, row, terms);
      const double* sums = memory.statistics[kExponentials];
      for (std::int64_t j = 0; j < x.cols; ++j) {
        statistic[j] += round == kShares ? terms[j] / sums[j] : terms[j];
      }
    }
  }

  double on_activations(const sdk::Context& context, const sdk::Memory<Real>& memory,
                        const sdk::Views<Real>& views, const sdk::Matrix<Real>* gradient) const {
    const auto& x = views.output;
    const double rows = static_cast<double>(context.batch_rows);
    const double scale = by_batch_ ? coefficient_ / rows : coefficient_;
    auto* terms = static_cast<double*>(memory.workspace);
    double* factors = terms + x.cols;
    double divergence = 0.0;
    for (std::int64_t j = 0; j < x.cols; ++j) {
      const double shares = memory.statistics[kShares][j];
      const double r = std::clamp(shares / rows, kMargin, 1.0 - kMargin);
      divergence += rho_ * std::log(rho_ / r) + (1.0 - rho_) * std::log((1.0 - rho_) / (1.0 - r));
      const double g = scale / rows * ((1.0 - rho_) / (1.0 - r) - rho_ / r);
      factors[j] = (g - shares * g) / memory.statistics[kExponentials][j];
    }
    if (gradient != nullptr) {
      for (std::int64_t i = 0; i < x.rows; ++i) {
        exponentials(memory, x.cols, sdk::row(x, i), terms);
        Real* out = sdk::row(*gradient, i);
        for (std::int64_t j = 0; j < x.cols; ++j)
          out[j] += static_cast<Real>(terms[j] * factors[j]);
      }
    }
    return context.first_row == 0 ? scale * divergence : 0.0;
  }

 private:
  // out[j] = exp(row[j] - largest[j])
  static void exponentials(const sdk::Memory<Real>& memory, std::int64_t cols, const Real* row,
                           double* out) {
    const double* largest = memory.statistics[kLargest];
    for (std::int64_t j = 0; j < cols; ++j) out[j] = static_cast<double>(row[j]) - largest[j];
    using Doubles = sdk::Chunk<double>;
    sdk::for_each_chunk<double>(
        cols, out, [](const Doubles& z) -> Doubles { return z.exp(); }, out);
  }

  double coefficient_;
  double rho_;
  bool by_batch_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("softmax_kl", "0.1.0", sdk::regularizer<SoftmaxKl>());
