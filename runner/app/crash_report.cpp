#include "runner/app/crash_report.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/base/signal_name.hpp"
#include "core/model/call_trace.hpp"
#include "core/model/catalogue.hpp"

namespace aesweep {
namespace {

constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};

// Enough for the handler and for the large register states of newer processors.
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

std::atomic<int> rank_of_process = 0;

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

void add_place(Line& line, const CallTrace& trace) {
  if (trace.component != nullptr) {
    line << " in " << kind_name(static_cast<aesweep_kind>(trace.kind)).data() << " "
         << trace.component << " (" << trace.library << "), " << trace.function;
    if (trace.layer != nullptr) line << ", layer " << trace.layer;
  } else {
    line << " outside any plugin";
  }
  if (trace.trial < 0) return;
  line << ", trial " << static_cast<std::uint64_t>(trace.trial) << ", step " << trace.step;
}

void report(int signal) {
  Line line;
  line << "aesweep: rank " << static_cast<std::uint64_t>(rank_of_process.load()) << ": "
       << signal_name(signal);
  add_place(line, call_trace());
  line << "; the job ends\n";
  line.write();
}

extern "C" void on_crash(int signal) {
  report(signal);
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
  static_cast<void>(call_trace());  // Made now, not in the handler.
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK | SA_RESETHAND;
  ::sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) static_cast<void>(::sigaction(signal, &action, nullptr));
}

}  // namespace aesweep
