// The purity check with a watch on the component's calls. Internal to this folder.
#pragma once

#include <string>

#include "core/conformance/live.hpp"

namespace aesweep::conformance {

// As check_purity; the watch is told of calls from several threads at once.
[[nodiscard]] std::string impurity(const Subject& subject);

}  // namespace aesweep::conformance
