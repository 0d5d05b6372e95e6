// bit_balance: every unit's mean over the global batch, m, should be the middle of its range, so
// that a bit of the code is on for half of the data (Weiss, Torralba & Fergus, "Spectral hashing",
// NIPS 2008, for the constraint):
//   range symmetric, [-1, 1]   coefficient * sum over units of m^2
//   range unit, [0, 1]         coefficient * sum over units of (2 m - 1)^2
// Either is in [0, coefficient * units]; outputs outside the range are no error. reduction mean
// divides by the units. The gradient is the same for all rows of a unit. NaN gives NaN.
//
// The value is batch-wide, hence counted on the first shard alone.
#include "core/sdk/plugin.hpp"
#include "plugins/regularizers/column_sums.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr const char* kReductions[] = {"sum", "mean", nullptr};
constexpr const char* kRanges[] = {"symmetric", "unit", nullptr};

template <class Real>
class BitBalance {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "bit_balance",
      .summary = "coefficient * sum over units of (mean over the batch, less the middle)^2",
      .views = AESWEEP_VIEW_OUTPUT};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::real("coefficient", "Factor of the penalty", 0.1, sdk::at_least(0))),
      sdk::choice("range", "Of the outputs: symmetric is [-1, 1], unit is [0, 1]", "symmetric",
                  kRanges),
      sdk::choice("reduction", "Over units: sum or mean", "sum", kReductions)};

  explicit BitBalance(const sdk::Parameters& p)
      : coefficient_(p.real("coefficient")),
        unit_(p.choice("range") == "unit"),
        over_units_(p.choice("reduction") == "mean") {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_SUM, request.input_cols);
    plan.workspace_bytes = static_cast<std::uint64_t>(request.input_cols) * sizeof(double);
  }

  void accumulate(const sdk::Context&, std::uint32_t, const sdk::Memory<Real>& memory,
                  const sdk::Views<Real>& views) const {
    aesweep::add_column_sums<Real>(views.output, memory.statistic);
  }

  double on_activations(const sdk::Context& context, const sdk::Memory<Real>& memory,
                        const sdk::Views<Real>& views, const sdk::Matrix<Real>* gradient) const {
    const std::int64_t cols = views.output.cols;
    const double rows = static_cast<double>(context.batch_rows);
    const double scale = over_units_ ? coefficient_ / static_cast<double>(cols) : coefficient_;
    const double slope = (unit_ ? 4.0 : 2.0) * scale / rows;
    auto* derivative = static_cast<double*>(memory.workspace);
    double sum = 0.0;
    for (std::int64_t j = 0; j < cols; ++j) {
      const double mean = memory.statistics[0][j] / rows;
      const double off = unit_ ? 2.0 * mean - 1.0 : mean;
      sum += off * off;
      derivative[j] = slope * off;
    }
    for (std::int64_t i = 0; gradient != nullptr && i < gradient->rows; ++i) {
      Real* g = sdk::row(*gradient, i);
      for (std::int64_t j = 0; j < cols; ++j) {
        g[j] = static_cast<Real>(static_cast<double>(g[j]) + derivative[j]);
      }
    }
    return context.first_row == 0 ? scale * sum : 0.0;
  }

 private:
  double coefficient_;
  bool unit_;
  bool over_units_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("bit_balance", "0.1.0", sdk::regularizer<BitBalance>());
