// Proves that the reduction tree is the one the header describes, and that merging by stacks of any
// rank split adds the same pairs: the oracle builds the bracketed sum as text by plain recursion.
#include "core/math/tree.hpp"

#include <gtest/gtest.h>

#include <string>

namespace aesweep {
namespace {

// The sum over leaves [first, first + n) with its brackets, by the definition of the tree.
std::string bracketed(int first, int n) {
  if (n == 1) return std::to_string(first);
  int left = 1;
  while (left * 2 < n) left *= 2;
  return "(" + bracketed(first, left) + "+" + bracketed(first + left, n - left) + ")";
}

// Runs a merge order as a stack machine over the given leaves.
std::vector<std::string> run(const MergeOrder& order, const std::vector<std::string>& leaves) {
  std::vector<std::string> stack;
  EXPECT_EQ(order.merges_after.size(), leaves.size());
  int highest = 0;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    stack.push_back(leaves[i]);
    highest = std::max(highest, static_cast<int>(stack.size()));
    for (int m = 0; m < order.merges_after[i]; ++m) {
      const std::string right = stack.back();
      stack.pop_back();
      stack.back() = "(" + stack.back() + "+" + right + ")";
    }
  }
  EXPECT_EQ(highest, order.slots_max);
  return stack;
}

TEST(Tree, LeftChildHoldsTheLargestPowerOfTwoBelow) {
  EXPECT_EQ(left_leaves(2), 1);
  EXPECT_EQ(left_leaves(3), 2);
  EXPECT_EQ(left_leaves(4), 2);
  EXPECT_EQ(left_leaves(5), 4);
  EXPECT_EQ(left_leaves(8), 4);
  EXPECT_EQ(left_leaves(9), 8);
}

TEST(Tree, RanksShareLeavesEvenlyInOrder) {
  for (int n : {0, 1, 2, 7, 32}) {
    for (int ranks = 1; ranks <= 9; ++ranks) {
      int next = 0;
      for (int r = 0; r < ranks; ++r) {
        const LeafRange mine = leaves_of_rank(n, r, ranks);
        EXPECT_EQ(mine.first, next);
        EXPECT_LE(std::abs(mine.count - n / ranks), 1);
        next += mine.count;
      }
      EXPECT_EQ(next, n);
    }
  }
}

TEST(Tree, AnySplitOverRanksGivesTheBracketsOfTheDefinition) {
  for (int n = 1; n <= 40; ++n) {
    for (int ranks = 1; ranks <= 6; ++ranks) {
      std::vector<LeafRange> parts;
      std::vector<std::string> sums;
      for (int r = 0; r < ranks; ++r) {
        const LeafRange mine = leaves_of_rank(n, r, ranks);
        std::vector<std::string> leaves;
        for (int i = 0; i < mine.count; ++i) leaves.push_back(std::to_string(mine.first + i));
        const auto mine_parts = maximal_subtrees(n, mine);
        const auto mine_sums = run(merge_order(n, mine), leaves);
        EXPECT_EQ(mine_sums.size(), mine_parts.size());
        parts.insert(parts.end(), mine_parts.begin(), mine_parts.end());
        sums.insert(sums.end(), mine_sums.begin(), mine_sums.end());
      }
      const auto whole = run(merge_parts_order(n, parts), sums);
      ASSERT_EQ(whole.size(), 1u);
      EXPECT_EQ(whole.front(), bracketed(0, n)) << n << " leaves on " << ranks << " ranks";
    }
  }
}

// A stack of one rank stays logarithmic: that is what bounds the gradient memory.
TEST(Tree, OneRankNeedsLogarithmicallyManySlots) {
  for (int n : {1, 2, 3, 32, 33, 1000}) {
    int bits = 0;
    while ((1 << bits) < n) ++bits;
    EXPECT_LE(merge_order(n, {0, n}).slots_max, bits + 1) << n;
  }
}

// Ranges that are subtrees need one part each: then the exchange has the volume of a ring.
TEST(Tree, PowersOfTwoSplitIntoSubtrees) {
  for (int ranks : {2, 4}) {
    for (int r = 0; r < ranks; ++r) {
      EXPECT_EQ(maximal_subtrees(8, leaves_of_rank(8, r, ranks)).size(), 1u);
    }
  }
  EXPECT_EQ(maximal_subtrees(6, leaves_of_rank(6, 0, 2)).size(), 2u);
  EXPECT_TRUE(maximal_subtrees(2, leaves_of_rank(2, 0, 3)).empty());
}

}  // namespace
}  // namespace aesweep
