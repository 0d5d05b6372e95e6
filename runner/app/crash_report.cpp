#include "runner/app/crash_report.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/base/signal_name.hpp"
#include "core/model/call_trace.hpp"
#include "core/model/catalogue.hpp"

namespace aesweep {
namespace {

constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};

// Enough for the handler and for the large register states of newer processors.
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

// Of a rank that a plugin ended: a fault of the world.
constexpr int kEndedByPlugin = 3;

std::atomic<int> rank_of_process = 0;

// The trace of the thread that runs plugins, from report_crashes on. Others read it in the moment
// of a crash, while that thread goes on; what the pointers lead to outlives the process's trials.
std::atomic<const CallTrace*> main_trace = nullptr;

// A child that a plugin forks is not the rank: it may end as it likes.
std::atomic<pid_t> process = 0;

// A line put together without allocation; what does not fit is cut.
class Line {
 public:
  Line& operator<<(const char* words) {
    const std::size_t count = std::min(std::strlen(words), kBytes - size_);
    std::memcpy(bytes_ + size_, words, count);
    size_ += count;
    return *this;
  }
  Line& operator<<(std::uint64_t number) {
    char digits[21];
    char* at = digits + sizeof digits - 1;
    *at = '\0';
    do {
      *--at = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return *this << at;
  }
  void write() const {
    const char* from = bytes_;
    std::size_t left = size_;
    while (left > 0) {
      const ssize_t count = ::write(STDERR_FILENO, from, left);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      from += count;
      left -= static_cast<std::size_t>(count);
    }
  }

 private:
  static constexpr std::size_t kBytes = 8192;  // Above any path.
  char bytes_[kBytes];
  std::size_t size_ = 0;
};

// Of the calling thread or, if none of our calls runs there, of the thread that runs plugins.
const CallTrace& current_trace() {
  const CallTrace& own = call_trace();
  const CallTrace* main = main_trace.load();
  return own.component == nullptr && main != nullptr ? *main : own;
}

void add_place(Line& line, const CallTrace& trace) {
  const bool elsewhere = &trace != &call_trace();
  if (elsewhere) line << " in another thread";
  if (trace.component != nullptr) {
    line << (elsewhere ? ", while " : " in ")
         << kind_name(static_cast<aesweep_kind>(std::uint32_t{trace.kind})).data() << " "
         << trace.component << " (" << trace.library << "), " << trace.function;
    if (trace.layer != nullptr) line << ", layer " << trace.layer;
  } else {
    line << " outside any plugin";
  }
  if (trace.trial >= 0) {
    line << ", trial " << static_cast<std::uint64_t>(trace.trial) << ", step " << trace.step;
  }
  if (elsewhere && trace.component != nullptr) line << " was running";
}

void report(const char* what) {
  Line line;
  line << "aesweep: rank " << static_cast<std::uint64_t>(rank_of_process.load()) << ": " << what;
  add_place(line, current_trace());
  line << "; the job ends\n";
  line.write();
}

[[noreturn]] void end_process(int status) {
  for (;;) static_cast<void>(::syscall(SYS_exit_group, status));
}

// The end of this rank in the middle of a plugin's call, by whatever function of the C library.
bool ended_by_plugin() {
  return process.load() == ::getpid() && current_trace().component != nullptr;
}

void on_exit_by(const char* function) {
  if (!ended_by_plugin()) return;
  report(function);
  end_process(kEndedByPlugin);
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
