// magnitude_aware_sign: q = s_j sign(w) in column j, s_j = mean |w| of the column (all axes but the
// last), sign(0) = +1 (of either zero); dw = s_j dq where |w| <= clip_value, else 0: s is held
// constant. Liu et al. 2018 (Bi-Real Net); Larq's MagnitudeAwareSign. clip_value 0 lets all
// gradients pass.
// Means are summed in double, row by row. A column of zeros gives zeros; a NaN makes its column
// NaN. The scales are kept per tensor, one double a column, for backward, with room for the widest
// tensor that the plan lists. They move with the weights, so a weight changes its level when its
// sign does (MOVING_SCALE).
#include <algorithm>

#include "plugins/quantizers/pointwise.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class MagnitudeAwareSign {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "magnitude_aware_sign",
      .summary = "q = s sign(w), s = mean |w| of the column; dw = s dq where |w| <= clip_value",
      .flags = AESWEEP_SURROGATE | AESWEEP_MOVING_SCALE};
  static constexpr aesweep_parameter_info kParameters[] = {aesweep::kClipValue,
                                                           aesweep::kWeightClip};

  explicit MagnitudeAwareSign(const sdk::Parameters& p)
      : clip_(aesweep::bound_or_none<Real>(p.real("clip_value"))), weight_clip_(p) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) {
    sdk::require(request.tensor_count > 0, AESWEEP_INVALID_SHAPE,
                 "magnitude_aware_sign needs the shapes of the tensors that it will quantize, and "
                 "the plan lists none");
    columns_max_ = 0;
    for (std::uint32_t i = 0; i < request.tensor_count; ++i) {
      columns_max_ = std::max(columns_max_, sdk::known_tensor(request, i).cols);
    }
    plan.kept_bytes = static_cast<std::uint64_t>(columns_max_) * sizeof(double);
  }

  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q,
                void* kept) const {
    sdk::require(block.cols <= columns_max_, AESWEEP_INVALID_SHAPE, "a tensor of ", block.cols,
                 " columns, planned for at most ", columns_max_);
    double* scales = static_cast<double*>(kept);
    std::fill_n(scales, block.cols, 0.0);
    for (std::int64_t i = 0; i < block.rows; ++i) add_sizes(block.cols, w + i * block.cols, scales);
    for (std::int64_t j = 0; j < block.cols; ++j) scales[j] /= static_cast<double>(block.rows);
    each_row(block, [&](std::int64_t at, std::int64_t column, std::int64_t count) {
      aesweep::map_weights(
          count, q + at,
          [](Real x, double scale) { return static_cast<Real>(scale) * aesweep::sign_of(x); },
          w + at, scales + column);
    });
  }

  void backward(const sdk::Context&, const sdk::Block& block, const Real* w, Real* gradient,
                const void* kept) const {
    const double* scales = static_cast<const double*>(kept);
    each_row(block, [&](std::int64_t at, std::int64_t column, std::int64_t count) {
      scale_gradient(count, clip_, w + at, scales + column, gradient + at);
    });
  }

  void after_update(const sdk::Context&, const sdk::Block& block, const Real*, Real* w) const {
    weight_clip_.apply(block, w);
  }

 private:
  // Calls visit(offset in the block, first column, count) for the block's part of each row.
  template <class Visit>
  static void each_row(const sdk::Block& block, const Visit& visit) {
    const auto count = static_cast<std::int64_t>(block.count);
    std::int64_t at = 0;
    while (at < count) {
      const std::int64_t column = (static_cast<std::int64_t>(block.first) + at) % block.cols;
      const std::int64_t run = std::min(count - at, block.cols - column);
      visit(at, column, run);
      at += run;
    }
  }

  static void add_sizes(std::int64_t count, const Real* __restrict w, double* __restrict sums) {
    for (std::int64_t j = 0; j < count; ++j) sums[j] += std::abs(static_cast<double>(w[j]));
  }

  static void scale_gradient(std::int64_t count, Real clip, const Real* __restrict w,
                             const double* __restrict scales, Real* __restrict gradient) {
    for (std::int64_t j = 0; j < count; ++j) {
      gradient[j] =
          aesweep::straight_through(w[j], static_cast<Real>(scales[j]) * gradient[j], clip);
    }
  }

  Real clip_;
  aesweep::WeightClip<Real> weight_clip_;
  std::int64_t columns_max_ = 0;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("magnitude_aware_sign", "0.1.0", sdk::quantizer<MagnitudeAwareSign>());
