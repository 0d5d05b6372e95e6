// sigmoid: y = 1 / (1 + exp(-x)), dy/dx = y (1 - y). In [0, 1] for every x: 1 for large x, a number
// below the smallest normal one for very negative x. NaN gives NaN. Eigen's logistic is not used:
// in single precision its relative error reaches 8e-4 where y is small, which is where sparse codes
// are.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct Sigmoid {
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "sigmoid", .summary = "y = 1 / (1 + exp(-x))"};

  Chunk value(const Chunk& x) const { return Real(1) / (Real(1) + (-x).exp()); }
  Chunk derivative(const Chunk& y) const { return y * (Real(1) - y); }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("sigmoid", "0.1.0", sdk::elementwise<Sigmoid>());
