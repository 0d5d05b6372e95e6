// relu: y = max(x, 0). dy/dx = 1 where y > 0, else 0 (also at x = 0). NaN gives NaN.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct Relu {
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "relu", .summary = "y = max(x, 0)"};

  Chunk value(const Chunk& x) const { return x.max(Real(0)); }
  Chunk derivative(const Chunk& y) const {
    return (y > Real(0)).select(Chunk::Ones(), Chunk::Zero());
  }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("relu", "0.1.0", sdk::elementwise<Relu>());
