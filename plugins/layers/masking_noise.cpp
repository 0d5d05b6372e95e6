// masking_noise, the corruption of denoising autoencoders (Vincent et al., "Stacked denoising
// autoencoders", JMLR 2010): in training each element of x is set to 0 with probability `rate`, in
// [0, 1]; the others stay as they are. As the first layer it hides parts of the input from the
// network, while the loss still compares with the clean input. In evaluation y = x.
//   y = x or 0,   dx = dy or 0, by the same mask (mask.hpp)
// A masked element gives 0 whatever it is; a kept one that is not finite stays so.
#include "plugins/layers/mask.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class MaskingNoise {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "masking_noise",
      .summary = "y = x, or 0 with probability rate; in evaluation y = x",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_RANDOM};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("rate", "Probability that an element is set to 0", 0.3, sdk::between(0, 1))};

  explicit MaskingNoise(const sdk::Parameters& p) : rate_(p.real("rate")) {}

  void forward(const sdk::Context& context, const sdk::Memory<Real>&,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    mask(context, x, y);
  }

  void backward(const sdk::Context& context, const sdk::Memory<Real>&,
                const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    if (dx != nullptr) mask(context, dy, *dx);
  }

 private:
  void mask(const sdk::Context& context, const sdk::ConstMatrix<Real>& in,
            const sdk::Matrix<Real>& out) const {
    if (context.mode == AESWEEP_TRAIN && rate_ > 0.0) {
      aesweep::apply_mask<Real>(context, rate_, Real(1), in, out);
    } else {
      aesweep::copy_rows<Real>(in, out);
    }
  }

  double rate_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("masking_noise", "0.1.0", sdk::layer<MaskingNoise>());
