// Runs a piece of a test in a child process whose world is worse: small files only, or a full disk.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

namespace aesweep {

struct ChildEnd {
  bool exited = false;  // Not killed by a signal.
  int status = -1;
  std::string output;  // What `body` returned.
};

// `body` runs in the child, after `prepare`, and returns text for the parent. Exit status 0, or 77
// when `prepare` says that this machine does not permit it. The child leaves by exit(), so that
// handlers registered by libraries run: libhdf5's is where a broken file would crash.
inline ChildEnd run_in_child(const std::function<bool()>& prepare,
                             const std::function<std::string()>& body) {
  int ends[2];
  if (::pipe(ends) != 0) return {};
  const pid_t child = ::fork();
  if (child < 0) return {};
  if (child == 0) {
    if (!prepare()) ::_exit(77);
    const std::string text = body();
    const bool sent =
        ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    std::exit(sent ? 0 : 1);
  }
  ::close(ends[1]);
  ChildEnd end;
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    end.output.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  end.exited = WIFEXITED(status);
  end.status = end.exited ? WEXITSTATUS(status) : WTERMSIG(status);
  return end;
}

// No file of this process grows beyond `bytes`.
inline bool limit_file_size(std::uint64_t bytes) {
  const rlimit limit{bytes, bytes};
  return ::signal(SIGXFSZ, SIG_IGN) != SIG_ERR && ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

// A disk of 64 KiB at the folder `at`, seen by this process alone and gone with it.
inline bool mount_small_disk(const std::string& at) {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("none", at.c_str(), "tmpfs", 0, "size=64k") == 0;
}

}  // namespace aesweep
