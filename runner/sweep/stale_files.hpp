// Files that ended jobs left in a run folder: what the journal knows of is there, all else goes.
#pragma once

#include "core/base/status.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/journal/run_state.hpp"

namespace aesweep {

// For the holder of the lease, before a job begins. Removes temporary files, and trials' files,
// segments and checkpoints that no record needs: nobody was told of them. Leaves files that cannot
// be ours. Takes checkpoints that are not there out of `run`. A finished trial's file that is not
// there, or has another size, is a fault of the world that names it.
[[nodiscard]] Status remove_stale_files(const RunFolder& folder, RunState& run);

}  // namespace aesweep
