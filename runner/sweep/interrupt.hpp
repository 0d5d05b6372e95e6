// Interrupt: notes SIGINT and SIGTERM while a sweep trains, so that it can end with a message.
//
// One at a time per process. The handler only sets a flag; whoever serves the manager looks at it.
// Each signal is noted once: a second one ends the process at once, as do both outside of this
// object's life. A signal that was ignored when it began stays ignored.
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
  std::array<struct sigaction, 2> before_{};
};

// The signal that was noted, or 0. Costs one load.
[[nodiscard]] int noted_interrupt();

}  // namespace aesweep
