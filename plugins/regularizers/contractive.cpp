// contractive (Rifai et al., "Contractive auto-encoders", ICML 2011): the squared Frobenius norm of
// the Jacobian of a dense layer with an element-wise activation, h = f(x W + b), W[D,K]:
//   coefficient * mean over rows b of  sum over j of  g(h_bj)^2 * sum over i of W_ij^2
// where g, the activation's slope, is a function of its output:
//   sigmoid h (1 - h)    tanh 1 - h^2    relu 1 if h > 0, else 0    identity 1
// `activation` must be the layer's; an output outside of its range is an error that names its
// place. reduction sum leaves out the division by the batch's rows.
//   d/dh_bj = 2 c / N g(h_bj) g'(h_bj) sum over i of W_ij^2     d/dW_ij = 2 c / N W_ij sum_b g^2
// The first goes on through the layer's backward, the second is added to its gradient. Where the
// weights are quantized, W is what the quantizer made of them.
//
// The layer must be dense: its first learned tensor is `weights`, with one column per unit. The
// slope of relu at 0 is taken as 0. Sums are in double; NaN gives NaN, but not through relu's
// slope.
#include <algorithm>
#include <limits>
#include <string_view>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr const char* kActivations[] = {"sigmoid", "tanh", "relu", "identity", nullptr};
constexpr const char* kReductions[] = {"mean", "sum", nullptr};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Each g(h) and its derivative g'(h), for h in [kLeast, kMost].
struct SigmoidSlope {
  static constexpr double kLeast = 0.0, kMost = 1.0;
  static double value(double h) { return h * (1.0 - h); }
  static double derivative(double h) { return 1.0 - 2.0 * h; }
};
struct TanhSlope {
  static constexpr double kLeast = -1.0, kMost = 1.0;
  static double value(double h) { return (1.0 - h) * (1.0 + h); }
  static double derivative(double h) { return -2.0 * h; }
};
struct ReluSlope {
  static constexpr double kLeast = 0.0, kMost = kInfinity;
  static double value(double h) { return h > 0.0 ? 1.0 : 0.0; }
  static double derivative(double) { return 0.0; }
};
struct IdentitySlope {
  static constexpr double kLeast = -kInfinity, kMost = kInfinity;
  static double value(double) { return 1.0; }
  static double derivative(double) { return 0.0; }
};

