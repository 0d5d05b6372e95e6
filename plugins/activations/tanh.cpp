// tanh: y = tanh(x), dy/dx = 1 - y^2. Single precision uses Eigen's rational approximation. NaN
// gives NaN.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct Tanh {
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "tanh", .summary = "y = tanh(x)"};

  Chunk value(const Chunk& x) const { return x.tanh(); }
  Chunk derivative(const Chunk& y) const { return Real(1) - y.square(); }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("tanh", "0.1.0", sdk::elementwise<Tanh>());
