// Watchdog: ends a rank that makes no progress, with a line that says what it was doing.
//
// A thread of its own looks at the call trace's counter (core/model/call_trace). The main thread
// moves it: every component call does, and whoever waits for something that may take long calls
// tick(). Where it does not move for `stall` of this rank's own time, the line is printed, after a
// pause in which the other ranks, which stall as well, can print theirs, the process ends with
// status 3; the launcher ends the others. Time in which this process itself was stopped or got no
// processor does not count, so a rank that is stopped for an hour and continued goes on.
//
//   aesweep: rank 1 on node2: no progress for 60 s: trial 3, epoch 2, step 841, in layer dense
//   (/path), backward, layer code; last communication: waits for 4096 bytes of rank 0 for 60 s; the
//   job ends
//
// If a component call was running, the armed crash slot notes it (crash_slot.hpp): a component call
// that does not return for `stall` counts as a crash of its trial, so that one bad trial does not
// stop a sweep; a network that stands still is charged to none. The same thread looks whether the
// process that started this one is still there (parent_death.hpp). No MPI call is made here, and
// once a rank is stalled nothing is allocated: its heap may be what is locked.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/base/line.hpp"

namespace aesweep {

class Watchdog {
 public:
  struct Options {
    int rank = 0;
    std::string host;
    std::chrono::milliseconds stall{60'000};  // 0: never.
    std::chrono::milliseconds grace{3'000};   // Between the line and the end.
    // Adds what only others know, such as the last communication, "; words"; called by the
    // watchdog's thread. May be empty.
    std::function<void(Line&)> communication;
  };
  // Watches the calling thread, which must outlive this.
  explicit Watchdog(Options options);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Something moved. Called by the watched thread; costs one relaxed store.
  void tick();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aesweep
