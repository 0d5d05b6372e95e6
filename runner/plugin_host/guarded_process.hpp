// A child process that runs code nobody vouches for, under a time limit, and leaves nothing behind.
//
// The child is a copy of this process in a group of its own. It dies with this process; when it has
// ended, or at the limit, whatever it started is ended, too, even what left the group: this process
// is made the one that inherits orphans. One at a time, from the main thread; this process must
// hold no lock that the child could need and start no other child meanwhile.
#pragma once

#include <functional>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

// How the child ended.
struct ProcessEnd {
  bool late = false;    // It was ended at the limit.
  int status = 0;       // As waitpid gives it.
  std::string bytes;    // What it wrote.
  int left_behind = 0;  // Processes that it started and that were there when it had ended.
};

// Runs in the child and writes to the descriptor. If it returns, the child ends with status 0.
using ProcessBody = std::function<void(int out)>;

// Forks, and comes back when the child and all that it started are gone. A fault: no process.
[[nodiscard]] Result<ProcessEnd> run_guarded(const ProcessBody& body, double seconds_max);

// Writes all bytes; false if the other end is gone.
bool write_bytes(int out, const std::string& bytes);

}  // namespace aesweep
