#include "tests/train/view_components.hpp"

#include <cmath>
#include <cstdint>
#include <string>

#include "core/base/check.hpp"
#include "core/sdk/plugin.hpp"
#include "tests/support/builtins.hpp"

namespace aesweep::test {
namespace {

template <class Matrix>
auto& at(const Matrix& m, std::int64_t i, std::int64_t j) {
  return m.data[i * m.row_stride + j];
}

constexpr const char* kAs[] = {"is", "wide", "twice", nullptr};

template <class Real>
class Tied {
 public:
  static constexpr sdk::Info kInfo = {.name = "tied", .summary = "y = x w^T + b"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::word("of", "Full name of the tensor w", "encoder/weights")),
      sdk::boolean("plain", "w as it is, not transposed", false),
      sdk::boolean("bias", "Whether b is there", true),
      sdk::choice("as", "How the view is planned", "is", kAs)};
  explicit Tied(const sdk::Parameters& p)
      : of_(p.word("of")),
        plain_(p.boolean("plain")),
        bias_(p.boolean("bias")),
        as_(p.choice("as")) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) {
    aesweep_known_tensor owner{sizeof owner, 0, of_.c_str(), 1, request.input_cols};
    if (const auto* known = sdk::find_tensor(request, of_)) owner = *known;
    rows_ = owner.rows;
    cols_ = owner.cols;
    plan.output_cols = plain_ ? cols_ : rows_;
    if (bias_) plan.learned("bias", 1, plan.output_cols, {AESWEEP_INIT_UNIFORM, -0.3, 0.3});
    if (as_ == "wide") owner.cols += 1;
    plan.viewed(owner);
    if (as_ == "twice") plan.viewed(owner);
  }

  void forward(const sdk::Context&, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t k = 0; k < y.cols; ++k) {
        Real sum = bias_ ? memory.parameters[0][k] : Real(0);
        for (std::int64_t j = 0; j < x.cols; ++j) sum += at(x, i, j) * weight(memory, j, k);
        at(y, i, k) = sum;
      }
    }
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>& memory,
                const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    for (std::int64_t k = 0; k < dy.cols; ++k) {
      if (bias_) memory.gradients[0][k] = Real(0);
      for (std::int64_t i = 0; i < x.rows && bias_; ++i) memory.gradients[0][k] += at(dy, i, k);
      for (std::int64_t j = 0; j < x.cols; ++j) {
        Real sum = Real(0);
        for (std::int64_t i = 0; i < x.rows; ++i) sum += at(x, i, j) * at(dy, i, k);
        memory.viewed_gradients[0][index(j, k)] = sum;
      }
    }
    for (std::int64_t i = 0; i < x.rows && dx != nullptr; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        Real sum = Real(0);
        for (std::int64_t k = 0; k < dy.cols; ++k) sum += at(dy, i, k) * weight(memory, j, k);
        at(*dx, i, j) = sum;
      }
    }
  }

 private:
  [[nodiscard]] std::int64_t index(std::int64_t input, std::int64_t output) const {
    return plain_ ? input * cols_ + output : output * cols_ + input;
  }
  [[nodiscard]] Real weight(const sdk::Memory<Real>& memory, std::int64_t input,
                            std::int64_t output) const {
    return memory.viewed[0][index(input, output)];
  }

  std::string of_;
  bool plain_;
  bool bias_;
  std::string as_;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
};

template <class Real>
class ScaleBy {
 public:
  static constexpr sdk::Info kInfo = {.name = "scale_by", .summary = "y = x * w"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::word("of", "Full name of the tensor w", "norm/scale"))};
  explicit ScaleBy(const sdk::Parameters& p) : of_(p.word("of")) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    const auto* owner = sdk::find_tensor(request, of_);
    sdk::require(owner != nullptr && owner->cols == request.input_cols, AESWEEP_INVALID_SHAPE,
                 "of: no tensor ", of_, " of ", request.input_cols, " columns");
    plan.viewed(*owner);
  }

  void forward(const sdk::Context&, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) at(y, i, j) = at(x, i, j) * memory.viewed[0][j];
    }
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>& memory,
                const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    for (std::int64_t j = 0; j < x.cols; ++j) {
      Real sum = Real(0);
      for (std::int64_t i = 0; i < x.rows; ++i) {
        sum += at(x, i, j) * at(dy, i, j);
        if (dx != nullptr) at(*dx, i, j) = at(dy, i, j) * memory.viewed[0][j];
      }
      memory.viewed_gradients[0][j] = sum;
    }
  }

 private:
  std::string of_;
};

