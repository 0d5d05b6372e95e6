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

// (1 + 4 a) exp(a^2 / 2) Q(a) by t = (a - 4) / (a + 4); Q = 1 - P, the upper tail.
// Printed by tests/plugins/reference/function_coefficients.py.
template <class Real>
constexpr auto kTail = [] {
  if constexpr (std::is_same_v<Real, float>) {
    return std::array{1.6049809f,     0.124379257f,     -0.317139238f,    0.329523596f,
                      -0.221385516f,  0.0972219624f,    -0.0215339269f,   -0.00306778904f,
                      0.00334421326f, -0.000212302388f, -0.000428916041f, 3.22954976e-05f,
                      3.95008286e-05f};
  } else {
    return std::array{1.604980902133472,       0.12437925533926331,     -0.31713922712009157,
                      0.32952367822738321,     -0.22138576203112784,    0.097220676366086209,
                      -0.021532200593147446,   -0.0030589339639110762,  0.0033411412709689853,
                      -0.00024105617951184551, -0.00043735805872585046, 7.1104653474636845e-05,
                      6.7419304144961074e-05,  -1.123734061124322e-05,  -1.2439026807021479e-05,
                      9.9194930593388157e-07,  2.4949422270215193e-06,  1.7747561080344149e-07,
                      -4.7588452403031229e-07, -1.2943790754578447e-07, 7.1144365546037876e-08,
                      4.0133346607356786e-08,  -4.7640700998350533e-09, -6.7343190442908715e-09,
                      -5.1621053380867331e-10, 3.1226406316269365e-10};
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
    tail = bell * sdk::polynomial(t, kTail<Real>) / (Real(1) + Real(4) * a);
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
