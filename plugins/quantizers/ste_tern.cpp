// ste_tern: q = sign(w) where |w| >= D, else 0; dw = dq where |w| <= clip_value, else 0. D is
// `threshold` or, with ternary_weight_networks, 0.7 mean |w| over the tensor (Li & Liu 2016).
// Larq's SteTern: weights are clipped to +-clip_value first, in D's mean, too, and q = sign(sign(w
// + D) + sign(w - D)) with sign(0) = 0, which is the above; w = 0 gives 0 also where D = 0. The
// mean is summed in double. A NaN weight gives NaN; with ternary_weight_networks, everywhere.
#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class SteTern {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "ste_tern",
      .summary = "q = sign(w) where |w| >= D, else 0; dw = dq where |w| <= clip_value",
      .flags = AESWEEP_SURROGATE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("threshold", "D, half the width of the band that gives 0", 0.05, sdk::at_least(0)),
      sdk::boolean("ternary_weight_networks", "D is 0.7 mean |w|, not threshold", false),
      aesweep::kClipValue, aesweep::kWeightClip};

  explicit SteTern(const sdk::Parameters& p)
      : threshold_(static_cast<Real>(p.real("threshold"))),
        from_mean_(p.boolean("ternary_weight_networks")),
        clip_(aesweep::bound_or_none<Real>(p.real("clip_value"))),
        weight_clip_(p) {}

  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q, void*) const {
    const auto count = static_cast<std::int64_t>(block.count);
    const Real clip = clip_;
    const Real delta = from_mean_ ? Real(0.7 * mean_size(count, w)) : threshold_;
    aesweep::map_weights(
        count, q,
        [delta, clip](Real x) {
          const Real size = std::abs(x) > clip ? clip : std::abs(x);
          const Real sign = x > Real(0) ? Real(1) : (x < Real(0) ? Real(-1) : x * Real(0));
          return size < delta ? Real(0) : sign + (delta - delta);  // NaN if either is.
        },
        w);
  }

  void backward(const sdk::Context&, const sdk::Block& block, const Real* w, Real* gradient,
                const void*) const {
    const Real clip = clip_;
    aesweep::map_gradient(
        static_cast<std::int64_t>(block.count), gradient, w,
        [clip](Real x, Real dq) { return aesweep::straight_through(x, dq, clip); });
  }

  void after_update(const sdk::Context&, const sdk::Block& block, const Real*, Real* w) const {
    weight_clip_.apply(block, w);
  }

 private:
  double mean_size(std::int64_t count, const Real* w) const {
    using Chunk = sdk::Chunk<Real>;
    const Real clip = clip_;
    sdk::LaneSum<Real> sum;
    sum.add_row(
        count,
        [clip](const Chunk& x) {
          Chunk size;
          for (int i = 0; i < sdk::kChunk<Real>; ++i) {
            const Real one = std::abs(x.data()[i]);
            size.data()[i] = one > clip ? clip : one;
          }
          return sdk::widen<Real>(size);
        },
        w);
    return sum.total() / static_cast<double>(count);
  }

  Real threshold_;
  bool from_mean_;
  Real clip_;
  aesweep::WeightClip<Real> weight_clip_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("ste_tern", "0.1.0", sdk::quantizer<SteTern>());
