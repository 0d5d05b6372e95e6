// dropout (Srivastava et al., JMLR 2014), inverted: in training each element is dropped with
// probability `rate`, in [0, 1), and the others are divided by the probability to stay, so that the
// expectation of y is x and evaluation is the identity:
//   y = x / (1 - rate) or 0,   dx = dy / (1 - rate) or 0, by the same mask (mask.hpp)
// A dropped element gives 0 whatever it is; a kept one that is not finite stays so. Kept elements
// within a factor 1 / (1 - rate) of the largest number become infinite. rate 0 is the identity.
#include "plugins/layers/mask.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Dropout {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "dropout",
      .summary = "y = x / (1 - rate), or 0 with probability rate; in evaluation y = x",
      .flags = AESWEEP_ELEMENTWISE | AESWEEP_RANDOM};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::real("rate", "Probability that an element is dropped", 0.5, sdk::from_to_below(0, 1))};

  explicit Dropout(const sdk::Parameters& p)
      : rate_(p.real("rate")), factor_(static_cast<Real>(1.0 / (1.0 - rate_))) {}

  void forward(const sdk::Context& context, const sdk::Memory<Real>&,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    drop(context, x, y);
  }

  void backward(const sdk::Context& context, const sdk::Memory<Real>&,
                const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    if (dx != nullptr) drop(context, dy, *dx);
  }

 private:
  void drop(const sdk::Context& context, const sdk::ConstMatrix<Real>& in,
            const sdk::Matrix<Real>& out) const {
    if (context.mode == AESWEEP_TRAIN && rate_ > 0.0) {
      aesweep::apply_mask<Real>(context, rate_, factor_, in, out);
    } else {
      aesweep::copy_rows<Real>(in, out);
    }
  }

  double rate_;
  Real factor_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("dropout", "0.1.0", sdk::layer<Dropout>());
