// Proves the bookkeeping of a step: shards cover a batch, ranks own every element once in blocks
// that do not move, and metrics are the formulas they state. Oracles are counts and numbers worked
// by hand.
#include <gtest/gtest.h>

#include <vector>

#include "core/train/batch_plan.hpp"
#include "core/train/metrics.hpp"
#include "core/train/partition.hpp"

namespace aesweep {
namespace {

TEST(BatchPlan, ShardsCoverTheBatchAndDifferByAtMostOneRow) {
  for (const std::int64_t rows : {1, 7, 37, 128, 1000}) {
    for (const std::int64_t shard_rows : {1, 5, 64, 1000}) {
      const BatchPlan plan = make_batch_plan(rows, shard_rows, 0, 1);
      std::int64_t next = 0;
      for (const Shard& shard : plan.shards) {
        EXPECT_EQ(shard.first_row, next);
        EXPECT_LE(shard.rows, shard_rows);
        EXPECT_LE(shard.rows, plan.shards.front().rows);
        EXPECT_GE(shard.rows, plan.shards.front().rows - 1);
        next += shard.rows;
      }
      EXPECT_EQ(next, rows);
      EXPECT_EQ(static_cast<std::int64_t>(plan.shards.size()),
                (rows + shard_rows - 1) / shard_rows);
    }
  }
}

TEST(BatchPlan, RanksTakeConsecutiveRowsAndSomeTakeNone) {
  for (int ranks = 1; ranks <= 5; ++ranks) {
    std::int64_t next = 0;
    for (int r = 0; r < ranks; ++r) {
      const BatchPlan plan = make_batch_plan(37, 16, r, ranks);
      if (plan.mine.count == 0) continue;
      EXPECT_EQ(plan.local_first_row(), next);
      next += plan.local_rows();
    }
    EXPECT_EQ(next, 37);
  }
  EXPECT_EQ(make_batch_plan(37, 16, 0, 5).mine.count, 0);
}

std::vector<Tensor> tensors(std::initializer_list<std::size_t> sizes) {
  std::vector<Tensor> all;
  for (const std::size_t size : sizes) {
    Tensor tensor;
    tensor.elements = size;
    all.push_back(tensor);
  }
  return all;
}

TEST(Partition, EveryElementHasOneOwnerAndCutsLieBetweenBlocks) {
  const auto all = tensors({1, 4096, 4097, 784 * 400, 10, 12288, 5});
  for (const Ownership ownership : {Ownership::kBlocks, Ownership::kTensors}) {
    for (int ranks = 1; ranks <= 7; ++ranks) {
      const Partition partition(all, ownership, ranks);
      for (std::size_t t = 0; t < all.size(); ++t) {
        std::vector<int> owners(all[t].elements, 0);
        for (int r = 0; r < ranks; ++r) {
          const ElementRange mine = partition.owned(static_cast<int>(t), r);
          if (mine.count > 0) {
            EXPECT_EQ(mine.first % kBlockElements, 0u);
          }
          for (std::size_t i = 0; i < mine.count; ++i) ++owners[mine.first + i];
        }
        for (const int count : owners) ASSERT_EQ(count, 1);
      }
    }
  }
}

TEST(Partition, LargeTensorsAreSharedEvenlyAndSmallOnesTakeTurns) {
  const auto all = tensors({784 * 400, 400, 400 * 784, 784});
  const Partition partition(all, Ownership::kBlocks, 2);
  for (const int t : {0, 2}) {
    const auto a = static_cast<double>(partition.owned(t, 0).count);
    const auto b = static_cast<double>(partition.owned(t, 1).count);
    EXPECT_NEAR(a, b, 2.0 * kBlockElements);
  }
  const auto small = tensors({10, 10, 10, 10});
  const Partition turns(small, Ownership::kBlocks, 2);
  EXPECT_EQ(turns.owned(0, 0).count + turns.owned(1, 0).count, 10u);
}

TEST(Partition, ReplicatedMeansEverythingEverywhere) {
  const Partition partition(tensors({5000}), Ownership::kReplicated, 3);
  for (int r = 0; r < 3; ++r) EXPECT_EQ(partition.owned(0, r).count, 5000u);
}

TEST(Metrics, FollowTheirFormulas) {
  SplitSums sums;
  sums.clear(2, 4);
  sums.rows = 10;
  sums.terms = {5.0, 2.0};
  sums.error = 3.0;
  sums.code_sum = 8.0;
  sums.unit_counts = {10, 0, 5, 0};
  const std::vector<double> values = measure(sums, Target::kInput, 6, 12.0);
  const std::vector<double> expected = {0.7,  // (5 + 2) / 10
                                        0.5,       0.2,
                                        0.05,         // 3 / (10 * 6)
                                        0.25,         // 3 / 12
                                        1.5,          // (10 + 5) / 10
                                        0.5,          // 2 of 4 units
                                        8.0 / 40.0};  // over 10 rows and 4 units
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_DOUBLE_EQ(values[i], expected[i]) << i;
}

}  // namespace
}  // namespace aesweep