// Statistics: [0] sums of x, sums of x^2; [1] sums of dy, sums of dy * normalised x.
template <class Real>
class Norm {
 public:
  static constexpr sdk::Info kInfo = {.name = "norm", .summary = "y = g (x - m) / sqrt(v + e) + h"};

  void plan(const sdk::Request& request, sdk::Plan& plan) {
    const std::int64_t cols = request.input_cols;
    cols_ = cols;
    plan.learned("scale", 1, cols, {AESWEEP_INIT_UNIFORM, 0.5, 1.5});
    plan.learned("shift", 1, cols, {AESWEEP_INIT_UNIFORM, -0.5, 0.5});
    plan.buffer("mean", 1, cols, {});
    plan.buffer("variance", 1, cols, {AESWEEP_INIT_CONSTANT, 1.0, 0.0});
    plan.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, 2 * cols, AESWEEP_TRAIN_ONLY);
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_SUM, 2 * cols);
  }

  void accumulate(const sdk::Context& context, std::uint32_t round, const sdk::Memory<Real>& memory,
                  const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>* dy) const {
    sdk::require(context.mode == AESWEEP_TRAIN, AESWEEP_INTERNAL, "a round in evaluation");
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        const double first = round == 0 ? at(x, i, j) : at(*dy, i, j);
        const double second = round == 0 ? first : normalised(context, memory, x, i, j);
        memory.statistic[j] += first;
        memory.statistic[x.cols + j] += first * second;
      }
    }
  }

  void forward(const sdk::Context& context, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    const bool undefined = std::isnan(memory.statistics[0][0]);
    sdk::require(undefined == (context.mode == AESWEEP_EVAL), AESWEEP_INTERNAL,
                 "statistics are to be NaN in evaluation, and only there");
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        at(y, i, j) =
            static_cast<Real>(memory.parameters[0][j] * normalised(context, memory, x, i, j) +
                              memory.parameters[1][j]);
      }
    }
  }

  void backward(const sdk::Context& context, const sdk::Memory<Real>& memory,
                const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    const auto rows = static_cast<double>(context.batch_rows);
    for (std::int64_t j = 0; j < x.cols; ++j) {
      double shift = 0.0;
      double scale = 0.0;
      for (std::int64_t i = 0; i < x.rows; ++i) {
        const double unit = normalised(context, memory, x, i, j);
        shift += at(dy, i, j);
        scale += at(dy, i, j) * unit;
        if (dx == nullptr) continue;
        const double centred = at(dy, i, j) - memory.statistics[1][j] / rows -
                               unit * memory.statistics[1][x.cols + j] / rows;
        at(*dx, i, j) =
            static_cast<Real>(memory.parameters[0][j] * centred / deviation(context, memory, j));
      }
      memory.gradients[0][j] = static_cast<Real>(scale);
      memory.gradients[1][j] = static_cast<Real>(shift);
    }
  }

  void end_step(const sdk::Context& context, const sdk::Memory<Real>& memory) const {
    sdk::require(memory.parameters == nullptr && memory.kept == nullptr, AESWEEP_INTERNAL,
                 "end_step sees what may differ between ranks");
    const auto rows = static_cast<double>(context.batch_rows);
    for (std::int64_t j = 0; j < cols_; ++j) {
      const double mean = memory.statistics[0][j] / rows;
      const double variance = memory.statistics[0][cols_ + j] / rows - mean * mean;
      memory.buffers[0][j] += static_cast<Real>(0.1 * (mean - memory.buffers[0][j]));
      memory.buffers[1][j] += static_cast<Real>(0.1 * (variance - memory.buffers[1][j]));
    }
  }

 private:
  static double mean(const sdk::Context& context, const sdk::Memory<Real>& memory, std::int64_t j) {
    if (context.mode == AESWEEP_EVAL) return memory.buffers[0][j];
    return memory.statistics[0][j] / static_cast<double>(context.batch_rows);
  }
  double deviation(const sdk::Context& context, const sdk::Memory<Real>& memory,
                   std::int64_t j) const {
    if (context.mode == AESWEEP_EVAL) return std::sqrt(memory.buffers[1][j] + 0.01);
    const double m = mean(context, memory, j);
    const auto rows = static_cast<double>(context.batch_rows);
    return std::sqrt(memory.statistics[0][cols_ + j] / rows - m * m + 0.01);
  }
  double normalised(const sdk::Context& context, const sdk::Memory<Real>& memory,
                    const sdk::ConstMatrix<Real>& x, std::int64_t i, std::int64_t j) const {
    return (at(x, i, j) - mean(context, memory, j)) / deviation(context, memory, j);
  }

  std::int64_t cols_ = 0;
};

