#include "runner/sweep/trial_course.hpp"

#include "core/base/text.hpp"

namespace aesweep {

TrialCourse::TrialCourse(const CheckpointSpec& checkpoint, double seconds_max, std::int64_t epochs,
                         double seconds_before, Time now)
    : checkpoint_(checkpoint),
      seconds_max_(seconds_max),
      epochs_(epochs),
      seconds_before_(seconds_before),
      start_(now),
      last_checkpoint_(now) {}

bool TrialCourse::checkpoint_due(const StepReport& step, Time now) const {
  if (is_last(step)) return false;
  const auto every = static_cast<std::int64_t>(checkpoint_.every);
  switch (checkpoint_.unit) {
    case CheckpointSpec::Every::kNever:
      return false;
    case CheckpointSpec::Every::kSeconds:
      return std::chrono::duration<double>(now - last_checkpoint_).count() >= checkpoint_.every;
    case CheckpointSpec::Every::kSteps:
      return step.steps % every == 0;
    case CheckpointSpec::Every::kEpochs:
      return step.ends_epoch && (step.epochs + 1) % every == 0;
  }
  return false;
}

bool TrialCourse::may_be_late() const {
  return checkpoint_.unit == CheckpointSpec::Every::kSeconds;
}

bool TrialCourse::is_out_of_time(const StepReport& step, Time now) const {
  return seconds_max_ > 0.0 && seconds(now) >= seconds_max_ && !is_last(step);
}

std::string TrialCourse::out_of_time_text(std::int64_t step) const {
  return text("limits.max_trial_time: ", seconds_max_, " s reached at step ", step);
}

double TrialCourse::seconds(Time now) const {
  return seconds_before_ + std::chrono::duration<double>(now - start_).count();
}

}  // namespace aesweep
