// gelu: y = x P(x), P the normal distribution's probability of values below x.
//   form exact: P as it is; dy/dx = P(x) + x p(x), p the density.
//   form tanh:  P = (1 + tanh(u)) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3);
//               dy/dx = s (1 + x (1 - s) 2u'), s = sigmoid(2 u). Within 5e-4 of the exact form.
// At least -0.17. 0 far left, x far right, also at the infinities; NaN gives NaN. No term cancels
// but at the zero of the derivative: the exact form keeps its last digits far out, where y is
// small; in the tanh form the rounding of u, of size eps |u|, is one of y. Hendrycks & Gimpel 2016.
#include <numbers>
#include <type_traits>

#include "core/sdk/functions.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

// (1 + a) exp(a^2 / 2) Q(a) by t = (a - 4) / (a + 4); Q = 1 - P, the upper tail.
// Printed by tests/plugins/reference/function_coefficients.py.
template <class Real>
constexpr auto kTail = [] {
  if constexpr (std::is_same_v<Real, float>) {
    return std::array{0.472053207f,    -0.0967034786f,   0.0139996042f,    0.028600402f,
                      -0.0321971676f,  0.0179360566f,    -0.00500765407f,  -0.000289022079f,
                      0.000711525588f, -7.41265077e-05f, -0.000101947613f, -1.22639573e-05f};
  } else {
    return std::array{0.47205320650984467,     -0.096703477326525747,   0.013999634724424644,
                      0.028600364053543405,    -0.032197837428041887,   0.017936097479934982,
                      -0.0050023785920066755,  -0.00028562310229082472, 0.00069489711517717453,
                      -9.4430213687869566e-05, -8.7853250269428066e-05, 2.1249817348631183e-05,
                      1.3627120508991197e-05,  -3.4313278898586758e-06, -2.613474358077429e-06,
                      4.0231591856982721e-07,  5.5268887268851856e-07,  5.0173149185447018e-09,
                      -1.1119663003695587e-07, -2.3585016390667925e-08, 1.7074179574235033e-08,
                      8.4254539050743975e-09,  -8.3025348257567033e-10, -1.3547923942817101e-09,
                      -2.6213683956024889e-10};
  }
}();

// Where the density is 0 in this precision.
template <class Real>
constexpr Real kEnd = std::is_same_v<Real, float> ? Real(14) : Real(40);

// The density times sqrt(2 pi), exp(-a^2 / 2) for a in [0, kEnd], and the tail Q(a).
template <class Real>
struct Normal {
  using Chunk = sdk::Chunk<Real>;

  explicit Normal(const Chunk& a) {
    // The square's rounding error, at a = 10 some 50 eps of the result, is made good (Dekker 1971).
    constexpr Real kSplit = std::is_same_v<Real, float> ? Real(0x1p12 + 1) : Real(0x1p27 + 1);
    const Chunk square = a * a;
    const Chunk shifted = kSplit * a;
    const Chunk high = shifted - (shifted - a);
    const Chunk low = a - high;
    const Chunk rest = ((high * high - square) + Real(2) * high * low) + low * low;
    const Chunk exponent = Real(-0.5) * square;
    bell = sdk::exp_or_zero<Real>(exponent) * (Real(1) - Real(0.5) * rest);
    const Chunk t = (a - Real(4)) / (a + Real(4));
    tail = bell * sdk::polynomial(t, kTail<Real>) / (Real(1) + a);
  }

  Chunk bell;
  Chunk tail;
};

template <class Real>
class Gelu {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "gelu",
                                      .summary = "y = x P(x), P the normal distribution function"};
  static constexpr const char* kForms[] = {"exact", "tanh", nullptr};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::choice("form", "P itself, or its approximation by tanh", "exact", kForms)};

  explicit Gelu(const sdk::Parameters& p) : exact_(p.choice("form") == "exact") {}

  Chunk value(const Chunk& x) const {
    if (!exact_) {
      const Chunk s = sdk::sigmoid<Real>(twice_u(x));
      return sdk::each_lane<Real>(
          [](Real in, Real share) { return share == Real(0) ? Real(0) : in * share; }, x, s);
    }
    const Normal<Real> normal(cut_size(x));
    return sdk::each_lane<Real>(
        [](Real in, Real tail) {
          const Real left = in < -kEnd<Real> ? Real(0) : in * tail;
          return in > Real(0) ? in * (Real(1) - tail) : left;
        },
        x, normal.tail);
  }

  Chunk derivative(const Chunk& x, const Chunk&) const {
    if (!exact_) {
      const Chunk near = x.max(-kEnd<Real>).min(kEnd<Real>);
      const Chunk u = twice_u(near);
      const Chunk slope = kLinear + Real(3) * kCubic * near.square();
      return sdk::sigmoid<Real>(u) * (Real(1) + near * sdk::sigmoid<Real>(-u) * slope);
    }
    const Chunk size = cut_size(x);
    const Normal<Real> normal(size);
    constexpr Real kScale = Real(std::numbers::inv_sqrtpi / std::numbers::sqrt2);
    const Chunk product = kScale * size * normal.bell;
    return sdk::each_lane<Real>(
        [](Real in, Real tail, Real xp) {
          return in > Real(0) ? (Real(1) - tail) + xp : tail - xp;
        },
        x, normal.tail, product);
  }

 private:
  // 2 u = x (kLinear + kCubic x^2).
  static constexpr Real kLinear = Real(2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  static constexpr Real kCubic =
      Real(0.044715 * 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);

  static Chunk twice_u(const Chunk& x) { return x * (kLinear + kCubic * x.square()); }

  static Chunk cut_size(const Chunk& x) {
    return sdk::each_lane<Real>(
        [](Real in) {
          const Real size = in < Real(0) ? -in : in;
          return size > kEnd<Real> ? kEnd<Real> : size;
        },
        x);
  }

  bool exact_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("gelu", "0.1.0", sdk::elementwise<Gelu>());
