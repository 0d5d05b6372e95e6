// slope_annealed: y = f(s z), f tanh or sigmoid, whose slope s goes from slope_start to slope_end
// over training, so that a smooth code becomes a binary one. With the training steps finished so
// far (context.train_step) t = min(train_step / total_steps, 1), in training and evaluation alike,
//   law linear:       s = slope_start + t (slope_end - slope_start)
//   law exponential:  s = slope_start (slope_end / slope_start)^t
// and t = 1 if there are no steps. dy/dz = s f'(s z), exact. In [-1, 1] (tanh) or [0, 1] (sigmoid).
// Infinities give the ends, NaN gives NaN. Cao, Long, Wang & Yu 2017 (HashNet).
#include <cmath>

#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class SlopeAnnealed {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {
      .name = "slope_annealed",
      .summary = "y = tanh(s z) or sigmoid(s z), s from slope_start to slope_end over training",
      .flags = AESWEEP_ELEMENTWISE};
  static constexpr const char* kFunctions[] = {"tanh", "sigmoid", nullptr};
  static constexpr const char* kLaws[] = {"linear", "exponential", nullptr};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::choice("function", "What is made steeper", "tanh", kFunctions),
      sdk::choice("law", "How the slope goes from start to end", "linear", kLaws),
      sdk::real("slope_start", "Slope before the first step", 1.0, sdk::inside(0, 1e6)),
      sdk::real("slope_end", "Slope after the last step", 10.0, sdk::inside(0, 1e6))};

  explicit SlopeAnnealed(const sdk::Parameters& p)
      : tanh_(p.choice("function") == "tanh"),
        linear_(p.choice("law") == "linear"),
        start_(p.real("slope_start")),
        end_(p.real("slope_end")) {}

  void forward(const sdk::Context& context, const sdk::Memory<Real>&,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    const Real s = slope(context);
    if (tanh_) {
      sdk::for_each_chunk<Real>(
          y, [s](const Chunk& z) -> Chunk { return (s * z).tanh(); }, x);
    } else {
      sdk::for_each_chunk<Real>(
          y, [s](const Chunk& z) { return sdk::sigmoid<Real>(s * z); }, x);
    }
  }

  void backward(const sdk::Context& context, const sdk::Memory<Real>&,
                const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    if (dx == nullptr) return;
    const Real s = slope(context);
    // tanh(v) = 2 sigmoid(2 v) - 1.
    const Real inner = tanh_ ? Real(2) * s : s;
    const Real outer = tanh_ ? Real(4) * s : s;
    sdk::for_each_chunk<Real>(
        *dx,
        [inner, outer](const Chunk& z, const Chunk& grad) -> Chunk {
          return grad * (outer * sdk::sigmoid_slope<Real>(inner * z));
        },
        x, dy);
  }

 private:
  [[nodiscard]] Real slope(const sdk::Context& context) const {
    const double t =
        context.train_step >= context.total_steps
            ? 1.0
            : static_cast<double>(context.train_step) / static_cast<double>(context.total_steps);
    return static_cast<Real>(linear_ ? start_ + t * (end_ - start_)
                                     : start_ * std::pow(end_ / start_, t));
  }

  bool tanh_;
  bool linear_;
  double start_;
  double end_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("slope_annealed", "0.1.0", sdk::activation<SlopeAnnealed>());
