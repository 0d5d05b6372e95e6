// rate_factor: the schedule, a factor on every optimizer's learning rate, as a pure function of
// where in the trial a step is.
//
//   rate_factor = min(1, (t + 1) / W) * shape(p)
//
// t counts the training steps finished before this one and W is warmup_steps; W = 0 leaves the
// first term out. The shape runs over the whole training, warm-up included, with the position
//   p = t / T   per step, T the steps of the trial, or
//   p = e / E   per epoch, e the epochs finished before this step, E the epochs of the trial.
// Training ends at p = 1, so a shape is there where the step after the last one would be; the last
// step itself is at (T - 1) / T or (E - 1) / E. With f = final_factor:
//
//   constant     1
//   linear       1 + (f - 1) p
//   exponential  f^p, f > 0. Per epoch this is BinaryConnect's lr * (final / start)^(e / E).
//   cosine       f + (1 - f) (1 + cos(pi p)) / 2. Loshchilov & Hutter 2017, without restarts.
//   step         factor^floor(e / every_epochs)
//
// Linear and cosine are the closed forms of PyTorch's LinearLR and CosineAnnealingLR over T steps.
#pragma once

#include <cstdint>

#include "core/base/status.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

// A step's place in its trial: 0 <= step < steps, 0 <= epoch < epochs.
struct ScheduleTime {
  std::uint64_t step = 0;
  std::uint64_t steps = 1;
  std::uint64_t epoch = 0;
  std::uint64_t epochs = 1;
};

[[nodiscard]] double rate_factor(const ScheduleSpec& schedule, const ScheduleTime& at);

// An input fault names the member that makes the schedule impossible: a negative or infinite
// factor, exponential without a final factor above 0, step with every_epochs below 1.
[[nodiscard]] Status check_schedule(const ScheduleSpec& schedule);

}  // namespace aesweep
