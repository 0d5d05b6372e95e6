// Running plugin code in a process of its own, under a time limit.
//
// The child starts as a copy of this process, but what it prints goes to a file in memory. It dies
// with its parent, and what it started dies with it (plugin_host/guarded_process.hpp). One at a
// time; this process must hold no lock that the child could need.
#pragma once

#include <functional>
#include <string>

#include "core/base/status.hpp"
#include "core/conformance/live.hpp"

namespace aesweep {

// Where the plugin is at work, noted where the parent can read it, and what it has printed. Lives
// in the child.
class ChildPlace : public conformance::CallWatch {
 public:
  // Bytes printed to stdout and stderr so far; -1: nobody counts.
  [[nodiscard]] virtual long printed() = 0;
};

enum class ChildEnd { kDone, kSignal, kExit, kTimeout };

struct ChildOutcome {
  ChildEnd end = ChildEnd::kDone;
  int number = 0;             // Of the signal, or the exit status.
  std::string message;        // What the body returned, if it did.
  std::string place;          // "forward of swish in f32": the last call; empty: none yet.
  std::string scalar;         // "f32": of that call.
  bool in_call = false;       // It had not returned.
  double call_seconds = 0.0;  // How long it had been going on.
  int left_behind = 0;        // Processes that were there when the child had ended.
  double seconds = 0.0;
};

using ChildBody = std::function<std::string(ChildPlace&)>;

// Forks, runs body in the child and gives back what it returns, or how the child ended instead.
[[nodiscard]] Result<ChildOutcome> run_in_child(const ChildBody& body, double seconds_max);

// The same without a fork, a limit or a count of what is printed: for a debugger.
[[nodiscard]] ChildOutcome run_in_process(const ChildBody& body);

}  // namespace aesweep
