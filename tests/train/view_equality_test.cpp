// Proves that networks with viewed tensors, rounds for training only and penalties that read
// parameters give the same bits on one to five ranks, uneven batches and ranks without shards among
// them, and the same numbers up to rounding where reproducibility is given up.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/train/group_run.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/view_components.hpp"
#include "tests/train/view_specs.hpp"

namespace aesweep::test {
namespace {

void make_small_steps(TrialSpec& spec) {
  spec.optimizer = {"adam", {{"lr", 1e-2}}};
  spec.train.epochs = 2;
  spec.train.batch_rows = 37;
  spec.train.shard_rows = 5;
  spec.train.seed = 7;
}

TEST(ViewEquality, GivesTheSameBitsOnOneToFiveRanks) {
  const SmallData data(101, 23, 30);
  for (ViewCase& c : view_cases(30, 20)) {
    make_small_steps(c.spec);
    // One shard leaves all ranks but one without work, three leave some.
    for (const std::int64_t shard_rows : {5, 13, 64}) {
      SCOPED_TRACE(c.name);
      SCOPED_TRACE(shard_rows);
      c.spec.train.shard_rows = shard_rows;
      const TrialResult one = run_group(c.spec, view_catalogue(), data.dataset(), 1);
      EXPECT_EQ(one.outcome, Outcome::kCompleted) << one.reason;
      EXPECT_FALSE(one.weights_final.front().bytes == one.weights_initial.front().bytes);
      for (int ranks = 2; ranks <= 5; ++ranks) {
        SCOPED_TRACE(ranks);
        expect_same_bits(one, run_group(c.spec, view_catalogue(), data.dataset(), ranks));
      }
    }
  }
}

// A viewed tensor of several blocks, so that the ranks own different parts of it; in double.
TEST(ViewEquality, LargeViewedTensorsAreSharedOutInBlocks) {
  const SmallData data(64, 20, 130);
  TrialSpec spec = view_cases(130, 100)[2].spec;
  make_small_steps(spec);
  spec.model.scalar = Scalar::kF64;
  const TrialResult one = run_group(spec, view_catalogue(), data.dataset(), 1);
  for (int ranks = 2; ranks <= 4; ++ranks) {
    expect_same_bits(one, run_group(spec, view_catalogue(), data.dataset(), ranks));
  }
}

// Few steps of plain descent: rounding does not grow to more than this.
TEST(ViewEquality, ReplicatedModeTrainsTheSameUpToRounding) {
  const SmallData data(101, 23, 30);
  for (ViewCase& c : view_cases(30, 20)) {
    SCOPED_TRACE(c.name);
    make_small_steps(c.spec);
    c.spec.optimizer = {"sgd", {{"lr", 0.01}}};
    c.spec.model.scalar = Scalar::kF64;
    const TrialResult exact = run_group(c.spec, view_catalogue(), data.dataset(), 1);
    EXPECT_EQ(exact.outcome, Outcome::kCompleted) << exact.reason;
    c.spec.train.reproducible = false;
    for (int ranks = 1; ranks <= 4; ++ranks) {
      const TrialResult fast = run_group(c.spec, view_catalogue(), data.dataset(), ranks);
      ASSERT_EQ(fast.history.size(), exact.history.size());
      for (std::size_t i = 0; i < exact.history.size(); ++i) {
        EXPECT_NEAR(fast.history[i].value, exact.history[i].value,
                    1e-9 * (1.0 + std::abs(exact.history[i].value)));
      }
    }
  }
}

}  // namespace
}  // namespace aesweep::test
