// dense: y[B,K] = x[B,D] w[D,K] + b[K], the bias optional. Row-major.
//   dw = x^T dy,   db = column sums of dy,   dx = dy w^T
//
// Where x carries an active set with few entries (use_entries), y and dw are formed from them
// alone; likewise dx where dx carries one.
#include <algorithm>
#include <cmath>

#include "plugins/layers/entries.hpp"

namespace {

namespace sdk = aesweep::sdk;
using sdk::Op;

// y[i] += a * x[i]
template <class Real>
void add_scaled(std::int64_t count, Real a, const Real* __restrict x, Real* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += a * x[i];
}

// sum a[i] b[i], in an order fixed by count: one sum per lane, lanes added pairwise at the end.
template <class Real>
Real dot(std::int64_t count, const Real* a, const Real* b) {
  using Chunk = sdk::Chunk<Real>;
  Chunk lanes = Chunk::Zero();
  const std::int64_t whole = count / sdk::kChunk<Real> * sdk::kChunk<Real>;
  for (std::int64_t i = 0; i < whole; i += sdk::kChunk<Real>) {
    lanes += Eigen::Map<const Chunk>(a + i) * Eigen::Map<const Chunk>(b + i);
  }
  for (std::int64_t i = whole; i < count; ++i) lanes[i - whole] += a[i] * b[i];
  return aesweep::sum_of_lanes(lanes);
}

constexpr const char* kInitializers[] = {"xavier_uniform", "xavier_normal", "he_uniform",
                                         "he_normal",      "uniform",       nullptr};

template <class Real>
class Dense {
 public:
  static constexpr sdk::Info kInfo = {.name = "dense", .summary = "y = x w + b"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::integer("units", "Width of y; 0 is the width of the target", 0,
                   sdk::between(0, 1 << 24)),
      sdk::boolean("bias", "Whether b is there; it starts at 0", true),
      sdk::choice("initializer",
                  "Of w: xavier (variance 2 / (inputs + units)), he (2 / inputs), or uniform",
                  "xavier_uniform", kInitializers),
      sdk::real("init_min", "Lower end for initializer uniform", -0.05),
      sdk::real("init_max", "Upper end for initializer uniform", 0.05)};

  explicit Dense(const sdk::Parameters& p)
      : units_(p.integer("units")),
        bias_(p.boolean("bias")),
        initializer_(p.choice("initializer")),
        init_min_(p.real("init_min")),
        init_max_(p.real("init_max")) {
    sdk::require(init_min_ <= init_max_, AESWEEP_INVALID_PARAMETER, "init_min: ", init_min_,
                 " is above init_max, ", init_max_);
  }

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    plan.output_cols = units_ == 0 ? request.target_cols : units_;
    sdk::require(request.input_cols > 0 && plan.output_cols > 0, AESWEEP_INVALID_SHAPE,
                 "no layer from ", request.input_cols, " to ", plan.output_cols, " columns");
    plan.learned("weights", request.input_cols, plan.output_cols,
                 weight_initializer(static_cast<double>(request.input_cols),
                                    static_cast<double>(plan.output_cols)),
                 AESWEEP_MAY_DECAY | AESWEEP_MAY_QUANTIZE);
    if (bias_) plan.learned("bias", 1, plan.output_cols, {});
  }

  void forward(const sdk::Context&, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    aesweep::set_rows(y, bias_ ? memory.parameters[1] : nullptr);
    const Real* w = memory.parameters[0];
    if (aesweep::use_entries(x)) {
      for (std::int64_t i = 0; i < x.rows; ++i) {
        for (std::int64_t e = x.active->row_offsets[i]; e < x.active->row_offsets[i + 1]; ++e) {
          add_scaled(y.cols, x.active->values[e], w + x.active->columns[e] * y.cols,
                     sdk::row(y, i));
        }
      }
    } else if (x.rows > 0) {
      sdk::gemm(Op::kPlain, Op::kPlain, x.rows, y.cols, x.cols, Real(1), x.data, x.row_stride, w,
                y.cols, Real(1), y.data, y.row_stride);
    }
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>& memory,
                const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    weight_gradient(x, dy, memory.gradients[0]);
    if (bias_) aesweep::column_sums<Real>(dy, memory.gradients[1]);
    if (dx != nullptr && dx->rows > 0) input_gradient(memory.parameters[0], dy, *dx);
  }

 private:
  sdk::Initializer weight_initializer(double inputs, double units) const {
    const bool he = initializer_.starts_with("he");
    const double variance = 2.0 / (he ? inputs : inputs + units);
    if (initializer_ == "uniform") return {AESWEEP_INIT_UNIFORM, init_min_, init_max_};
    if (initializer_.ends_with("normal")) return {AESWEEP_INIT_NORMAL, 0.0, std::sqrt(variance)};
    const double limit = std::sqrt(3.0 * variance);  // U(-a, a) has variance a^2 / 3.
    return {AESWEEP_INIT_UNIFORM, -limit, limit};
  }

  static void weight_gradient(const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>& dy,
                              Real* dw) {
    if (!aesweep::use_entries(x) && x.rows > 0) {
      sdk::gemm(Op::kTransposed, Op::kPlain, x.cols, dy.cols, x.rows, Real(1), x.data, x.row_stride,
                dy.data, dy.row_stride, Real(0), dw, dy.cols);
      return;
    }
    std::fill_n(dw, x.cols * dy.cols, Real(0));
    if (x.rows == 0) return;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t e = x.active->row_offsets[i]; e < x.active->row_offsets[i + 1]; ++e) {
        add_scaled(dy.cols, x.active->values[e], sdk::row(dy, i),
                   dw + x.active->columns[e] * dy.cols);
      }
    }
  }

  static void input_gradient(const Real* w, const sdk::ConstMatrix<Real>& dy,
                             const sdk::Matrix<Real>& dx) {
    if (!aesweep::use_entries(dx)) {
      sdk::gemm(Op::kPlain, Op::kTransposed, dx.rows, dx.cols, dy.cols, Real(1), dy.data,
                dy.row_stride, w, dy.cols, Real(0), dx.data, dx.row_stride);
      return;
    }
    for (std::int64_t i = 0; i < dx.rows; ++i) {
      for (std::int64_t e = dx.active->row_offsets[i]; e < dx.active->row_offsets[i + 1]; ++e) {
        const std::int32_t column = dx.active->columns[e];
        sdk::row(dx, i)[column] = dot(dy.cols, sdk::row(dy, i), w + column * dy.cols);
      }
    }
  }

  std::int64_t units_;
  bool bias_;
  std::string initializer_;
  double init_min_;
  double init_max_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("dense", "0.1.0", sdk::layer<Dense>());
