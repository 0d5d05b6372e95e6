// Groups: which world ranks train together. No MPI here; `aesweep plan` shows the same groups.
#pragma once

#include <vector>

namespace aesweep {

struct Group {
  std::vector<int> ranks;  // Of the world, ascending; the first one leads.
};

// The groups of a world of `world_ranks` >= 1 ranks for `trials` trials, in rank order, larger ones
// first. There are never more groups than trials; ranks beyond the last group have nothing to do.
//
// ranks_per_trial 0 (automatic): groups of one rank if there are at least as many trials as ranks;
// else one group per trial, sizes differing by at most one. Otherwise groups of that size; the
// ranks left over form a smaller group.
[[nodiscard]] std::vector<Group> make_groups(int world_ranks, int ranks_per_trial, int trials);

}  // namespace aesweep