template <class Real>
class Gain {
 public:
  static constexpr sdk::Info kInfo = {.name = "gain", .summary = "y = g sin x"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::boolean("peek", "Whether it views a tensor, which activations may not", false)};
  explicit Gain(const sdk::Parameters& p) : peek_(p.boolean("peek")) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    plan.learned("gain", 1, request.input_cols, {AESWEEP_INIT_UNIFORM, 0.5, 1.5});
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_MAX, 1);
    const aesweep_known_tensor other{sizeof other, 0, "in/weights", 1, 1};
    if (peek_) plan.viewed(other);
  }

  void accumulate(const sdk::Context&, std::uint32_t, const sdk::Memory<Real>& memory,
                  const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>*) const {
    memory.statistic[0] = static_cast<double>(x.rows);
  }

  void forward(const sdk::Context&, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        at(y, i, j) = memory.parameters[0][j] * std::sin(at(x, i, j));
      }
    }
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>& memory,
                const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    for (std::int64_t j = 0; j < x.cols; ++j) {
      Real sum = Real(0);
      for (std::int64_t i = 0; i < x.rows; ++i) {
        const Real v = at(x, i, j);
        sum += at(dy, i, j) * std::sin(v);
        at(*dx, i, j) = at(dy, i, j) * memory.parameters[0][j] * std::cos(v);
      }
      memory.gradients[0][j] = sum;
    }
  }

 private:
  bool peek_;
};

template <class Real>
class GatedBase {
 public:
  static constexpr aesweep_parameter_info kParameters[] = {sdk::real("coefficient", "Factor", 1.0)};
  explicit GatedBase(const sdk::Parameters& p) : coefficient_(p.real("coefficient")) {}

  void plan(const sdk::Request& request, sdk::Plan&) {
    const aesweep_known_tensor& w = sdk::known_tensor(request, 0);
    rows_ = w.rows;
    cols_ = w.cols;
    sdk::require(std::string(w.name).ends_with("/weights") && (w.flags & AESWEEP_MAY_DECAY) != 0 &&
                     cols_ == request.input_cols,
                 AESWEEP_INVALID_SHAPE, "the layer's first tensor is not its weights");
  }

  double on_activations(const sdk::Context& context, const sdk::Memory<Real>& memory,
                        const sdk::Views<Real>& views, const sdk::Matrix<Real>* gradient) const {
    const double c = coefficient_ / static_cast<double>(context.batch_rows);
    double value = 0.0;
    for (std::int64_t j = 0; j < cols_ && memory.parameters != nullptr; ++j) {
      double norm = 0.0;
      for (std::int64_t d = 0; d < rows_; ++d) {
        const double w = memory.parameters[0][d * cols_ + j];
        norm += w * w;
      }
      for (std::int64_t i = 0; i < views.output.rows; ++i) {
        const double y = at(views.output, i, j);
        value += c * y * y * norm;
        if (gradient != nullptr) at(*gradient, i, j) += static_cast<Real>(2.0 * c * y * norm);
      }
    }
    return value;
  }

