// mse: squared error of prediction p[B,D] against target t[B,D], N rows in the global batch.
//   reduction mean:    sum (p - t)^2 / (N D),  gradient 2 (p - t) / (N D)
//   reduction row_sum: sum (p - t)^2 / N,      gradient 2 (p - t) / N
// The value is summed in double. NaN and infinity pass through.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr const char* kReductions[] = {"mean", "row_sum", nullptr};

template <class Real>
class Mse {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "mse",
                                      .summary = "Mean of (prediction - target)^2 over rows, and the "
                                                 "mean or the sum over features"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::choice("reduction", "Over features: mean, or sum (row_sum)", "mean", kReductions)};

  explicit Mse(const sdk::Parameters& p) : over_features_(p.choice("reduction") == "mean") {}

  void plan(const sdk::Request& request, sdk::Plan&) const {
    sdk::require(request.input_cols == request.target_cols, AESWEEP_INVALID_SHAPE,
                 "the prediction has ", request.input_cols, " columns and the target ",
                 request.target_cols, ": give the last layer that width (units: 0 does)");
  }

  double evaluate(const sdk::Context& context, const sdk::Memory<Real>&,
                  const sdk::ConstMatrix<Real>& prediction, const sdk::ConstMatrix<Real>& target,
                  const std::int32_t*, const sdk::Matrix<Real>* gradient) const {
    const double count = static_cast<double>(context.batch_rows) *
                         (over_features_ ? static_cast<double>(prediction.cols) : 1.0);
    const Real scale = Real(2.0 / count);
    sdk::LaneSum<Real> sum;
    for (std::int64_t i = 0; i < prediction.rows; ++i) {
      const Real* p = sdk::row(prediction, i);
      const Real* t = sdk::row(target, i);
      sum.add_row(
          prediction.cols,
          [](const Chunk& a, const Chunk& b) -> sdk::DoubleChunk<Real> {
            return (a - b).template cast<double>().square();
          },
          p, t);
      if (gradient == nullptr) continue;
      sdk::for_each_chunk<Real>(
          prediction.cols, sdk::row(*gradient, i),
          [scale](const Chunk& a, const Chunk& b) -> Chunk { return scale * (a - b); }, p, t);
    }
    return sum.total() / count;
  }

 private:
  bool over_features_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("mse", "0.1.0", sdk::loss<Mse>());
