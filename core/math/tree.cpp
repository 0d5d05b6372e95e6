#include "core/math/tree.hpp"

#include <algorithm>
#include <bit>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

bool contains(LeafRange outer, LeafRange inner) {
  return outer.first <= inner.first && inner.first + inner.count <= outer.first + outer.count;
}

bool disjoint(LeafRange a, LeafRange b) {
  return a.first + a.count <= b.first || b.first + b.count <= a.first;
}

LeafRange left_child(LeafRange node) { return {node.first, left_leaves(node.count)}; }

LeafRange right_child(LeafRange node) {
  const int left = left_leaves(node.count);
  return {node.first + left, node.count - left};
}

void collect_subtrees(LeafRange node, LeafRange range, std::vector<LeafRange>& out) {
  if (node.count == 0 || range.count == 0 || disjoint(node, range)) return;
  if (contains(range, node)) {
    out.push_back(node);
    return;
  }
  collect_subtrees(left_child(node), range, out);
  collect_subtrees(right_child(node), range, out);
}

// Depth is at most the logarithm of the leaf count, so recursion is safe.
void order_leaves(LeafRange node, LeafRange range, MergeOrder& order) {
  if (node.count == 0 || disjoint(node, range)) return;
  if (node.count == 1) {
    order.merges_after.push_back(0);
    return;
  }
  order_leaves(left_child(node), range, order);
  order_leaves(right_child(node), range, order);
  if (contains(range, node)) ++order.merges_after.back();
}

void order_parts(LeafRange node, const std::vector<LeafRange>& parts, std::size_t& next,
                 MergeOrder& order) {
  AESWEEP_CHECK(next < parts.size(), "parts do not cover the tree");
  if (parts[next] == node) {
    order.merges_after.push_back(0);
    ++next;
    return;
  }
  AESWEEP_CHECK(node.count > 1, "a part is not a subtree");
  order_parts(left_child(node), parts, next, order);
  order_parts(right_child(node), parts, next, order);
  ++order.merges_after.back();
}

int largest_stack(const std::vector<int>& merges_after) {
  int height = 0;
  int highest = 0;
  for (const int merges : merges_after) {
    highest = std::max(highest, ++height);
    height -= merges;
  }
  return highest;
}

}  // namespace

int left_leaves(int n) {
  AESWEEP_CHECK(n >= 2, "only a node over two leaves or more has children");
  return static_cast<int>(std::bit_floor(static_cast<unsigned>(n - 1)));
}

std::vector<LeafRange> maximal_subtrees(int n, LeafRange range) {
  std::vector<LeafRange> subtrees;
  collect_subtrees({0, n}, range, subtrees);
  return subtrees;
}

LeafRange leaves_of_rank(int n, int rank, int ranks) {
  const auto bound = [&](std::int64_t r) { return static_cast<int>(n * r / ranks); };
  return {bound(rank), bound(rank + 1) - bound(rank)};
}

MergeOrder merge_order(int n, LeafRange range) {
  MergeOrder order;
  if (range.count > 0) order_leaves({0, n}, range, order);
  order.slots_max = largest_stack(order.merges_after);
  return order;
}

MergeOrder merge_parts_order(int n, const std::vector<LeafRange>& parts) {
  MergeOrder order;
  if (n == 0) return order;
  std::size_t next = 0;
  order_parts({0, n}, parts, next, order);
  AESWEEP_CHECK(next == parts.size(), "more parts than the tree has");
  order.slots_max = largest_stack(order.merges_after);
  return order;
}

}  // namespace aesweep