 protected:
  void add_parameter_gradient(const sdk::Context& context, const sdk::Memory<Real>& memory,
                              const sdk::Views<Real>& views) const {
    const double c = coefficient_ / static_cast<double>(context.batch_rows);
    for (std::int64_t j = 0; j < cols_; ++j) {
      double squares = 0.0;
      for (std::int64_t i = 0; i < views.output.rows; ++i) {
        const double y = at(views.output, i, j);
        squares += y * y;
      }
      for (std::int64_t d = 0; d < rows_; ++d) {
        const std::int64_t k = d * cols_ + j;
        memory.gradients[0][k] += static_cast<Real>(2.0 * c * memory.parameters[0][k] * squares);
      }
    }
  }

 private:
  double coefficient_;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
};

template <class Real>
class Gated : public GatedBase<Real> {
 public:
  static constexpr sdk::Info kInfo = {.name = "gated",
                                      .summary = "c / N sum y^2 |w|^2",
                                      .views = AESWEEP_VIEW_OUTPUT | AESWEEP_VIEW_PARAMETERS};
  using GatedBase<Real>::GatedBase;
  void on_layer_parameters(const sdk::Context& context, const sdk::Memory<Real>& memory,
                           const sdk::Views<Real>& views) const {
    this->add_parameter_gradient(context, memory, views);
  }
};

template <class Real>
class Blind : public GatedBase<Real> {
 public:
  static constexpr sdk::Info kInfo = {.name = "blind",
                                      .summary = "gated without on_layer_parameters",
                                      .views = AESWEEP_VIEW_OUTPUT | AESWEEP_VIEW_PARAMETERS};
  using GatedBase<Real>::GatedBase;
};

template <class Real>
class Mute : public GatedBase<Real> {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "mute", .summary = "gated without its view", .views = AESWEEP_VIEW_OUTPUT};
  using GatedBase<Real>::GatedBase;
  void on_layer_parameters(const sdk::Context& context, const sdk::Memory<Real>& memory,
                           const sdk::Views<Real>& views) const {
    this->add_parameter_gradient(context, memory, views);
  }
};

template <class Real>
class Squash {
 public:
  static constexpr sdk::Info kInfo = {.name = "squash", .summary = "q = 1.1 tanh w"};

  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q, void*) const {
    for (std::uint64_t i = 0; i < block.count; ++i) q[i] = Real(1.1) * std::tanh(w[i]);
  }
  void backward(const sdk::Context&, const sdk::Block& block, const Real* w, Real* gradient,
                const void*) const {
    for (std::uint64_t i = 0; i < block.count; ++i) {
      const Real t = std::tanh(w[i]);
      gradient[i] *= Real(1.1) * (Real(1) - t * t);
    }
  }
};

template <class Real>
class Keeper {
 public:
  static constexpr sdk::Info kInfo = {.name = "keeper", .summary = "q = w"};

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    for (std::uint32_t i = 0; i < request.tensor_count; ++i) {
      const aesweep_known_tensor& tensor = sdk::known_tensor(request, i);
      const auto elements = static_cast<std::uint64_t>(tensor.rows * tensor.cols);
      plan.kept_bytes = std::max(plan.kept_bytes, elements * sizeof(double));
    }
  }
  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q,
                void* kept) const {
    std::copy_n(w, block.count, q);
    std::copy_n(w, block.count, static_cast<double*>(kept));
  }
};

constexpr const aesweep_component* kComponents[] = {
    sdk::layer<Tied>(),       sdk::layer<ScaleBy>(),     sdk::layer<Norm>(),
    sdk::activation<Gain>(),  sdk::regularizer<Gated>(), sdk::regularizer<Blind>(),
    sdk::regularizer<Mute>(), sdk::quantizer<Squash>(),  sdk::quantizer<Keeper>()};

Catalogue with_test_components() {
  aesweep_plugin_entry entry{};
  entry.magic = AESWEEP_ABI_MAGIC;
  entry.struct_size = sizeof entry;
  entry.id = "views";
  entry.version = "1";
  entry.components = kComponents;
  entry.component_count = sizeof kComponents / sizeof kComponents[0];
  Catalogue catalogue = builtins();
  const Status added = catalogue.add(entry, {"views", "1", "/test/views.so", ""});
  AESWEEP_CHECK(added.ok(), added.message());
  return catalogue;
}

}  // namespace

const Catalogue& view_catalogue() {
  static const Catalogue catalogue = with_test_components();
  return catalogue;
}

}  // namespace aesweep::test
