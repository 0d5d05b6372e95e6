// The reduction tree over the shards of a batch: one fixed binary tree for any number of ranks.
//
// A node over n > 1 leaves gives its left child the largest power of two below n. Everything summed
// over a batch is summed along it, so the bits do not depend on who computed which leaf. A rank
// owns a contiguous range of leaves; it merges the subtrees that lie whole in its range (its
// *parts*).
#pragma once

#include <cstdint>
#include <vector>

namespace aesweep {

// Leaves [first, first + count).
struct LeafRange {
  int first = 0;
  int count = 0;
  bool operator==(const LeafRange&) const = default;
};

// Leaves that the left child of a node over n >= 2 leaves holds.
[[nodiscard]] int left_leaves(int n);

// The maximal subtrees of the tree over n leaves that lie inside `range`, left to right.
[[nodiscard]] std::vector<LeafRange> maximal_subtrees(int n, LeafRange range);

// The leaves of rank r of `ranks`: contiguous, in rank order, sizes differing by at most one.
[[nodiscard]] LeafRange leaves_of_rank(int n, int rank, int ranks);

// How to merge one rank's leaves with a stack: compute the leaf into the next free slot, then merge
// the two topmost slots merges_after[i] times. Afterwards the stack holds the parts.
struct MergeOrder {
  std::vector<int> merges_after;  // Per leaf of the range.
  int slots_max = 0;              // Largest stack height.
};
[[nodiscard]] MergeOrder merge_order(int n, LeafRange range);

// How to merge all ranks' parts to the whole: a postorder program over a stack whose entries are
// parts. Each step pushes the next part (in leaf order) and then merges the topmost two
// merges_after[i] times; at the end one entry is left. parts[] covers all n leaves.
[[nodiscard]] MergeOrder merge_parts_order(int n, const std::vector<LeafRange>& parts);

}  // namespace aesweep
