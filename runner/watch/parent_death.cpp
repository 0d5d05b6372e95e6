#include "runner/watch/parent_death.hpp"

#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "core/base/check.hpp"
#include "runner/watch/end_process.hpp"

namespace aesweep {
namespace {

std::atomic<pid_t> process = 0;  // Not one that a plugin forks.
std::atomic<pid_t> parent = 0;

// A real-time signal: nothing else sends it, and several that are pending stay several.
int death_signal() { return SIGRTMIN + 7; }

extern "C" void on_parent_death(int /*signal*/) {
  if (parent_is_gone()) end_process(kEndedByFault);
}

}  // namespace

bool parent_is_gone() {
  return parent.load() != 0 && process.load() == ::getpid() && ::getppid() != parent.load();
}

void die_with_parent() {
  process = ::getpid();
  parent = ::getppid();
  struct sigaction action {};
  action.sa_handler = on_parent_death;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  AESWEEP_CHECK(::sigaction(death_signal(), &action, nullptr) == 0, "cannot handle a signal");
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, death_signal());
  AESWEEP_CHECK(::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr) == 0, "cannot unblock a signal");
  AESWEEP_CHECK(::prctl(PR_SET_PDEATHSIG, death_signal()) == 0, "cannot ask for a signal");
  if (parent_is_gone()) end_process(kEndedByFault);
}

}  // namespace aesweep
