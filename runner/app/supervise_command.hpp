// `aesweep run --supervise`: starts the launcher with the ranks of a run, and starts it again after
// a crash.
//
// The jobs resume what the one before them left (--resume=auto), and charge its crashes to trials
// (runner/watch/crash_slot.hpp). Status 0, 1, 2 and 75 of a job that ended in order are final.
// After anything else it is started again, unless ten starts in a row brought nothing into the
// journal: then status 3, and the run can be resumed. SIGUSR1, SIGTERM and SIGINT ask the job to
// stop at its next step; after that, SIGTERM and SIGINT kill it.
#pragma once

#include <chrono>

#include "runner/app/command_line.hpp"

namespace aesweep {

struct SuperviseTimes {                         // Shortened by tests only.
  std::chrono::milliseconds pause_min{200};     // Before a restart; twice as long after each that
  std::chrono::milliseconds pause_max{10'000};  // brought nothing.
  std::chrono::milliseconds kill_after{5'000};  // Between SIGTERM and SIGKILL of the launcher.
};

// Returns the exit status of the program. Starts no MPI itself. The calling process has one thread
// and no other child.
[[nodiscard]] int run_supervised(const SuperviseOptions& options, SuperviseTimes times = {});

}  // namespace aesweep
