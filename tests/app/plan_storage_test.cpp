// Proves the plan's figures for the disk on sweeps whose sums are done by hand.
#include "runner/app/plan_storage.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace aesweep {
namespace {

// 100 bytes in its file and 90 in results.h5, `weights` of them each.
TrialEstimate trial(std::uint64_t weights, std::uint64_t checkpoint = 7) {
  TrialEstimate estimate;
  estimate.file_bytes = 100;
  estimate.results_bytes = 90;
  estimate.weight_bytes = weights;
  estimate.checkpoint_bytes = checkpoint;
  return estimate;
}

TEST(PlanStorage, AFewTrialsKeepTheirOwnFiles) {
  const StorageNeeds needs =
      storage_needs(std::vector{trial(60), trial(60, 9), trial(60)}, 0, CheckpointSpec{}, 2);
  EXPECT_EQ(needs.trial_bytes_max, 100U);
  EXPECT_EQ(needs.trials_bytes, 300U);
  EXPECT_EQ(needs.results_bytes, 270U);
  EXPECT_EQ(needs.journal_bytes, 3U * 1500U);
  EXPECT_EQ(needs.end_bytes(), 300U + 270U + 4500U);
  EXPECT_EQ(needs.peak_bytes, needs.end_bytes());
  // Two kept, one being written, one yet to be removed.
  EXPECT_EQ(needs.checkpoint_bytes, 2U * 4U * 9U);
  EXPECT_EQ(needs.segments, 0);
  EXPECT_EQ(needs.files_at_end, 4 + 3);
  EXPECT_EQ(needs.files_running, 4 + 2 + 3 + 8);
}

TEST(PlanStorage, NoMoreCheckpointsThanTrialsAndNoneForNone) {
  CheckpointSpec spec;
  EXPECT_EQ(storage_needs(std::vector{trial(0)}, 0, spec, 8).checkpoint_bytes, 28U);
  spec.keep = 5;
  EXPECT_EQ(storage_needs(std::vector{trial(0)}, 0, spec, 8).checkpoint_bytes, 49U);
  spec.unit = CheckpointSpec::Every::kNever;
  EXPECT_EQ(storage_needs(std::vector{trial(0)}, 0, spec, 8).checkpoint_bytes, 0U);
}

// Single files keep their weights; results.h5 has those of the best alone, here the largest.
TEST(PlanStorage, BestWeightsOfAFewTrials) {
  const StorageNeeds needs =
      storage_needs(std::vector{trial(10), trial(60), trial(20)}, 1, CheckpointSpec{}, 1);
  EXPECT_EQ(needs.trials_bytes, 300U);
  EXPECT_EQ(needs.results_bytes, 270U - 10U - 20U);
}

TEST(PlanStorage, ManyTrialsAreFolded) {
  const std::vector<TrialEstimate> trials(2300, trial(60));
  const StorageNeeds all = storage_needs(trials, 0, CheckpointSpec{}, 4);
  EXPECT_EQ(all.trials_bytes, 230000U);
  EXPECT_EQ(all.segments, 3);
  // The last segment beside its files, and results.h5 once they are gone.
  EXPECT_EQ(all.end_bytes(), 2300U * (100U + 90U + 1500U));
  EXPECT_EQ(all.peak_bytes, all.end_bytes());
  EXPECT_EQ(all.files_at_end, 4 + 3);
  EXPECT_EQ(all.files_running, 4 + 2 + 3 + 1256 + 16);
  // Three best of each segment, and of all in results.h5.
  const StorageNeeds best = storage_needs(trials, 3, CheckpointSpec{}, 4);
  EXPECT_EQ(best.trials_bytes, 2300U * 40U + 3U * 3U * 60U);
  EXPECT_EQ(best.results_bytes, 2300U * 30U + 3U * 60U);
  // The second segment beside its files.
  EXPECT_EQ(best.peak_bytes, 2300U * 1500U + 1000U * 40U + 180U + 100000U + 40000U + 180U);
  // 256 more stay as they are, 257 do not.
  EXPECT_EQ(storage_needs(std::vector(1256, trial(0)), 0, CheckpointSpec{}, 4).files_at_end,
            4 + 1 + 256);
  EXPECT_EQ(storage_needs(std::vector(1257, trial(0)), 0, CheckpointSpec{}, 4).files_at_end, 4 + 2);
}

}  // namespace
}  // namespace aesweep
