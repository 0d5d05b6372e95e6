#include "runner/app/crash_report.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/base/line.hpp"
#include "core/base/signal_name.hpp"
#include "core/model/call_trace.hpp"
#include "runner/watch/call_text.hpp"
#include "runner/watch/crash_slot.hpp"
#include "runner/watch/end_process.hpp"
#include "runner/watch/host_threads.hpp"

namespace aesweep {
namespace {

constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};

// Enough for the handler and for the large register states of newer processors.
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

std::atomic<int> rank_of_process = 0;

// The trace of the thread that runs plugins, from report_crashes on. Others read it in the moment
// of a crash, while that thread goes on; what the pointers lead to outlives the process's trials.
std::atomic<const CallTrace*> main_trace = nullptr;

// A child that a plugin forks is not the rank: it may end as it likes.
std::atomic<pid_t> process = 0;

// Of the calling thread or, if none of our calls runs there, of the thread that runs plugins: one
// of them may have started the calling one, unless that is the program's own.
const CallTrace& current_trace() {
  const CallTrace& own = call_trace();
  const CallTrace* main = main_trace.load();
  const bool foreign = own.component == nullptr && main != nullptr && !is_host_thread();
  return foreign ? *main : own;
}

// " in CALL, trial 3, step 12".
void add_place(Line& line, const CallTrace& trace, bool with_trial) {
  const bool elsewhere = &trace != &call_trace();
  const bool calls = trace.component != nullptr;
  if (elsewhere) line << " in another thread";
  if (is_host_thread()) line << " in one of the program's own threads";
  if (calls) {
    line << (elsewhere ? ", while " : " in ");
    add_call(line, trace);
  } else {
    line << " outside any plugin";
  }
  const std::int64_t trial = trace.trial;
  if (trial >= 0) {
    if (with_trial) line << ", trial " << static_cast<std::uint64_t>(trial);
    line << ", step " << trace.step;
  }
  if (elsewhere && calls) line << " was running";
}

// On stderr, and for a supervisor, who knows rank and trial.
void report(const char* what) {
  const CallTrace& trace = current_trace();
  {
    Line note;
    note << what;
    add_place(note, trace, false);
    note_crash(note.c_str(), !is_host_thread());
  }
  Line line;
  line << "aesweep: rank " << static_cast<std::uint64_t>(rank_of_process.load()) << ": " << what;
  add_place(line, trace, true);
  line << "; the job ends\n";
  line.write();
}

// The end of this rank in the middle of a plugin's call, by whatever function of the C library.
bool ended_by_plugin() {
  return process.load() == ::getpid() && current_trace().component != nullptr;
}

void on_exit_by(const char* function) {
  if (!ended_by_plugin()) return;
  report(function);
  end_process(kEndedByFault);
}

extern "C" void on_crash(int signal) {
  report(signal_name(signal));
  // SA_RESETHAND has restored the default action; a fault repeats itself on return, the others are
  // raised again.
  static_cast<void>(::raise(signal));
}

}  // namespace

void report_crashes(int rank) {
  rank_of_process = rank;
  static std::array<std::byte, kStackBytes> stack;
  stack_t own{};
  own.ss_sp = stack.data();
  own.ss_size = stack.size();
  // Without a stack of its own the handler still runs, except after an overflow of the other.
  static_cast<void>(::sigaltstack(&own, nullptr));
  main_trace = &call_trace();
  process = ::getpid();
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK | SA_RESETHAND;
  ::sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) static_cast<void>(::sigaction(signal, &action, nullptr));
}

bool report_exits() {
  return std::atexit([] { on_exit_by("exit() was called"); }) == 0 &&
         std::at_quick_exit([] { on_exit_by("quick_exit() was called"); }) == 0;
}

}  // namespace aesweep

// The program's own _exit and _Exit, which the loader finds before those of the C library: a plugin
// that calls them in the middle of a run would end it with a status of its choice, without results.
extern "C" {
[[noreturn]] __attribute__((visibility("default"))) void _exit(int status) {
  aesweep::on_exit_by("_exit() was called");
  aesweep::end_process(status);
}
[[noreturn]] __attribute__((visibility("default"))) void _Exit(int status) noexcept {
  aesweep::on_exit_by("_Exit() was called");
  aesweep::end_process(status);
}
}
