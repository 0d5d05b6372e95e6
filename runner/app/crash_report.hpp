// Crash report: the one line that a rank leaves when a signal ends it.
//
//   aesweep: rank 1: SIGSEGV in activation crash (/path/crash.so), forward, layer code, trial 3,
//   step 12; the job ends
//
// It blames a plugin only if one of its calls was running (core/model/call_trace.hpp), and leaves
// the signal's default action as it is, so that the launcher ends the job and core files are
// written. Everything in the handler is async-signal-safe.
#pragma once

namespace aesweep {

// For SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and SIGSYS, on a stack of its own for the calling
// thread: an endless recursion is reported, too. Called before MPI starts; Open MPI leaves handlers
// alone that are there already.
void report_crashes(int rank);

}  // namespace aesweep
