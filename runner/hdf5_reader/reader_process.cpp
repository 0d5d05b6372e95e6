#include "runner/hdf5_reader/reader_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/signal_name.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::string_view kMark = "AESWEEP_HDF5_READER=1";  // A reader starts no other.

// A launcher's variables would make the reader a rank; a driver or a plugin of HDF5's would be code
// that the file or the environment chooses. Threads are of no use to it.
std::vector<std::string> reader_environment() {
  constexpr std::array<std::string_view, 9> kDropped = {
      "OMPI_",           "PMIX_",       "PMI_",
      "PRTE_",           "HDF5_PLUGIN", "HDF5_DRIVER",
      "OMP_NUM_THREADS", "OPENBLAS_",   "HDF5_USE_FILE_LOCKING"};
  // Where file systems have no locks, reading goes without.
  std::vector<std::string> kept = {std::string(kMark), "OMP_NUM_THREADS=1",
                                   "OPENBLAS_NUM_THREADS=1", "HDF5_USE_FILE_LOCKING=BEST_EFFORT"};
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view variable = *at;
    const bool dropped = std::any_of(kDropped.begin(), kDropped.end(), [&](std::string_view start) {
      return variable.starts_with(start);
    });
    if (!dropped) kept.emplace_back(variable);
  }
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& one : texts) list.push_back(one.data());
  list.push_back(nullptr);
  return list;
}

class SpawnSettings {
 public:
  SpawnSettings() {
    ok_ = ::posix_spawn_file_actions_init(&actions_) == 0 &&
          ::posix_spawnattr_init(&attributes_) == 0;
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    static_cast<void>(::posix_spawn_file_actions_destroy(&actions_));
    static_cast<void>(::posix_spawnattr_destroy(&attributes_));
  }

  // The socket becomes stdin and stdout; words of the C library about damaged memory go nowhere.
  [[nodiscard]] bool prepare(int socket) {
    sigset_t none;
    sigset_t all;
    return ok_ && ::sigemptyset(&none) == 0 && ::sigfillset(&all) == 0 &&
           ::posix_spawnattr_setsigmask(&attributes_, &none) == 0 &&
           ::posix_spawnattr_setsigdefault(&attributes_, &all) == 0 &&
           ::posix_spawnattr_setflags(&attributes_,
                                      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0 &&
           ::posix_spawn_file_actions_adddup2(&actions_, socket, STDIN_FILENO) == 0 &&
           ::posix_spawn_file_actions_adddup2(&actions_, socket, STDOUT_FILENO) == 0 &&
           ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0) ==
               0;
  }
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  bool ok_ = false;
};

Status no_process(int error) {
  return Status::world(text("cannot start the reader of HDF5: ", std::strerror(error),
                            "; raise the limits on processes and open files"));
}

Status died_of(int signal) {
  const char* name = signal_name(signal);
  switch (signal) {
    case SIGXCPU:
      return Status::input(text("the reader of HDF5 took too much processor time (", name,
                                "): the file is damaged or hostile, or its chunks are unlike the "
                                "order of its elements; write the array anew, in chunks of rows"));
    case SIGKILL:
    case SIGTERM:
    case SIGINT:
    case SIGHUP:
      return Status::world(text("the reader of HDF5 was ended by ", name,
                                " from outside; look whether memory was short, and start again"));
    default:
      return Status::input(text("the reader of HDF5 was ended by ", name,
                                ": the file is damaged or hostile; write the array anew"));
  }
}

}  // namespace

Result<std::unique_ptr<ReaderProcess>> ReaderProcess::start(const ReaderProgram& program,
                                                            const std::string& path,
                                                            const std::string& dataset) {
  if (std::getenv(std::string(kMark.substr(0, kMark.find('='))).c_str()) != nullptr) {
    return Status::world("a reader of HDF5 was asked to start another; this program has no " +
                         std::string(kReaderCommand));
  }
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return no_process(errno);
  }
  std::vector<std::string> arguments = {"aesweep", kReaderCommand, path, dataset};
  std::vector<std::string> environment = reader_environment();
  SpawnSettings settings;
  pid_t process = -1;
  const int error =
      settings.prepare(ends[1])
          ? ::posix_spawn(&process, program.path.c_str(), settings.actions(), settings.attributes(),
                          pointers(arguments).data(), pointers(environment).data())
          : ENOMEM;
  static_cast<void>(::close(ends[1]));
  if (error != 0) {
    static_cast<void>(::close(ends[0]));
    return no_process(error);
  }
  return std::unique_ptr<ReaderProcess>(new ReaderProcess(process, ends[0], program.patience));
}

ReaderProcess::~ReaderProcess() {
  kill_and_reap();
  static_cast<void>(::close(socket_));
}

void ReaderProcess::kill_and_reap() {
  if (process_ < 0) return;
  static_cast<void>(::kill(process_, SIGKILL));
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
}

Status ReaderProcess::end_late() {
  kill_and_reap();
  return Status::input(
      text("the reader of HDF5 did not answer within ",
           std::chrono::duration_cast<std::chrono::duration<double>>(patience_).count(),
           " s and was ended: the file is damaged or hostile, or its disk does not answer"));
}

Status ReaderProcess::explain_end() {
  int status = 0;
  pid_t got = 0;
  for (const Clock::time_point give_up = Clock::now() + 500ms; process_ >= 0;) {
    got = ::waitpid(process_, &status, WNOHANG);
    if (got != 0 && !(got < 0 && errno == EINTR)) break;
    if (Clock::now() >= give_up) break;  // It has closed its end and lives on.
    std::this_thread::sleep_for(1ms);
  }
  if (got != process_ || process_ < 0) {
    kill_and_reap();
    return Status::input("the reader of HDF5 broke off: the file is damaged or hostile");
  }
  process_ = -1;
  if (WIFSIGNALED(status)) return died_of(WTERMSIG(status));
  return Status::world(text("the reader of HDF5 ended with status ", WEXITSTATUS(status),
                            " in the middle of an answer; start again"));
}

Status ReaderProcess::write(std::span<const std::byte> bytes) {
  const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return count == static_cast<ssize_t>(bytes.size()) ? Status() : explain_end();
}

Status ReaderProcess::read(std::span<std::byte> out) {
  const Clock::time_point give_up = Clock::now() + patience_;
  while (!out.empty()) {
    const ssize_t count = ::recv(socket_, out.data(), out.size(), MSG_DONTWAIT);
    if (count > 0) {
      out = out.subspan(static_cast<std::size_t>(count));
      continue;
    }
    const bool waiting = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (!waiting) return explain_end();  // Closed, or reset by its death.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - Clock::now());
    if (left <= 0ms) return end_late();
    pollfd ready = {socket_, POLLIN, 0};
    static_cast<void>(::poll(&ready, 1, static_cast<int>(std::min<long>(left.count(), 60'000))));
  }
  return {};
}

}  // namespace aesweep
