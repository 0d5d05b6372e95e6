#include "core/train/schedule.hpp"

#include <cmath>
#include <numbers>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

double shape(const ScheduleSpec& schedule, const ScheduleTime& at) {
  const bool per_step = schedule.per == SchedulePer::kStep;
  const double position = per_step ? static_cast<double>(at.step) / static_cast<double>(at.steps)
                                   : static_cast<double>(at.epoch) / static_cast<double>(at.epochs);
  const double last = schedule.final_factor;
  switch (schedule.kind) {
    case ScheduleKind::kConstant:
      return 1.0;
    case ScheduleKind::kLinear:
      return 1.0 + (last - 1.0) * position;
    case ScheduleKind::kExponential:
      return std::pow(last, position);
    case ScheduleKind::kCosine:
      return last + (1.0 - last) * 0.5 * (1.0 + std::cos(std::numbers::pi * position));
    case ScheduleKind::kStep:
      return std::pow(
          schedule.factor,
          static_cast<double>(at.epoch / static_cast<std::uint64_t>(schedule.every_epochs)));
  }
  return 1.0;
}

}  // namespace

double rate_factor(const ScheduleSpec& schedule, const ScheduleTime& at) {
  const double factor = shape(schedule, at);
  const auto warmup = static_cast<std::uint64_t>(schedule.warmup_steps);
  if (at.step >= warmup) return factor;
  return factor * (static_cast<double>(at.step + 1) / static_cast<double>(warmup));
}

Status check_schedule(const ScheduleSpec& schedule) {
  const auto refuse = [](const char* member, auto value, const char* wanted) {
    return Status::input(text("train.schedule.", member, ": ", value, " is not ", wanted));
  };
  const auto is_factor = [](double value) { return std::isfinite(value) && value >= 0.0; };
  if (schedule.warmup_steps < 0) return refuse("warmup_steps", schedule.warmup_steps, "0 or more");
  if (!is_factor(schedule.final_factor)) {
    return refuse("final_factor", schedule.final_factor, "a number of 0 or more");
  }
  if (schedule.kind == ScheduleKind::kExponential && schedule.final_factor == 0.0) {
    return refuse("final_factor", schedule.final_factor, "above 0, as kind exponential needs");
  }
  if (!is_factor(schedule.factor)) {
    return refuse("factor", schedule.factor, "a number of 0 or more");
  }
  if (schedule.every_epochs < 1) return refuse("every_epochs", schedule.every_epochs, "1 or more");
  return {};
}

}  // namespace aesweep
