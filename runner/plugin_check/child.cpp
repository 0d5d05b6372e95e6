#include "runner/plugin_check/child.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "core/base/text.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string reason() { return std::strerror(errno); }

// A line that the child writes and the parent reads after its end.
struct Note {
  std::array<char, 256> text;
};

class NotePage {
 public:
  NotePage()
      : page_(::mmap(nullptr, sizeof(Note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0)) {}
  NotePage(const NotePage&) = delete;
  NotePage& operator=(const NotePage&) = delete;
  ~NotePage() {
    if (page_ != MAP_FAILED) ::munmap(page_, sizeof(Note));
  }
  [[nodiscard]] bool mapped() const { return page_ != MAP_FAILED; }
  [[nodiscard]] Note* note() const { return static_cast<Note*>(page_); }

 private:
  void* page_;
};

class NotingPlace : public ChildPlace {
 public:
  NotingPlace(Note* note, int output) : note_(note), output_(output) {}
  void before(const char* component, const char* function, const char* scalar) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::snprintf(note_->text.data(), note_->text.size(), "%s of %s in %s", function, component,
                  scalar);
  }
  void after() override {}
  long printed() override {
    if (output_ < 0) return -1;
    struct stat facts;
    if (std::fflush(nullptr) != 0 || ::fstat(output_, &facts) != 0) return -1;
    return static_cast<long>(facts.st_size);
  }

 private:
  std::mutex mutex_;
  Note* note_;
  int output_;
};

void write_all(int to, const std::string& bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = ::write(to, bytes.data() + written, bytes.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // The parent sees a message cut short.
    written += static_cast<std::size_t>(n);
  }
}

// The last byte of a whole message.
constexpr char kEnd = '\x04';

[[noreturn]] void live_as_child(const ChildBody& body, Note* note, int to, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGXFSZ, SIGPIPE}) {
    std::signal(signal, SIG_DFL);
  }
  const struct rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const int output = ::memfd_create("aesweep_plugin_output", MFD_CLOEXEC);
  if (output >= 0) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
  }
  NotingPlace place(note, output);
  write_all(to, body(place) + kEnd);
  ::_exit(0);
}

// Reads until the other end is closed or the time is up; false: it is up.
bool read_until(int from, Clock::time_point deadline, std::string& bytes) {
  std::array<char, 4096> piece;
  while (bytes.empty() || bytes.back() != kEnd) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    struct pollfd ready = {from, POLLIN, 0};
    const int answer = ::poll(&ready, 1, static_cast<int>(std::min<long>(left, 1000)));
    if (answer < 0 && errno != EINTR) return false;
    if (answer <= 0) continue;
    const ssize_t n = ::read(from, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    bytes.append(piece.data(), static_cast<std::size_t>(n));
  }
  return true;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

Result<ChildOutcome> run_in_child(const ChildBody& body, double seconds_max) {
  const NotePage page;
  if (!page.mapped()) return Status::world("no memory to share with a child: " + reason());
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return Status::world("no pipe to a child: " + reason());
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  // What is buffered would be written twice.
  if (std::fflush(nullptr) != 0) return Status::world("cannot write the report: " + reason());
  const pid_t parent = ::getpid();
  const Clock::time_point begin = Clock::now();
  const pid_t child = ::fork();
  if (child < 0) return Status::world("no process for a case: " + reason());
  if (child == 0) live_as_child(body, page.note(), to.number(), parent);
  to = Descriptor();

  ChildOutcome outcome;
  const auto limit =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds_max));
  const bool in_time = read_until(from.number(), begin + limit, outcome.message);
  if (!in_time) {
    ::kill(-child, SIGKILL);
    ::kill(child, SIGKILL);  // Before it made a group of its own.
  }
  const int status = wait_for(child);
  ::kill(-child, SIGKILL);  // Whatever it started.
  outcome.seconds = seconds_since(begin);
  outcome.place = page.note()->text.data();
  const bool whole = !outcome.message.empty() && outcome.message.back() == kEnd;
  if (whole) {
    outcome.message.pop_back();
  } else if (!in_time) {
    outcome.end = ChildEnd::kTimeout;
  } else if (WIFSIGNALED(status)) {
    outcome.end = ChildEnd::kSignal;
    outcome.number = WTERMSIG(status);
  } else {
    outcome.end = ChildEnd::kExit;
    outcome.number = WEXITSTATUS(status);
  }
  return outcome;
}

ChildOutcome run_in_process(const ChildBody& body) {
  Note note{};
  NotingPlace place(&note, -1);
  const Clock::time_point begin = Clock::now();
  ChildOutcome outcome;
  outcome.message = body(place);
  outcome.place = note.text.data();
  outcome.seconds = seconds_since(begin);
  return outcome;
}

}  // namespace aesweep
