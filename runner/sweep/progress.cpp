#include "runner/sweep/progress.hpp"

#include <cmath>
#include <iomanip>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep {

Progress::Progress(std::vector<std::int64_t> epochs_of_trial) {
  for (std::int64_t epochs : epochs_of_trial) {
    trials_.push_back({epochs, 0, 0});
    epochs_planned_ += epochs;
  }
}

void Progress::already(std::int64_t trial, std::int64_t epochs) {
  Trial& one = trials_.at(static_cast<std::size_t>(trial));
  const std::int64_t more = epochs - std::exchange(one.epochs_done, epochs);
  epochs_done_ += more;
  epochs_before_ += more;
}

void Progress::advanced(std::int64_t trial, std::int64_t epochs, std::int64_t samples) {
  Trial& one = trials_.at(static_cast<std::size_t>(trial));
  epochs_done_ += epochs - std::exchange(one.epochs_done, epochs);
  samples_ += samples - std::exchange(one.samples, samples);
}

void Progress::ended(std::int64_t trial, std::int64_t samples) {
  advanced(trial, trials_.at(static_cast<std::size_t>(trial)).epochs_planned, samples);
}

std::string Progress::line(std::int64_t finished, std::int64_t running, double seconds) const {
  std::string line = text(finished, " of ", trials_.size(), " trials, ", running, " running");
  if (epochs_planned_ > 0) {
    line += text(" | ", epochs_done_ * 100 / epochs_planned_, " % | ", epochs_done_, " of ",
                 epochs_planned_, " epochs");
  }
  if (samples_ > 0 && seconds > 0.0) {
    line += text(" | ", std::llround(samples_per_second(seconds)), " samples/s");
  }
  if (const double left = seconds_left(seconds); left >= 0.0 && epochs_done_ < epochs_planned_) {
    line += text(" | ", clock_text(left), " left");
  }
  return line;
}

double Progress::samples_per_second(double seconds) const {
  return seconds > 0.0 ? static_cast<double>(samples_) / seconds : 0.0;
}

double Progress::seconds_left(double seconds) const {
  const std::int64_t done_now = epochs_done_ - epochs_before_;
  if (done_now <= 0) return epochs_done_ < epochs_planned_ ? -1.0 : 0.0;
  const auto left = static_cast<double>(epochs_planned_ - epochs_done_);
  return seconds * left / static_cast<double>(done_now);
}

std::string clock_text(double seconds) {
  const std::int64_t all = std::llround(seconds);
  const std::int64_t hours = all / 3600;
  const auto two = [](std::int64_t value) { return text(std::setw(2), std::setfill('0'), value); };
  if (hours > 0) return text(hours, ':', two(all / 60 % 60), ':', two(all % 60));
  return text(all / 60, ':', two(all % 60));
}

}  // namespace aesweep
