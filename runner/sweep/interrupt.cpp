#include "runner/sweep/interrupt.hpp"

#include <atomic>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

constexpr std::array<int, 3> kSignals = {SIGUSR1, SIGTERM, SIGINT};

std::atomic<int> noted = 0;
std::atomic<bool> told_to_end = false;  // By SIGTERM or SIGINT.
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch nothing else");

// A second SIGTERM or SIGINT has its default effect, once the handler has returned and it is let
// through.
extern "C" void note_interrupt(int signal) {
  int none = 0;
  noted.compare_exchange_strong(none, signal);
  if (signal == SIGUSR1 || !told_to_end.exchange(true)) return;
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

InterruptWatch::InterruptWatch() {
  noted.store(0);
  told_to_end.store(false);
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    AESWEEP_CHECK(::sigaction(kSignals[i], nullptr, &before_[i]) == 0, "cannot read a signal");
    if (before_[i].sa_handler == SIG_IGN) continue;
    AESWEEP_CHECK(::sigaction(kSignals[i], &action, nullptr) == 0, "cannot watch a signal");
  }
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal : kSignals) ::sigaddset(&watched, signal);
  AESWEEP_CHECK(::pthread_sigmask(SIG_UNBLOCK, &watched, &mask_before_) == 0,
                "cannot let signals through");
}

InterruptWatch::~InterruptWatch() {
  AESWEEP_CHECK(::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr) == 0,
                "cannot restore the signal mask");
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == SIGUSR1) continue;
    AESWEEP_CHECK(::sigaction(kSignals[i], &before_[i], nullptr) == 0, "cannot restore a signal");
  }
}

int noted_interrupt() { return noted.load(std::memory_order_relaxed); }

}  // namespace aesweep
