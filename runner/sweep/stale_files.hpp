// Files that ended jobs left in a run folder: what the journal knows of is there, all else goes.
#pragma once

#include <cstdint>
#include <set>

#include "core/base/status.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/journal/run_state.hpp"

namespace aesweep {

// For the holder of the lease, before a job begins. Removes temporary files, and trials' files,
// segments and checkpoints that no record needs: nobody was told of them. Leaves files that cannot
// be ours. Takes checkpoints that are not there out of `run`. A file that results are made of and
// that is not there, or has another size, is a fault of the world that names it.
[[nodiscard]] Status remove_stale_files(const RunFolder& folder, RunState& run);

// Numbers of finished trials whose bytes are missing or not those that the journal vouches for; of
// a segment's members those alone that are damaged. Reads everything. A fault of the world: a file
// that cannot be read.
[[nodiscard]] Result<std::set<std::int64_t>> damaged_trials(const RunFolder& folder,
                                                            const RunState& run);

}  // namespace aesweep
