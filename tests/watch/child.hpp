// Runs a piece of a test in a process of its own, and catches how that ends and what it says.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace aesweep {

struct ChildEnd {
  int status = 0;   // Exit status.
  int signal = 0;   // That ended it; 0: none.
  std::string err;  // What it and its children wrote to stderr.
};

// `body` runs in the child, which ends with status 0 if it returns. `meanwhile` runs here. Comes
// back when the child and all that holds its stderr have ended.
ChildEnd run_child(const std::function<void()>& body,
                   const std::function<void(pid_t child)>& meanwhile = {});

}  // namespace aesweep
