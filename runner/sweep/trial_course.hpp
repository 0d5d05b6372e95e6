// TrialCourse: when a running trial is written down and when its time is up. Arithmetic only: the
// clock is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/train/trial.hpp"
#include "runner/config/experiment.hpp"

namespace aesweep {

class TrialCourse {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // A trial of `epochs` epochs that begins, or goes on after `seconds_before` of earlier jobs.
  TrialCourse(const CheckpointSpec& checkpoint, double seconds_max, std::int64_t epochs,
              double seconds_before, Time now);

  // Whether a checkpoint is to be taken at the end of this step, asked at every one. Never after
  // the last step: the trial is about to be finished. It stays due until it is taken: the one
  // before may still be in writing.
  [[nodiscard]] bool checkpoint_due(const StepReport& step, Time now);
  void checkpointed(Time now) {
    last_checkpoint_ = now;
    due_ = false;
  }

  // Whether the trial is to end with this step; never if it ends there anyway.
  [[nodiscard]] bool is_out_of_time(const StepReport& step, Time now) const;
  // Why, if that step was the last: "limits.max_trial_time: 60 s reached at step 841".
  [[nodiscard]] std::string out_of_time_text(std::int64_t step) const;

  // Of the attempt, earlier jobs included.
  [[nodiscard]] double seconds(Time now) const;

 private:
  [[nodiscard]] bool is_last(const StepReport& step) const {
    return step.ends_epoch && step.epochs + 1 == epochs_;
  }

  CheckpointSpec checkpoint_;
  double seconds_max_;  // 0: none.
  std::int64_t epochs_;
  double seconds_before_;
  Time start_;
  Time last_checkpoint_;
  bool due_ = false;
};

}  // namespace aesweep
