// kl_sparsity: keeps each unit's mean activation over the global batch, r, near rho (Ng, "Sparse
// autoencoder", 2011):
//   coefficient * sum over units of  rho ln(rho / r) + (1 - rho) ln((1 - rho) / (1 - r))
// For outputs in [0, 1] (range unit) r is their mean; for outputs in [-1, 1] (range symmetric) r is
// the mean of (1 + output) / 2; rho is in (0, 1) either way. reduction mean divides by the units.
//
// r is held within [kMargin, 1 - kMargin], in the value and in the derivative: outside, the value
// is constant and the gradient is that of the border, so that units which are never or always on
// are still pushed back. NaN gives NaN. The value is batch-wide, hence counted on the first shard
// alone.
#include <algorithm>
#include <cmath>

#include "core/sdk/plugin.hpp"
#include "plugins/regularizers/column_sums.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr double kMargin = 1e-6;
constexpr const char* kReductions[] = {"sum", "mean", nullptr};
constexpr const char* kRanges[] = {"unit", "symmetric", nullptr};

template <class Real>
class KlSparsity {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "kl_sparsity",
      .summary = "coefficient * sum over units of KL(rho, mean activation over the batch)",
      .views = AESWEEP_VIEW_OUTPUT};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::real("coefficient", "Factor of the penalty", 1.0, sdk::at_least(0))),
      sdk::choice("reduction", "Over units: sum or mean", "sum", kReductions),
      sdk::real("rho", "Wanted mean activation, as a fraction of the range", 0.05,
                sdk::inside(0, 1)),
      sdk::choice("range", "Of the outputs: unit is [0, 1], symmetric is [-1, 1]", "unit",
                  kRanges)};

  explicit KlSparsity(const sdk::Parameters& p)
      : coefficient_(p.real("coefficient")),
        over_units_(p.choice("reduction") == "mean"),
        rho_(p.real("rho")),
        symmetric_(p.choice("range") == "symmetric") {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_SUM, request.input_cols);
    plan.workspace_bytes = static_cast<std::uint64_t>(request.input_cols) * sizeof(Real);
  }

  void accumulate(const sdk::Context&, std::uint32_t, const sdk::Memory<Real>& memory,
                  const sdk::Views<Real>& views) const {
    aesweep::add_column_sums<Real>(views.output, memory.statistic);
  }

  double on_activations(const sdk::Context& context, const sdk::Memory<Real>& memory,
                        const sdk::Views<Real>& views, const sdk::Matrix<Real>* gradient) const {
    const auto& output = views.output;
    const double batch_rows = static_cast<double>(context.batch_rows);
    const double scale =
        over_units_ ? coefficient_ / static_cast<double>(output.cols) : coefficient_;
    const double slope = scale / batch_rows * (symmetric_ ? 0.5 : 1.0);
    auto* derivative = static_cast<Real*>(memory.workspace);
    double divergence = 0.0;
    for (std::int64_t j = 0; j < output.cols; ++j) {
      const double mean = memory.statistics[0][j] / batch_rows;
      const double r = std::clamp(symmetric_ ? 0.5 * (1.0 + mean) : mean, kMargin, 1.0 - kMargin);
      divergence += rho_ * std::log(rho_ / r) + (1.0 - rho_) * std::log((1.0 - rho_) / (1.0 - r));
      derivative[j] = static_cast<Real>(slope * ((1.0 - rho_) / (1.0 - r) - rho_ / r));
    }
    if (gradient != nullptr) {
      for (std::int64_t i = 0; i < output.rows; ++i) {
        add(output.cols, derivative, sdk::row(*gradient, i));
      }
    }
    return context.first_row == 0 ? scale * divergence : 0.0;
  }

 private:
  static void add(std::int64_t count, const Real* __restrict x, Real* __restrict y) {
    for (std::int64_t j = 0; j < count; ++j) y[j] += x[j];
  }

  double coefficient_;
  bool over_units_;
  double rho_;
  bool symmetric_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("kl_sparsity", "0.1.0", sdk::regularizer<KlSparsity>());
