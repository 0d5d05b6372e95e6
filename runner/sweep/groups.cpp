#include "runner/sweep/groups.hpp"

#include <algorithm>
#include <numeric>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

std::vector<int> group_sizes(int world_ranks, int ranks_per_trial, int trials) {
  if (trials == 0) return {};
  if (ranks_per_trial == 0) {
    const int groups = std::min(world_ranks, trials);
    std::vector<int> sizes(static_cast<std::size_t>(groups), world_ranks / groups);
    for (int i = 0; i < world_ranks % groups; ++i) ++sizes[static_cast<std::size_t>(i)];
    return sizes;
  }
  std::vector<int> sizes(static_cast<std::size_t>(world_ranks / ranks_per_trial), ranks_per_trial);
  if (const int rest = world_ranks % ranks_per_trial; rest != 0) sizes.push_back(rest);
  sizes.resize(std::min(sizes.size(), static_cast<std::size_t>(trials)));
  return sizes;
}

}  // namespace

std::vector<Group> make_groups(int world_ranks, int ranks_per_trial, int trials) {
  AESWEEP_CHECK(world_ranks >= 1 && ranks_per_trial >= 0 && trials >= 0,
                "make_groups needs ranks and no negative numbers");
  std::vector<Group> groups;
  int next_rank = 0;
  for (int size : group_sizes(world_ranks, ranks_per_trial, trials)) {
    Group& group = groups.emplace_back();
    group.ranks.resize(static_cast<std::size_t>(size));
    std::iota(group.ranks.begin(), group.ranks.end(), next_rank);
    next_rank += size;
  }
  return groups;
}

}  // namespace aesweep
