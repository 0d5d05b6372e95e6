// binary_connect: Courbariaux, Bengio & David 2015, as in their program. With p =
// clip((w / H + 1) / 2, 0, 1):
//   deterministic   q = +H where p rounds to 1, else -H, which is H sign(w)
//   stochastic      q = +H with probability p, else -H; in evaluation q = w
// The gradient with respect to q is taken as that with respect to w. After the optimizer's update,
//   w = clip(previous + step_scale (w - previous), -H, H)
// so step_scale multiplies the optimizer's step, not the gradient. limit_rule and step_scale_rule
// `glorot` mean H = sqrt(1.5 / (rows + cols)) and step_scale = sqrt((rows + cols) / 1.5); rows and
// cols are the weights' fan in and fan out. step_scale 1 takes w as it is, without rounding.
//
// w = 0 (of either sign) gives p = 1/2 exactly, and +H: the paper's rule, and what rounding half
// away from zero gave the original (Theano before 0.9; with rounding half to even it is -H). The
// sign is that of w itself: weights so small that p rounds to 1/2 keep theirs.
// Random numbers: one per element from the context's stream, purpose 0, step and element index, a
// multiple of 2^-24 below 1; +H where it is below p. So p = 0 and 1 are exact, and p is met within
// 2^-24. NaN gives NaN.
#include <algorithm>
#include <cmath>

#include "core/sdk/random_words.hpp"
#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr const char* kSamplings[] = {"deterministic", "stochastic", nullptr};
constexpr const char* kRules[] = {"value", "glorot", nullptr};

template <class Real>
class BinaryConnect {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "binary_connect",
      .summary = "q = H sign(w), or +-H at random with mean w clipped to [-H, H]",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_SURROGATE | AESWEEP_RANDOM | AESWEEP_READS_PREVIOUS};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::choice("sampling", "How weights become +-H; stochastic evaluates with the real weights",
                  "deterministic", kSamplings),
      sdk::choice("limit_rule", "H is limit (value), or sqrt(1.5 / (rows + cols)) (glorot)",
                  "value", kRules),
      sdk::real("limit", "H under limit_rule value", 1.0, sdk::above(0)),
      sdk::choice("step_scale_rule",
                  "The scale is step_scale (value), or sqrt((rows + cols) / 1.5) (glorot)", "value",
                  kRules),
      sdk::real("step_scale", "Factor of the optimizer's step under step_scale_rule value", 1.0,
                sdk::above(0))};

  explicit BinaryConnect(const sdk::Parameters& p)
      : stochastic_(p.choice("sampling") == "stochastic"),
        limit_(p.choice("limit_rule") == "glorot" ? 0.0 : p.real("limit")),
        step_scale_(p.choice("step_scale_rule") == "glorot" ? 0.0 : p.real("step_scale")) {}

  void quantize(const sdk::Context& context, const sdk::Block& block, const Real* w, Real* q,
                void*) const {
    const auto count = static_cast<std::int64_t>(block.count);
    const Real limit = static_cast<Real>(limit_ == 0.0 ? glorot(block) : limit_);
    if (!stochastic_) {
      aesweep::map_weights(
          count, q, [limit](Real x) { return limit * aesweep::sign_of(x); }, w);
    } else if (context.mode == AESWEEP_EVAL) {
      std::copy_n(w, count, q);
    } else {
      sample(context, block, limit, w, q);
    }
  }

  void after_update(const sdk::Context&, const sdk::Block& block, const Real* previous,
                    Real* w) const {
    const auto count = static_cast<std::int64_t>(block.count);
    const Real limit = static_cast<Real>(limit_ == 0.0 ? glorot(block) : limit_);
    const double scale = step_scale_ == 0.0 ? 1.0 / glorot(block) : step_scale_;
    if (scale != 1.0) {
      sdk::require(previous != nullptr, AESWEEP_UNSUPPORTED,
                   "step_scale: the host gives no weights from before the update");
      rescale(count, static_cast<Real>(scale), previous, w);
    }
    aesweep::clip_weights(count, limit, w);
  }

 private:
  static double glorot(const sdk::Block& block) {
    return std::sqrt(1.5 / static_cast<double>(block.rows + block.cols));
  }

  // The numbers belong to places in the tensor, and are made for runs that start at multiples of
  // the run's length: the same whatever part of the tensor the block is.
  static void sample(const sdk::Context& context, const sdk::Block& block, Real limit,
                     const Real* w, Real* q) {
    constexpr std::uint64_t kRun = 2 * aesweep::kWordRun;
    const aesweep::PhiloxKey key = aesweep::stream_key(context.stream, 0);
    const std::uint64_t end = block.first + block.count;
    std::uint64_t at = block.first;
    while (at < end) {
      const std::uint64_t run = at / kRun * kRun;
      const std::uint64_t stop = std::min(end, run + kRun);
      std::uint32_t words[kRun];
      aesweep::tensor_words<2>(key, context.step, run, words);
      choose(static_cast<std::int64_t>(stop - at), limit, w + (at - block.first),
             words + (at - run), q + (at - block.first));
      at = stop;
    }
  }

  // p needs no clipping: u is in [0, 1).
  static void choose(std::int64_t count, Real limit, const Real* __restrict w,
                     const std::uint32_t* __restrict words, Real* __restrict q) {
    for (std::int64_t i = 0; i < count; ++i) {
      const Real p = (w[i] / limit + Real(1)) * Real(0.5);
      const Real sample = static_cast<Real>(aesweep::uniform_float(words[i])) < p ? limit : -limit;
      q[i] = p == p ? sample : p;
    }
  }

  static void rescale(std::int64_t count, Real scale, const Real* __restrict previous,
                      Real* __restrict w) {
    for (std::int64_t i = 0; i < count; ++i) w[i] = previous[i] + scale * (w[i] - previous[i]);
  }

  bool stochastic_;
  double limit_;       // 0: glorot.
  double step_scale_;  // 0: glorot.
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("binary_connect", "0.1.0", sdk::quantizer<BinaryConnect>());
