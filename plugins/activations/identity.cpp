// identity: y = x, dy/dx = 1, for every x.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct Identity {
  using Chunk = sdk::Chunk<Real>;
  static constexpr sdk::Info kInfo = {.name = "identity", .summary = "y = x"};

  Chunk value(const Chunk& x) const { return x; }
  Chunk derivative(const Chunk&) const { return Chunk::Ones(); }
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("identity", "0.1.0", sdk::elementwise<Identity>());
