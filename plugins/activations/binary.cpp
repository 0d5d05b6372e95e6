// binary: y = -1 for z < 0, +1 for z >= 0 (also -0). NaN gives NaN. Its derivative is 0, so that
// backward takes one of these surrogates in its place:
//   tanh      1 - tanh(z)^2                                        (default)
//   identity  1                                                    (straight through)
//   clipped   1 where |z| <= clip, else 0                          (Larq's SteSign)
//   swish     beta (2 - beta z tanh(beta z / 2)) / (1 + cosh(beta z))    (Larq's SwishSign)
//   approx    2 (1 - |z|) where |z| <= 1, else 0                   (Larq's ApproxSign)
// All fall to 0 at the infinities but identity. Hubara, Courbariaux, Soudry, El-Yaniv & Bengio
// 2016; Darabi, Belbahri, Courbariaux & Nia 2018 (swish); Liu et al. 2018 (approx).
#include <string_view>

#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

// In the order of Binary::kSurrogates.
enum class Surrogate { kTanh, kIdentity, kClipped, kSwish, kApprox };

template <class Real>
class Binary {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "binary",
                                      .summary = "y = -1 where z < 0, else 1; surrogate gradient",
                                      .flags = AESWEEP_SURROGATE};
  static constexpr const char* kSurrogates[] = {"tanh",  "identity", "clipped",
                                                "swish", "approx",   nullptr};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::choice("surrogate", "What stands for the derivative", "tanh", kSurrogates),
      sdk::real("clip", "Surrogate clipped: passes where |z| is at most this", 1.0, sdk::above(0)),
      sdk::real("beta", "Surrogate swish: its sharpness", 5.0, sdk::inside(0, 1e6))};

  explicit Binary(const sdk::Parameters& p)
      : clip_(static_cast<Real>(p.real("clip"))), beta_(static_cast<Real>(p.real("beta"))) {
    const std::string_view name = p.choice("surrogate");
    for (int i = 0; kSurrogates[i] != nullptr; ++i) {
      if (name == kSurrogates[i]) surrogate_ = static_cast<Surrogate>(i);
    }
  }

  Chunk value(const Chunk& z) const {
    return sdk::each_lane<Real>(
        [](Real in) { return in < Real(0) ? Real(-1) : (in >= Real(0) ? Real(1) : in); }, z);
  }

  Chunk derivative(const Chunk& z, const Chunk&) const {
    switch (surrogate_) {
      case Surrogate::kIdentity:
        return Chunk::Ones();
      case Surrogate::kClipped:
        return sdk::each_lane<Real>(
            [clip = clip_](Real in) { return in < -clip || in > clip ? Real(0) : Real(1); }, z);
      case Surrogate::kSwish:
        return beta_ * sdk::sign_swish_slope<Real>(beta_ * z);
      case Surrogate::kApprox:
        return sdk::each_lane<Real>(
            [](Real in) {
              const Real slope = Real(2) - Real(2) * (in < Real(0) ? -in : in);
              return slope < Real(0) ? Real(0) : slope;
            },
            z);
      default:  // 1 - tanh(z)^2 is 4 times the derivative of sigmoid at 2 z.
        return Real(4) * sdk::sigmoid_slope<Real>(Real(2) * z);
    }
  }

 private:
  Surrogate surrogate_ = Surrogate::kTanh;
  Real clip_;
  Real beta_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("binary_activation", "0.1.0", sdk::elementwise<Binary>());
