// Purity: whether a component's results depend on anything but its arguments.
//
// The same shard is computed again, after other shards, on another instance, at another address
// with other garbage in the scratch memory, and in another thread; all bits must be equal, in both
// precisions. This is what `reproducible` rests on. A few milliseconds per component; calls the
// component's code in this process, so whoever does not trust it runs this in a child.
#pragma once

#include <string>

#include "core/model/catalogue.hpp"

namespace aesweep {

struct PurityVerdict {
  std::string impure;  // Empty: pure. Else what differed, and where.
};

// Never throws; a component that fails to run has no say here and counts as pure.
[[nodiscard]] PurityVerdict check_purity(const CatalogueEntry& entry);

}  // namespace aesweep
