// Which threads are the program's own, so that a crash in one of them is charged to no trial.
#pragma once

namespace aesweep {

// From now on the threads that this process has, other than the calling one, count as its own:
// those of the journal, the writers, the watchdog and of MPI. Called by the thread that runs
// trials, once all are there and before the first component call; a thread that comes later, a
// plugin may have started. Where the system does not say which threads there are, none counts.
void mark_host_threads();

// Whether the calling thread was marked. Async-signal-safe.
[[nodiscard]] bool is_host_thread();

}  // namespace aesweep
