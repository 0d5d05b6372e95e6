#include "runner/plugin_host/guarded_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>

#include "core/base/text.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// A child that writes without end is not listened to any longer.
constexpr std::size_t kBytesMax = std::size_t{1} << 20;
// Who starts processes faster than they can be ended is left to the user.
constexpr int kSweepsMax = 1000;

// Inherits orphans for as long as it lives, unless it did before.
class OrphanHeir {
 public:
  OrphanHeir() {
    static_cast<void>(::prctl(PR_GET_CHILD_SUBREAPER, &before_));
    static_cast<void>(::prctl(PR_SET_CHILD_SUBREAPER, 1));
  }
  OrphanHeir(const OrphanHeir&) = delete;
  OrphanHeir& operator=(const OrphanHeir&) = delete;
  ~OrphanHeir() { static_cast<void>(::prctl(PR_SET_CHILD_SUBREAPER, before_)); }

 private:
  int before_ = 0;
};

bool has_children() {
  siginfo_t facts{};
  const int got = ::waitid(P_ALL, 0, &facts, WEXITED | WNOHANG | WNOWAIT);
  return got == 0 || errno != ECHILD;
}

// From /proc/<id>/stat: "id (name) state parent ...".
std::set<pid_t> children() {
  std::set<pid_t> found;
  if (!has_children()) return found;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream in(at->path() / "stat");
    std::string line;
    if (!std::getline(in, line)) continue;  // It ended meanwhile.
    std::istringstream rest(line.substr(line.rfind(')') + 1));
    std::string state;
    pid_t parent = 0;
    rest >> state >> parent;
    if (parent == ::getpid()) found.insert(static_cast<pid_t>(std::stol(name)));
  }
  return found;
}

int reap(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// Ends what has come here as an orphan, and what that leaves. How many there were.
int end_orphans(const std::set<pid_t>& own) {
  int count = 0;
  for (int sweep = 0; sweep < kSweepsMax; ++sweep) {
    bool any = false;
    for (const pid_t orphan : children()) {
      if (own.count(orphan) != 0) continue;
      static_cast<void>(::kill(orphan, SIGKILL));
      reap(orphan);
      any = true;
      ++count;
    }
    if (!any) break;
  }
  return count;
}

// Reads what is there. False: nothing more can come.
bool drain(int pipe, std::string& bytes) {
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t count = ::read(pipe, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0 || bytes.size() > kBytesMax) return false;
    bytes.append(piece.data(), static_cast<std::size_t>(count));
  }
}

bool has_ended(pid_t child) {
  siginfo_t facts{};
  const int got = ::waitid(P_PID, static_cast<id_t>(child), &facts, WEXITED | WNOHANG | WNOWAIT);
  return got == 0 && facts.si_pid == child;
}

// Waits for the child's end, not only for the pipe's: a child can close it and live on. Or ends it
// at the limit.
ProcessEnd watch(pid_t child, int pipe, Clock::time_point give_up) {
  ProcessEnd end;
  bool open = true;
  while (!has_ended(child)) {
    end.late = Clock::now() >= give_up;
    if (end.late) break;
    if (open) {
      // Woken by words and by the child's end; the limit is looked at in between.
      pollfd ready = {pipe, POLLIN, 0};
      static_cast<void>(::poll(&ready, 1, 20));
      open = drain(pipe, end.bytes);
    } else {
      std::this_thread::sleep_for(1ms);
    }
  }
  static_cast<void>(::kill(-child, SIGKILL));
  static_cast<void>(::kill(child, SIGKILL));  // It may be too young to lead a group.
  end.status = reap(child);
  if (open) static_cast<void>(drain(pipe, end.bytes));
  return end;
}

[[noreturn]] void live_as_child(const ProcessBody& body, int out, pid_t parent) {
  static_cast<void>(::setpgid(0, 0));
  static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGKILL));
  if (::getppid() != parent) ::_exit(1);
  // A crash is a crash, not this program's report of one.
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGXFSZ, SIGPIPE}) {
    static_cast<void>(std::signal(signal, SIG_DFL));
  }
  const rlimit no_core = {0, 0};
  static_cast<void>(::setrlimit(RLIMIT_CORE, &no_core));
  body(out);
  ::_exit(0);  // Nothing of the library runs any more.
}

}  // namespace

bool write_bytes(int out, const std::string& bytes) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t count = ::write(out, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

Result<ProcessEnd> run_guarded(const ProcessBody& body, double seconds_max) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Status::world(
        text("no pipe to a child: ", std::strerror(errno), "; raise the limit on open files"));
  }
  const Descriptor from_child(ends[0]);
  Descriptor to_parent(ends[1]);
  const OrphanHeir heir;
  const std::set<pid_t> own = children();
  const pid_t parent = ::getpid();
  const auto limit =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds_max));
  const Clock::time_point give_up = Clock::now() + limit;
  const pid_t child = ::fork();
  if (child < 0) {
    return Status::world(
        text("no process: ", std::strerror(errno), "; raise the limit on processes"));
  }
  if (child == 0) {
    static_cast<void>(::close(from_child.number()));
    live_as_child(body, to_parent.number(), parent);
  }
  static_cast<void>(::setpgid(child, child));  // As the child does: whoever comes first.
  to_parent = Descriptor();
  static_cast<void>(::fcntl(from_child.number(), F_SETFL, O_NONBLOCK));
  ProcessEnd end = watch(child, from_child.number(), give_up);
  end.left_behind = end_orphans(own);
  return end;
}

}  // namespace aesweep
