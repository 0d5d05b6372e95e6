#include "runner/watch/host_threads.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

namespace aesweep {
namespace {

namespace fs = std::filesystem;

// MPI and libraries bring a handful each; those beyond count as a plugin's.
std::array<std::atomic<pid_t>, 256> host_threads{};

}  // namespace

void mark_host_threads() {
  std::size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator at("/proc/self/task", error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename();
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    if (thread != ::gettid() && count < host_threads.size()) host_threads[count++] = thread;
  }
}

bool is_host_thread() {
  const pid_t self = ::gettid();
  return std::any_of(host_threads.begin(), host_threads.end(),
                     [self](const std::atomic<pid_t>& thread) { return thread == self; });
}

}  // namespace aesweep