template <class Real>
class Contractive {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "contractive",
      .summary = "coefficient * mean over rows of the squared norm of the layer's Jacobian",
      .views = AESWEEP_VIEW_OUTPUT | AESWEEP_VIEW_PARAMETERS};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::real("coefficient", "Factor of the penalty", 0.1, sdk::at_least(0))),
      sdk::required(sdk::choice("activation", "The layer's activation", "sigmoid", kActivations)),
      sdk::choice("reduction", "Over the batch's rows: mean or sum", "mean", kReductions)};

  explicit Contractive(const sdk::Parameters& p)
      : coefficient_(p.real("coefficient")),
        activation_(p.choice("activation")),
        mean_(p.choice("reduction") == "mean") {}

  void plan(const sdk::Request& request, sdk::Plan& plan) {
    sdk::require(request.tensor_count > 0, AESWEEP_INVALID_SHAPE,
                 "contractive needs the weights of a dense layer, and this layer has no learned "
                 "tensor");
    const aesweep_known_tensor& weights = sdk::known_tensor(request, 0);
    const std::string_view name = weights.name;
    sdk::require(name.ends_with("/weights") && weights.cols == request.input_cols,
                 AESWEEP_INVALID_SHAPE, "contractive needs the weights of a dense layer with ",
                 request.input_cols, " columns, and this layer's first tensor is ", name, ", ",
                 weights.rows, " x ", weights.cols);
    inputs_ = weights.rows;
    plan.workspace_bytes = static_cast<std::uint64_t>(request.input_cols) * sizeof(double);
  }

  double on_activations(const sdk::Context& context, const sdk::Memory<Real>& memory,
                        const sdk::Views<Real>& views, const sdk::Matrix<Real>* gradient) const {
    const auto& h = views.output;
    const double scale = scale_of(context);
    auto* norms = static_cast<double*>(memory.workspace);
    add_squares(memory.parameters[0], h.cols, norms);
    return with_slope([&](auto slope) {
      require_range(h, slope.kLeast, slope.kMost);
      double sum = 0.0;
      for (std::int64_t b = 0; b < h.rows; ++b) {
        const Real* values = sdk::row(h, b);
        for (std::int64_t j = 0; j < h.cols; ++j) {
          const double g = slope.value(static_cast<double>(values[j]));
          sum += g * g * norms[j];
        }
      }
      for (std::int64_t b = 0; gradient != nullptr && b < h.rows; ++b) {
        const Real* values = sdk::row(h, b);
        Real* out = sdk::row(*gradient, b);
        for (std::int64_t j = 0; j < h.cols; ++j) {
          const auto v = static_cast<double>(values[j]);
          const double term = 2.0 * scale * slope.value(v) * slope.derivative(v) * norms[j];
          out[j] = static_cast<Real>(static_cast<double>(out[j]) + term);
        }
      }
      return scale * sum;
    });
  }

  void on_layer_parameters(const sdk::Context& context, const sdk::Memory<Real>& memory,
                           const sdk::Views<Real>& views) const {
    const auto& h = views.output;
    auto* squares = static_cast<double*>(memory.workspace);
    std::fill_n(squares, h.cols, 0.0);
    with_slope([&](auto slope) {
      for (std::int64_t b = 0; b < h.rows; ++b) {
        const Real* values = sdk::row(h, b);
        for (std::int64_t j = 0; j < h.cols; ++j) {
          const double g = slope.value(static_cast<double>(values[j]));
          squares[j] += g * g;
        }
      }
      return 0.0;
    });
    const double factor = 2.0 * scale_of(context);
    for (std::int64_t i = 0; i < inputs_; ++i) {
      const Real* w = memory.parameters[0] + i * h.cols;
      Real* dw = memory.gradients[0] + i * h.cols;
      for (std::int64_t j = 0; j < h.cols; ++j) {
        const double term = factor * static_cast<double>(w[j]) * squares[j];
        dw[j] = static_cast<Real>(static_cast<double>(dw[j]) + term);
      }
    }
  }

 private:
  [[nodiscard]] double scale_of(const sdk::Context& context) const {
    return mean_ ? coefficient_ / static_cast<double>(context.batch_rows) : coefficient_;
  }

  // Throws, naming the place, at an output that the activation cannot have given. NaN passes.
  void require_range(const sdk::ConstMatrix<Real>& h, double least, double most) const {
    for (std::int64_t b = 0; b < h.rows; ++b) {
      for (std::int64_t j = 0; j < h.cols; ++j) {
        const Real value = sdk::row(h, b)[j];
        sdk::require(!(value < Real(least) || value > Real(most)), AESWEEP_NUMERIC, "output ",
                     value, " (row ", b, ", column ", j, ") cannot be one of ", activation_,
                     ": set `activation` to that of the layer");
      }
    }
  }

  // norms[K] = sums over i of w_ij^2
  void add_squares(const Real* w, std::int64_t cols, double* norms) const {
    std::fill_n(norms, cols, 0.0);
    for (std::int64_t i = 0; i < inputs_; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) {
        const auto v = static_cast<double>(w[i * cols + j]);
        norms[j] += v * v;
      }
    }
  }

  template <class Body>
  double with_slope(const Body& body) const {
    if (activation_ == "sigmoid") return body(SigmoidSlope());
    if (activation_ == "tanh") return body(TanhSlope());
    if (activation_ == "relu") return body(ReluSlope());
    return body(IdentitySlope());
  }

  double coefficient_;
  std::string activation_;
  bool mean_;
  std::int64_t inputs_ = 0;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("contractive", "0.1.0", sdk::regularizer<Contractive>());
