// make_groups: each table row is a world and the group sizes that the documentation promises for
// it.

#include "runner/sweep/groups.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

struct Case {
  int world_ranks;
  int ranks_per_trial;  // 0: automatic.
  int trials;
  std::vector<int> sizes;
};

const std::vector<Case> kCases = {
    // Automatic: one rank per trial while there are enough trials.
    {1, 0, 1, {1}},
    {1, 0, 7, {1}},
    {4, 0, 4, {1, 1, 1, 1}},
    {4, 0, 37, {1, 1, 1, 1}},
    // Automatic: else all ranks spread over the trials.
    {4, 0, 3, {2, 1, 1}},
    {4, 0, 1, {4}},
    {7, 0, 3, {3, 2, 2}},
    {37, 0, 5, {8, 8, 7, 7, 7}},
    // Given: the rest forms a smaller group.
    {4, 1, 9, {1, 1, 1, 1}},
    {4, 2, 9, {2, 2}},
    {4, 3, 9, {3, 1}},
    {7, 3, 9, {3, 3, 1}},
    {2, 3, 9, {2}},
    // Given: never more groups than trials, so ranks may be left over.
    {4, 1, 2, {1, 1}},
    {7, 3, 2, {3, 3}},
    {7, 3, 1, {3}},
    // Nothing to do.
    {4, 0, 0, {}},
    {4, 2, 0, {}},
};

TEST(Groups, SizesAreThoseOfTheTable) {
  for (const Case& one : kCases) {
    const std::string where =
        text(one.world_ranks, " ranks, ", one.ranks_per_trial, " each, ", one.trials, " trials");
    const std::vector<Group> groups = make_groups(one.world_ranks, one.ranks_per_trial, one.trials);
    ASSERT_EQ(groups.size(), one.sizes.size()) << where;
    int next = 0;  // Groups follow one another through the ranks.
    for (std::size_t i = 0; i < groups.size(); ++i) {
      EXPECT_EQ(static_cast<int>(groups[i].ranks.size()), one.sizes[i]) << where;
      for (const int rank : groups[i].ranks) EXPECT_EQ(rank, next++) << where;
    }
    EXPECT_LE(next, one.world_ranks) << where;
  }
}

}  // namespace
}  // namespace aesweep
