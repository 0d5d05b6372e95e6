// softmax: y_j = exp(x_j - m) / sum_k exp(x_k - m) over each row, m the row's largest;
// dx = y (dy - sum_k dy_k y_k). In [0, 1], rows sum to 1 but for rounding; shares below the
// smallest normal number are 0. If the largest is infinite, of either sign, those equal to it share
// the row evenly. NaN anywhere in a row makes the whole row NaN. Sums are in double, in lanes.
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Softmax {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "softmax",
                                      .summary = "y = exp(x) / sum of exp(x) over the row",
                                      .flags = AESWEEP_IN_PLACE};

  void forward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>& x,
               const sdk::Matrix<Real>& y) const {
    for (std::int64_t i = 0; i < y.rows; ++i) {
      const Real most = sdk::largest(sdk::row(x, i), x.cols);
      Real* out = sdk::row(y, i);
      sdk::for_each_chunk<Real>(
          y.cols, out,
          [most](const Chunk& in) -> Chunk {
            const Chunk below = sdk::each_lane<Real>(
                [most](Real value) { return value == most ? Real(0) : value - most; }, in);
            return sdk::exp_or_zero<Real>(below);
          },
          sdk::row(x, i));
      sdk::LaneSum<Real> sum;
      sum.add_row(
          y.cols, [](const Chunk& e) { return sdk::widen<Real>(e); }, out);
      const Real total = static_cast<Real>(sum.total());
      sdk::for_each_chunk<Real>(
          y.cols, out, [total](const Chunk& e) -> Chunk { return e / total; }, out);
    }
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& y, const sdk::ConstMatrix<Real>& dy,
                const sdk::Matrix<Real>* dx) const {
    if (dx == nullptr) return;
    for (std::int64_t i = 0; i < dx->rows; ++i) {
      sdk::LaneSum<Real> sum;
      sum.add_row(
          dx->cols,
          [](const Chunk& out, const Chunk& grad) -> sdk::DoubleChunk<Real> {
            return sdk::widen<Real>(out) * sdk::widen<Real>(grad);
          },
          sdk::row(y, i), sdk::row(dy, i));
      const Real mean = static_cast<Real>(sum.total());
      sdk::for_each_chunk<Real>(
          dx->cols, sdk::row(*dx, i),
          [mean](const Chunk& out, const Chunk& grad) -> Chunk { return out * (grad - mean); },
          sdk::row(y, i), sdk::row(dy, i));
    }
  }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("softmax", "0.1.0", sdk::activation<Softmax>());
