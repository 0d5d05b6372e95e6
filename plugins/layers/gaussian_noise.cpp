// gaussian_noise: in training, with n standard normal and independent for each element,
//   form additive        y = x + sigma n          dx = dy
//   form multiplicative  y = x (1 + sigma n)      dx = dy (1 + sigma n)
// In evaluation y = x. Additive noise on the input is the corruption of Vincent et al. ("Stacked
// denoising autoencoders", JMLR 2010); multiplicative noise is Gaussian dropout (Srivastava et al.,
// JMLR 2014) with sigma = sqrt(rate / (1 - rate)).
//
// sigma >= 0; |n| is at most 6.8 (philox.hpp). n belongs to the sample, not to the shard, and is
// made again in backward. It is drawn in double and y is formed there and rounded once, so single
// and double precision see the same noise. What is not finite stays so.
// That costs about 16 ns per element, in forward and, multiplicative, in backward: logarithm, root,
// sine and cosine of two words at a time, outside of vector loops, where the masks of dropout and
// masking_noise are cheap.
#include <algorithm>
#include <array>

#include "core/sdk/philox.hpp"
#include "core/sdk/plugin.hpp"
#include "plugins/layers/mask.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr const char* kForms[] = {"additive", "multiplicative", nullptr};

template <class Real>
class GaussianNoise {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "gaussian_noise",
      .summary = "y = x + sigma n or x (1 + sigma n), n standard normal; in evaluation y = x",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_RANDOM};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("sigma", "Standard deviation of the noise", 0.1, sdk::at_least(0)),
      sdk::choice("form", "additive: x + sigma n; multiplicative: x (1 + sigma n)", "additive",
                  kForms)};

  explicit GaussianNoise(const sdk::Parameters& p)
      : sigma_(p.real("sigma")), multiplicative_(p.choice("form") == "multiplicative") {}

  void forward(const sdk::Context& context, const sdk::Memory<Real>&,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    if (context.mode != AESWEEP_TRAIN) {
      aesweep::copy_rows<Real>(x, y);
    } else if (multiplicative_) {
      with_noise(context, x, y, [](double v, double noise) { return v * (1.0 + noise); });
    } else {
      with_noise(context, x, y, [](double v, double noise) { return v + noise; });
    }
  }

  void backward(const sdk::Context& context, const sdk::Memory<Real>&,
                const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    if (dx == nullptr) return;
    if (multiplicative_ && context.mode == AESWEEP_TRAIN) {
      with_noise(context, dy, *dx, [](double v, double noise) { return v * (1.0 + noise); });
    } else {
      aesweep::copy_rows<Real>(dy, *dx);
    }
  }

 private:
  // out = f(in, sigma n)
  template <class F>
  void with_noise(const sdk::Context& context, const sdk::ConstMatrix<Real>& in,
                  const sdk::Matrix<Real>& out, const F& f) const {
    const aesweep::PhiloxKey key = aesweep::stream_key(context.stream, 0);
    for (std::int64_t i = 0; i < in.rows; ++i) {
      const std::uint64_t global_row = context.first_row + static_cast<std::uint64_t>(i);
      for (std::int64_t first = 0; first < in.cols; first += 4) {
        const auto unit = static_cast<std::uint64_t>(first);
        const std::array<double, 4> normals = aesweep::standard_normals(
            aesweep::philox(key, aesweep::batch_counter(context.step, global_row, unit)));
        const std::int64_t count = std::min<std::int64_t>(4, in.cols - first);
        for (std::int64_t u = 0; u < count; ++u) {
          const auto value = static_cast<double>(sdk::row(in, i)[first + u]);
          sdk::row(out, i)[first + u] =
              static_cast<Real>(f(value, sigma_ * normals[static_cast<std::size_t>(u)]));
        }
      }
    }
  }

  double sigma_;
  bool multiplicative_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("gaussian_noise", "0.1.0", sdk::layer<GaussianNoise>());
