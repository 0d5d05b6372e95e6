// Watchdog: ends a rank that makes no progress, with a line that says what it was doing.
//
// A thread of its own looks at a counter. The main thread moves it: every component call does
// (core/model/call_trace), and whoever waits for something that may take long calls tick(). Where
// it does not move for `stall` of this rank's own time, the line is printed, after a pause in which
// the other ranks, which stall as well, can print theirs, the process ends with status 3; the
// launcher ends the others. Time in which this process itself was stopped does not count, so a rank
// that is stopped for an hour and continued goes on.
//
//   aesweep: rank 1 on node2: no progress for 60 s: trial 3, epoch 2, step 841, layer code, in
//   backward of layer dense (/path); last communication: waits for 4096 bytes of rank 0 for 60 s;
//   the job ends
//
// The same thread looks whether the process that started this one is still there
// (parent_death.hpp). No MPI call is made here.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace aesweep {

class Watchdog {
 public:
  struct Options {
    int rank = 0;
    std::string host;
    std::chrono::milliseconds stall{60'000};  // 0: never.
    std::chrono::milliseconds grace{3'000};   // Between the line and the end.
    // Adds what only others know, such as the last communication; called by the watchdog's thread.
    std::function<std::string()> communication;
    // Called before the end, after the line was printed: notes it for a supervisor.
    std::function<void(const std::string& what)> before_end;
  };
  // Watches the calling thread. Its CallTrace must outlive this.
  explicit Watchdog(Options options);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Something moved. Costs one relaxed store.
  void tick();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aesweep
