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

bool TrialCourse::checkpoint_due(const StepReport& step, Time now) {
  const auto every = static_cast<std::int64_t>(checkpoint_.every);
  switch (checkpoint_.unit) {
    case CheckpointSpec::Every::kNever:
      break;
    case CheckpointSpec::Every::kSeconds:
      due_ |= std::chrono::duration<double>(now - last_checkpoint_).count() >= checkpoint_.every;
      break;
    case CheckpointSpec::Every::kSteps:
      due_ |= step.steps % every == 0;
      break;
    case CheckpointSpec::Every::kEpochs:
      due_ |= step.ends_epoch && (step.epochs + 1) % every == 0;
      break;
  }
  return due_ && !is_last(step);
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
