// hoyer: how far each row of the activations is from having a single non-zero, by the ratio of its
// norms L1 = sum |x| and L2 = sqrt(sum x^2):
//   form ratio   coefficient * mean over rows of  L1 / L2        in [1, sqrt(K)]
//   form square  coefficient * mean over rows of  L1^2 / L2^2    in [1, K]
// (Hoyer, JMLR 2004, whose sparseness is (sqrt(K) - L1/L2) / (sqrt(K) - 1); Yang, Wen & Li,
// "DeepHoyer", ICLR 2020, for the square.) reduction sum leaves out the division by the batch's
// rows. The scale of a row does not matter, so the gradients grow as 1 / scale:
//   ratio   (sign(x) - x L1 / L2^2) / L2         square   2 L1 / L2^2 (sign(x) - x L1 / L2^2)
//
// Rows whose L1 is below the smallest normal number, zero rows among them, count as 0 and have no
// gradient. sign(0) = 0. The terms are formed of x / L1 in double: no square overflows. A NaN or an
// infinity makes the value NaN.
#include <cmath>
#include <limits>
#include <string>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr const char* kForms[] = {"ratio", "square", nullptr};
constexpr const char* kReductions[] = {"mean", "sum", nullptr};

template <class Real>
class Hoyer {
 public:
  static constexpr sdk::Info kInfo = {.name = "hoyer",
                                      .summary =
                                          "coefficient * mean over rows of L1/L2 or its "
                                          "square",
                                      .views = AESWEEP_VIEW_OUTPUT};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::real("coefficient", "Factor of the penalty", 1e-3, sdk::at_least(0))),
      sdk::choice("form", "ratio: L1/L2; square: L1^2/L2^2", "ratio", kForms),
      sdk::choice("reduction", "Over the batch's rows: mean or sum", "mean", kReductions)};

  explicit Hoyer(const sdk::Parameters& p)
      : coefficient_(p.real("coefficient")),
        square_(p.choice("form") == "square"),
        mean_(p.choice("reduction") == "mean") {}

  double on_activations(const sdk::Context& context, const sdk::Memory<Real>&,
                        const sdk::Views<Real>& views, const sdk::Matrix<Real>* gradient) const {
    const double scale =
        mean_ ? coefficient_ / static_cast<double>(context.batch_rows) : coefficient_;
    double sum = 0.0;
    for (std::int64_t i = 0; i < views.output.rows; ++i) {
      sum += add_row(views.output.cols, scale, sdk::row(views.output, i),
                     gradient == nullptr ? nullptr : sdk::row(*gradient, i));
    }
    return scale * sum;
  }

 private:
  using Chunk = sdk::Chunk<Real>;
  using Wide = sdk::DoubleChunk<Real>;

  // The term of x[count]; adds scale times its gradient to g if not null.
  double add_row(std::int64_t count, double scale, const Real* x, Real* g) const {
    sdk::LaneSum<Real> absolutes;
    absolutes.add_row(
        count, [](const Chunk& v) -> Wide { return sdk::widen<Real>(v).abs(); }, x);
    const double l1 = absolutes.total();
    if (l1 < std::numeric_limits<Real>::min()) return 0.0;
    sdk::LaneSum<Real> squares;
    squares.add_row(
        count, [l1](const Chunk& v) -> Wide { return (sdk::widen<Real>(v) / l1).square(); }, x);
    const double square = 1.0 / squares.total();  // (L1 / L2)^2
    const double ratio = std::sqrt(square);
    if (g != nullptr) {
      // sign(x) / L2 = ratio / L1 * sign(x), and L1 / L2^2 = square / L1.
      const double slope = scale * (square_ ? 2.0 * square : ratio) / l1;
      const double shrink = square / l1;
      for (std::int64_t j = 0; j < count; ++j) {
        const auto v = static_cast<double>(x[j]);
        const double sign = v > 0.0 ? 1.0 : (v < 0.0 ? -1.0 : 0.0);
        g[j] = static_cast<Real>(static_cast<double>(g[j]) + slope * (sign - v * shrink));
      }
    }
    return square_ ? square : ratio;
  }

  double coefficient_;
  bool square_;
  bool mean_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("hoyer", "0.1.0", sdk::regularizer<Hoyer>());
