#include "tests/watch/child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "core/base/check.hpp"
#include "runner/watch/end_process.hpp"

namespace aesweep {

ChildEnd run_child(const std::function<void()>& body,
                   const std::function<void(pid_t child)>& meanwhile) {
  std::array<int, 2> ends{};
  AESWEEP_CHECK(::pipe(ends.data()) == 0, "cannot make a pipe");
  const pid_t child = ::fork();
  AESWEEP_CHECK(child >= 0, "cannot start a process");
  if (child == 0) {
    ::close(ends[0]);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    body();
    end_process(0);
  }
  ::close(ends[1]);
  if (meanwhile) meanwhile(child);
  ChildEnd end;
  std::array<char, 4096> piece;
  for (ssize_t count = 0; (count = ::read(ends[0], piece.data(), piece.size())) > 0;) {
    end.err.append(piece.data(), static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  AESWEEP_CHECK(::waitpid(child, &status, 0) == child, "lost a process");
  end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return end;
}

}  // namespace aesweep
