// Blocks of weights, for the runs that have them. Internal to this folder.
#pragma once

#include <vector>

#include "core/conformance/stage.hpp"

namespace aesweep::conformance {

// The tensor cut where the layout cuts rows into shards, or whole.
[[nodiscard]] std::vector<aesweep_block> blocks_of(const Piece& w, const Layout& layout,
                                                   bool whole);

// A regularizer's on_parameter_block over all blocks, if it has one: appends value and gradient.
template <class T>
void run_parameter_blocks(const Live<T>& live, const Inputs& inputs, const Layout& layout,
                          Outcome& outcome);

}  // namespace aesweep::conformance
