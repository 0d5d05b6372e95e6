// noop: q = w, and the gradient passes as it is. Larq's NoOp: it marks the tensors of a layer as
// quantized, so that bop (`on: quantized`), which keeps weights at +-1 itself, gets them and no
// biases. Any bits stay, NaN's, too.
#include <algorithm>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Noop {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "noop", .summary = "q = w", .flags = AESWEEP_ELEMENTWISE};

  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q, void*) const {
    std::copy_n(w, block.count, q);
  }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("noop", "0.1.0", sdk::quantizer<Noop>());
