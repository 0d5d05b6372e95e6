#include "runner/plugin_host/probe_helper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "core/base/signal_name.hpp"
#include "core/base/text.hpp"
#include "runner/plugin_host/probe_child.hpp"
#include "runner/plugin_host/probe_message.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// How a child ended.
struct Ending {
  bool late = false;  // It was ended at the time limit.
  int status = 0;     // As waitpid gives it.
  std::string bytes;  // What it wrote.
};

// Reads what is there. False: nothing more can come.
bool drain(int pipe, std::string& bytes) {
  char piece[4096];
  for (;;) {
    const ssize_t count = ::read(pipe, piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0 || bytes.size() > 16 * kProbeBytesMax) return false;
    bytes.append(piece, static_cast<std::size_t>(count));
  }
}

bool has_ended(pid_t child) {
  siginfo_t facts{};
  const int got = ::waitid(P_PID, static_cast<id_t>(child), &facts, WEXITED | WNOHANG | WNOWAIT);
  return got == 0 && facts.si_pid == child;
}

// Waits for the child's end or ends it at the limit, with all that it started.
Ending watch(pid_t child, int pipe, std::chrono::milliseconds limit) {
  const Clock::time_point give_up = Clock::now() + limit;
  Ending ending;
  bool open = true;
  while (!has_ended(child)) {
    ending.late = Clock::now() >= give_up;
    if (ending.late) break;
    if (open) {
      // Woken by words and by the child's end; the limit is looked at in between.
      pollfd ready = {pipe, POLLIN, 0};
      static_cast<void>(::poll(&ready, 1, 20));
      open = drain(pipe, ending.bytes);
    } else {
      std::this_thread::sleep_for(1ms);
    }
  }
  static_cast<void>(::kill(-child, SIGKILL));
  static_cast<void>(::kill(child, SIGKILL));  // It may be too young to lead a group.
  while (::waitpid(child, &ending.status, 0) < 0 && errno == EINTR) {
  }
  if (open) static_cast<void>(drain(pipe, ending.bytes));
  return ending;
}

std::string seconds_text(std::chrono::milliseconds limit) {
  return limit % 1s == 0ms ? text(limit / 1s, " s") : text(limit.count(), " ms");
}

// What the child did instead of answering.
std::string misdeed(const Ending& ending, std::chrono::milliseconds limit) {
  if (ending.late) return text("did not return within ", seconds_text(limit));
  if (WIFSIGNALED(ending.status)) return text("died of ", signal_name(WTERMSIG(ending.status)));
  return text("called exit(", WEXITSTATUS(ending.status), ")");
}

std::vector<std::string> refusal(const Status& status) {
  return {std::string(kProbeRefused), text(static_cast<int>(status.fault())), status.message()};
}

// The child's own verdict, or what its end says about the library.
std::vector<std::string> verdict(const std::string& path, const Ending& ending,
                                 std::chrono::milliseconds limit) {
  const std::vector<std::string> words = split_words(ending.bytes);
  std::string at_work = "this program";  // Until the library's code runs.
  for (std::size_t i = 0; i + 1 < words.size();) {
    if (words[i] != kProbeStage) {
      if (i + 3 > words.size()) break;
      return {words[i], words[i + 1], words[i + 2]};
    }
    at_work = words[i + 1];
    i += 2;
  }
  return refusal(Status::world(text(path, ": ", at_work, " ", misdeed(ending, limit),
                                    " when the library was tried out before the start; `aesweep "
                                    "plugin check` shows more")));
}

std::vector<std::string> try_out(const std::string& path, int socket, const ProbeOptions& options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return refusal(Status::world(text(path, ": cannot be tried out: ", std::strerror(errno))));
  }
  const Descriptor from_child(ends[0]);
  Descriptor to_helper(ends[1]);
  const pid_t helper = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    return refusal(Status::world(text(path, ": cannot be tried out: ", std::strerror(errno),
                                      "; raise the limit on processes")));
  }
  if (child == 0) {
    static_cast<void>(::close(socket));
    static_cast<void>(::close(from_child.number()));
    try_library_out(path, to_helper.number(), helper, options);
  }
  static_cast<void>(::setpgid(child, child));  // As the child does: whoever comes first.
  to_helper = Descriptor();
  static_cast<void>(::fcntl(from_child.number(), F_SETFL, O_NONBLOCK));
  return verdict(path, watch(child, from_child.number(), options.limit), options.limit);
}

// Nothing that a library prints may get into the program's output, and no pipe of the launcher may
// be held open.
void leave_terminal() {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    static_cast<void>(::dup2(nothing, number));
  }
}

}  // namespace

void serve_probes(int socket, pid_t parent, const ProbeOptions& options) {
  static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGKILL));
  static_cast<void>(::prctl(PR_SET_NAME, "aesweep-probe"));
  if (::getppid() != parent) ::_exit(0);  // It was gone before the line above.
  leave_terminal();
  std::string path(kProbeBytesMax, '\0');
  for (;;) {
    const ssize_t count = ::recv(socket, path.data(), path.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) ::_exit(0);
    const std::string answer =
        join_words(try_out(path.substr(0, static_cast<std::size_t>(count)), socket, options));
    if (::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) ::_exit(0);
  }
}

}  // namespace aesweep
