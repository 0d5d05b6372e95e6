// Crash report: the one line that a rank leaves when a signal, or a plugin that calls exit, ends
// it.
//
//   aesweep: rank 1: SIGSEGV in activation crash (/path/crash.so), forward, layer code, trial 3,
//   step 12; the job ends
//
// It blames a plugin only if one of its calls was running (core/model/call_trace.hpp); for a crash
// in another thread, which a plugin must have started, it says which call was running meanwhile;
// one in a thread of the program's own (runner/watch/host_threads.hpp) is charged to no trial. A
// signal's default action stays as it is, so that the launcher ends the job and core files are
// written; an exit in the middle of a call becomes status 3, which ends the job as well. The armed
// crash slot (runner/watch/crash_slot.hpp) gets the same words. Everything here that runs at the
// end of a process is async-signal-safe.
#pragma once

namespace aesweep {

// For SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and SIGSYS, on a stack of its own for the calling
// thread: an endless recursion is reported, too. Called before MPI starts; Open MPI leaves handlers
// alone that are there already.
void report_crashes(int rank);

// For exit, quick_exit, _exit and _Exit while a plugin's call runs; a bare system call is not seen.
// Called after report_crashes and once everything is loaded, since the last handler runs first.
// False: the system has no room for a handler.
[[nodiscard]] bool report_exits();

}  // namespace aesweep
