#include "runner/plugin_host/probe_helper.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <vector>

#include "core/base/signal_name.hpp"
#include "core/base/text.hpp"
#include "runner/plugin_host/guarded_process.hpp"
#include "runner/plugin_host/probe_child.hpp"
#include "runner/plugin_host/probe_message.hpp"

namespace aesweep {
namespace {

using namespace std::chrono_literals;

std::string seconds_text(std::chrono::milliseconds limit) {
  return limit % 1s == 0ms ? text(limit / 1s, " s") : text(limit.count(), " ms");
}

// What the child did instead of answering.
std::string misdeed(const ProcessEnd& ending, std::chrono::milliseconds limit) {
  if (ending.late) return text("did not return within ", seconds_text(limit));
  if (WIFSIGNALED(ending.status)) return text("died of ", signal_name(WTERMSIG(ending.status)));
  return text("called exit(", WEXITSTATUS(ending.status), ")");
}

std::vector<std::string> refusal(const Status& status) {
  return {std::string(kProbeRefused), text(static_cast<int>(status.fault())), status.message()};
}

// The child's own verdict, or what its end says about the library.
std::vector<std::string> verdict(const std::string& path, const ProcessEnd& ending,
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
  const auto body = [&](int out) {
    static_cast<void>(::close(socket));
    try_library_out(path, out, options);
  };
  const Result<ProcessEnd> ending =
      run_guarded(body, std::chrono::duration<double>(options.limit).count());
  if (ending.ok()) return verdict(path, ending.value(), options.limit);
  return refusal(Status::world(text(path, ": cannot be tried out: ", ending.status().message())));
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
