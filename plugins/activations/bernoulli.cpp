// bernoulli: y = high with probability p = sigmoid(slope z), else low; {low, high} is {0, 1}
// (values: zero_one) or {-1, 1} (signed). While training, y = high where u < p, u the unit's
// uniform number in [0, 1), a multiple of 2^-24 of the component's random stream (philox.hpp,
// purpose 0), the same in both precisions. In evaluation y = high where p >= 1/2, that is z >= 0.
// Surrogate gradient, in both modes: the derivative of the mean, (high - low) slope p (1 - p).
// Infinities give the ends (p = 0 never gives high, p = 1 always), NaN gives NaN.
// Bengio, Leonard & Courville 2013.
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"
#include "plugins/activations/noise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Bernoulli {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "bernoulli",
                                      .summary = "y = 1 with probability sigmoid(slope z), else 0",
                                      .flags = AESWEEP_RANDOM | AESWEEP_SURROGATE};
  static constexpr const char* kValues[] = {"zero_one", "signed", nullptr};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("slope", "Factor of z in the probability", 1.0, sdk::inside(0, 1e6)),
      sdk::choice("values", "0 and 1, or -1 and 1 (signed)", "zero_one", kValues)};

  explicit Bernoulli(const sdk::Parameters& p)
      : slope_(static_cast<Real>(p.real("slope"))),
        low_(p.choice("values") == "signed" ? Real(-1) : Real(0)) {}

  void forward(const sdk::Context& context, const sdk::Memory<Real>&,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    if (context.mode == AESWEEP_EVAL) {
      sdk::for_each_chunk<Real>(
          y,
          [low = low_](const Chunk& z) {
            return sdk::each_lane<Real>(
                [low](Real in) { return in < Real(0) ? low : (in >= Real(0) ? Real(1) : in); }, z);
          },
          x);
      return;
    }
    aesweep::for_each_random_chunk<Real>(
        context, aesweep::stream_key(context.stream, 0), y,
        [this](const Chunk& z, const aesweep::Words<Real>& words) {
          const Chunk p = sdk::sigmoid<Real>(slope_ * z);
          return sdk::each_lane<Real>(
              [low = low_](Real probability, std::uint32_t word) {
                const Real u = static_cast<Real>(aesweep::uniform_float(word));
                return u < probability ? Real(1) : (u >= probability ? low : probability);
              },
              p, words);
        },
        x);
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>& x,
                const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>& dy,
                const sdk::Matrix<Real>* dx) const {
    if (dx == nullptr) return;
    const Real factor = (Real(1) - low_) * slope_;
    sdk::for_each_chunk<Real>(
        *dx,
        [this, factor](const Chunk& z, const Chunk& grad) -> Chunk {
          return grad * (factor * sdk::sigmoid_slope<Real>(slope_ * z));
        },
        x, dy);
  }

 private:
  Real slope_;
  Real low_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("bernoulli", "0.1.0", sdk::activation<Bernoulli>());
