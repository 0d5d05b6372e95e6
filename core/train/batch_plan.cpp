#include "core/train/batch_plan.hpp"

#include "core/base/check.hpp"

namespace aesweep {

std::int64_t BatchPlan::local_first_row() const {
  return mine.count == 0 ? 0 : shards[static_cast<std::size_t>(mine.first)].first_row;
}

std::int64_t BatchPlan::local_rows() const {
  std::int64_t rows_of_mine = 0;
  for (int i = mine.first; i < mine.first + mine.count; ++i) {
    rows_of_mine += shards[static_cast<std::size_t>(i)].rows;
  }
  return rows_of_mine;
}

BatchPlan make_batch_plan(std::int64_t rows, std::int64_t shard_rows, int rank, int ranks) {
  AESWEEP_CHECK(rows >= 1 && shard_rows >= 1, "a batch and a shard have at least one row");
  BatchPlan plan;
  plan.rows = rows;
  const std::int64_t count = (rows + shard_rows - 1) / shard_rows;
  std::int64_t first = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t size = rows / count + (i < rows % count ? 1 : 0);
    plan.shards.push_back({first, size});
    first += size;
  }
  const int leaves = static_cast<int>(count);
  plan.mine = leaves_of_rank(leaves, rank, ranks);
  for (int r = 0; r < ranks; ++r) {
    const auto parts = maximal_subtrees(leaves, leaves_of_rank(leaves, r, ranks));
    plan.parts_of_rank.push_back(static_cast<int>(parts.size()));
    plan.parts.insert(plan.parts.end(), parts.begin(), parts.end());
  }
  plan.local = merge_order(leaves, plan.mine);
  plan.global = merge_parts_order(leaves, plan.parts);
  return plan;
}

}  // namespace aesweep
