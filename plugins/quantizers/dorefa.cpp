// dorefa: k-bit weights of DoReFa-Net (Zhou et al. 2016), n = 2^k_bit - 1, M = max |tanh w| over
// the tensor:
//   q = 2 round(n (tanh w / (2 M) + 1/2)) / n - 1,   dw = (1 - tanh^2 w) / M dq
// as in Larq: round is straight through and to even, M is held constant, and 0 / 0 counts as 0, so
// that a tensor of zeros has gradient 0. With one bit q = +-1 and w = 0 (of either sign) gives -1.
// M passes over NaN, and NaN weights give NaN. M is kept for backward, where 1 / M overflows if all
// weights are denormal.
#include <algorithm>

#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Dorefa {
 public:
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {
      .name = "dorefa",
      .summary = "q = 2 round(n (tanh w / (2 max |tanh w|) + 1/2)) / n - 1, n = 2^k_bit - 1",
      .flags = AESWEEP_SURROGATE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::integer("k_bit", "Bits per weight", 2, sdk::between(1, 16))};

  explicit Dorefa(const sdk::Parameters& p)
      : levels_(static_cast<Real>((std::int64_t{1} << p.integer("k_bit")) - 1)) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const { plan.kept_bytes = sizeof(Real); }

  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q,
                void* kept) const {
    const auto count = static_cast<std::int64_t>(block.count);
    sdk::for_each_chunk<Real>(
        count, q, [](const Chunk& x) -> Chunk { return x.tanh(); }, w);
    const Real largest = max_size(count, q);
    *static_cast<Real*>(kept) = largest;
    const Real n = levels_, twice = largest == Real(0) ? Real(1) : Real(2) * largest;
    for (std::int64_t i = 0; i < count; ++i) {
      q[i] = Real(2) * (std::nearbyint(n * (q[i] / twice + Real(0.5))) / n) - Real(1);
    }
  }

  void backward(const sdk::Context&, const sdk::Block& block, const Real* w, Real* gradient,
                const void* kept) const {
    const auto count = static_cast<std::int64_t>(block.count);
    const Real largest = *static_cast<const Real*>(kept);
    if (largest == Real(0)) {
      std::fill_n(gradient, count, Real(0));
      return;
    }
    sdk::for_each_chunk<Real>(
        count, gradient,
        [largest](const Chunk& x, const Chunk& dq) -> Chunk {
          const Chunk t = x.tanh();
          return (Real(1) - t * t) / largest * dq;
        },
        w, gradient);
  }

 private:
  // Exact, so the order in which lanes are compared does not matter.
  static Real max_size(std::int64_t count, const Real* values) {
    constexpr std::int64_t kLanes = sdk::kChunk<Real>;
    Real lanes[kLanes] = {};
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      for (std::int64_t lane = 0; lane < kLanes; ++lane) {
        const Real size = std::abs(values[i + lane]);
        lanes[lane] = size > lanes[lane] ? size : lanes[lane];
      }
    }
    Real largest = *std::max_element(lanes, lanes + kLanes);
    for (; i < count; ++i) {
      const Real size = std::abs(values[i]);
      largest = size > largest ? size : largest;
    }
    return largest;
  }

  Real levels_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("dorefa", "0.1.0", sdk::quantizer<Dorefa>());
