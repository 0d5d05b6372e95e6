// DocumentParts: a parsed experiment, taken apart and with --set applied, before any component is
// known.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runner/config/address.hpp"
#include "runner/config/axes.hpp"
#include "runner/config/experiment.hpp"
#include "runner/config/node.hpp"
#include "runner/config/run_settings.hpp"

namespace aesweep {

struct DocumentParts {
  std::string path;
  std::string text;
  std::vector<Override> overrides;
  std::vector<NamedPlugin> plugins;
  Node root;                                   // With the overrides, without any axis.
  std::vector<Axis> axes;                      // In the order written.
  std::vector<std::pair<Address, Node>> late;  // Overrides below an axis: put after it.
  RunSettings settings;
  std::int64_t trials = 0;  // Size of the grid.
};

}  // namespace aesweep
