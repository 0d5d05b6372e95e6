// Interrupt: notes SIGUSR1, SIGTERM and SIGINT while a sweep trains, so that it can end in order.
//
// One at a time per process, on every rank: a launcher forwards SIGUSR1 to all of them. The handler
// only sets a flag; the rank looks at it between steps. Only the first signal is noted. A second
// SIGTERM or SIGINT ends the process at once, as does the first outside of this object's life;
// SIGUSR1 never does, not afterwards either: launchers and batch systems send it twice. A
// signal that was ignored when it began stays ignored; one that was blocked, and came meanwhile, is
// noted now.
#pragma once

#include <signal.h>

#include <array>

namespace aesweep {

class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

 private:
  std::array<struct sigaction, 3> before_{};
  sigset_t mask_before_{};
};

// The signal that was noted, or 0. Costs one load.
[[nodiscard]] int noted_interrupt();

}  // namespace aesweep
