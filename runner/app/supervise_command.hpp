// `aesweep run --supervise`: starts the launcher with the ranks of a run, and starts it again after
// a crash.
//
// The jobs resume what the one before them left (--resume=auto), and charge its crashes to trials
// (runner/watch/crash_slot.hpp). Status 0, 1, 2 and 75 of a job are final. After anything else it
// is started again, unless ten starts in a row brought nothing into the journal: then status 3, and
// the run can be resumed. SIGUSR1, SIGTERM and SIGINT ask the job to stop at its next step; a
// second SIGTERM or SIGINT kills it.
#pragma once

#include "runner/app/command_line.hpp"

namespace aesweep {

// Returns the exit status of the program. Starts no MPI itself.
[[nodiscard]] int run_supervised(const SuperviseOptions& options);

}  // namespace aesweep
