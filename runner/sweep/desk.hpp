// Desk: whom rank 0 serves beside its own trial: the manager, or a test's.
#pragma once

#include "core/base/status.hpp"
#include "runner/sweep/message.hpp"

namespace aesweep {

class Desk {
 public:
  virtual ~Desk() = default;
  // Takes a message that is for_manager.
  virtual void handle(const Message& message) = 0;
  // Called often. Gives a fault once the job can only be aborted.
  [[nodiscard]] virtual Status tick() = 0;
  // All groups have closed, and everything is written that is to be.
  [[nodiscard]] virtual bool done() const = 0;
};

}  // namespace aesweep
