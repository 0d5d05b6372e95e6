// noisy_sigmoid: y = sigmoid(z + sigma n) while training, n the unit's standard normal number of
// the component's random stream (philox.hpp, purpose 0); y = sigmoid(z) in evaluation. The noise
// drives codes to the ends 0 and 1, where it does least harm. dy/dz = y (1 - y), the derivative at
// the noisy point. In [0, 1]. Infinities give the ends, NaN gives NaN.
// Salakhutdinov & Hinton 2009 (semantic hashing).
#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"
#include "plugins/activations/noise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class NoisySigmoid {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "noisy_sigmoid",
                                      .summary = "y = sigmoid(z + sigma n), n standard normal",
                                      .flags = AESWEEP_RANDOM | AESWEEP_IN_PLACE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("sigma", "Standard deviation of the noise", 1.0, sdk::between(0, 1e6))};

  explicit NoisySigmoid(const sdk::Parameters& p) : sigma_(static_cast<Real>(p.real("sigma"))) {}

  void forward(const sdk::Context& context, const sdk::Memory<Real>&,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    if (context.mode == AESWEEP_EVAL) {
      sdk::for_each_chunk<Real>(
          y, [](const Chunk& z) { return sdk::sigmoid<Real>(z); }, x);
      return;
    }
    aesweep::for_each_random_chunk<Real>(
        context, aesweep::stream_key(context.stream, 0), y,
        [this](const Chunk& z, const aesweep::Words<Real>& words) {
          return sdk::sigmoid<Real>(z + sigma_ * normals(words));
        },
        x);
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& y, const sdk::ConstMatrix<Real>& dy,
                const sdk::Matrix<Real>* dx) const {
    if (dx == nullptr) return;
    sdk::for_each_chunk<Real>(
        *dx,
        [](const Chunk& out, const Chunk& grad) -> Chunk { return grad * (out * (Real(1) - out)); },
        y, dy);
  }

 private:
  static Chunk normals(const aesweep::Words<Real>& words) {
    Chunk out;
    for (std::size_t first = 0; first < words.size(); first += 4) {
      const auto four = aesweep::standard_normals(
          {words[first], words[first + 1], words[first + 2], words[first + 3]});
      for (std::size_t n = 0; n < 4; ++n) out.data()[first + n] = static_cast<Real>(four[n]);
    }
    return out;
  }

  Real sigma_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("noisy_sigmoid", "0.1.0", sdk::activation<NoisySigmoid>());
