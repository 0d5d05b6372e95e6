// TrialCourse: checkpoints come by seconds, steps or epochs, never after the last step; time is
// counted over all jobs of an attempt.

#include "runner/sweep/trial_course.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace aesweep {
namespace {

using namespace std::chrono_literals;
using Every = CheckpointSpec::Every;

const TrialCourse::Time kStart{};

// The steps of a trial of `epochs` epochs of `batches` at which a checkpoint is due, where each
// takes a second and every checkpoint is taken.
std::vector<std::int64_t> due_steps(CheckpointSpec spec, std::int64_t epochs,
                                    std::int64_t batches) {
  TrialCourse course(spec, 0.0, epochs, 1000.0, kStart);
  std::vector<std::int64_t> due;
  for (std::int64_t step = 1; step <= epochs * batches; ++step) {
    const TrialCourse::Time now = kStart + step * 1s;
    const StepReport report{(step - 1) / batches, step, (step - 1) % batches + 1,
                            step % batches == 0};
    if (!course.checkpoint_due(report, now)) continue;
    due.push_back(step);
    course.checkpointed(now);
  }
  return due;
}

TEST(TrialCourse, CheckpointsAreDueAsAskedAndNotAfterTheLastStep) {
  using Steps = std::vector<std::int64_t>;
  EXPECT_EQ(due_steps({Every::kNever, 1.0, 2}, 4, 3), Steps{});
  EXPECT_EQ(due_steps({Every::kSteps, 5.0, 2}, 4, 3), (Steps{5, 10}));
  EXPECT_EQ(due_steps({Every::kSteps, 4.0, 2}, 4, 3), (Steps{4, 8}));
  EXPECT_EQ(due_steps({Every::kSteps, 1.0, 2}, 2, 2), (Steps{1, 2, 3}));
  EXPECT_EQ(due_steps({Every::kEpochs, 1.0, 2}, 4, 3), (Steps{3, 6, 9}));
  EXPECT_EQ(due_steps({Every::kEpochs, 2.0, 2}, 5, 3), (Steps{6, 12}));
  EXPECT_EQ(due_steps({Every::kSeconds, 4.5, 2}, 4, 3), (Steps{5, 10}));
  EXPECT_EQ(due_steps({Every::kSeconds, 0.5, 2}, 1, 3), (Steps{1, 2}));
}

TEST(TrialCourse, SecondsRunFromTheLastCheckpoint) {
  TrialCourse course({Every::kSeconds, 60.0, 2}, 0.0, 9, 0.0, kStart);
  const StepReport report{0, 1, 1, false};
  EXPECT_FALSE(course.checkpoint_due(report, kStart + 59s));
  EXPECT_TRUE(course.checkpoint_due(report, kStart + 60s));
  EXPECT_TRUE(course.checkpoint_due(report, kStart + 75s)) << "postponed, not forgotten";
  course.checkpointed(kStart + 75s);
  EXPECT_FALSE(course.checkpoint_due(report, kStart + 134s));
  EXPECT_TRUE(course.checkpoint_due(report, kStart + 135s));
}

// The disk may take longer than an interval; then one checkpoint is taken as soon as it is free.
TEST(TrialCourse, StepsAndEpochsArePostponedNotForgotten) {
  TrialCourse steps({Every::kSteps, 3.0, 2}, 0.0, 2, 0.0, kStart);
  TrialCourse epochs({Every::kEpochs, 1.0, 2}, 0.0, 2, 0.0, kStart);
  std::vector<std::int64_t> due_by_steps;
  std::vector<std::int64_t> due_by_epochs;
  for (std::int64_t step = 1; step <= 12; ++step) {
    const StepReport report{(step - 1) / 6, step, (step - 1) % 6 + 1, step % 6 == 0};
    if (steps.checkpoint_due(report, kStart)) due_by_steps.push_back(step);
    if (epochs.checkpoint_due(report, kStart)) due_by_epochs.push_back(step);
    if (step == 7) steps.checkpointed(kStart);
    if (step == 8) epochs.checkpointed(kStart);
  }
  EXPECT_EQ(due_by_steps, (std::vector<std::int64_t>{3, 4, 5, 6, 7, 9, 10, 11}));
  EXPECT_EQ(due_by_epochs, (std::vector<std::int64_t>{6, 7, 8}));
}

TEST(TrialCourse, TimeOfEarlierJobsCounts) {
  const TrialCourse course({}, 90.0, 2, 30.0, kStart);
  const StepReport step{1, 7, 3, false};
  EXPECT_DOUBLE_EQ(course.seconds(kStart + 12s), 42.0);
  EXPECT_FALSE(course.is_out_of_time(step, kStart + 59s));
  EXPECT_TRUE(course.is_out_of_time(step, kStart + 60s));
  EXPECT_TRUE(course.is_out_of_time({0, 4, 4, true}, kStart + 60s)) << "the end of another epoch";
  EXPECT_FALSE(course.is_out_of_time({1, 8, 4, true}, kStart + 60s)) << "it ends there anyway";
  EXPECT_FALSE(TrialCourse({}, 0.0, 2, 30.0, kStart).is_out_of_time(step, kStart + 1h));
  EXPECT_EQ(course.out_of_time_text(7), "limits.max_trial_time: 90 s reached at step 7");
}

}  // namespace
}  // namespace aesweep
