// A rank does not outlive its launcher, but does outlive the launcher's thread that forked it. The
// test is the launcher's launcher: it reads from a pipe that the rank holds until its end.
#include "runner/watch/parent_death.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "core/base/check.hpp"
#include "runner/watch/end_process.hpp"
#include "runner/watch/watchdog.hpp"

namespace aesweep {
namespace {

using namespace std::chrono_literals;

constexpr int kPatienceMs = 20'000;

class Pipe {
 public:
  Pipe() { AESWEEP_CHECK(::pipe(ends_.data()) == 0, "cannot make a pipe"); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends_[0]);
    close_writer();
  }
  void write(char byte) const { AESWEEP_CHECK(::write(ends_[1], &byte, 1) == 1, "cannot write"); }
  // 0: the other end is gone; -1: neither came in time.
  [[nodiscard]] char read() const {
    pollfd ready = {ends_[0], POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMs) != 1) return -1;
    char byte = 0;
    return ::read(ends_[0], &byte, 1) == 1 ? byte : '\0';
  }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{};
};

void block_all_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

// Forks a launcher that runs `launch`, in which it forks a rank, and then waits to be killed.
pid_t start_launcher(const std::function<void()>& launch) {
  const pid_t launcher = ::fork();
  AESWEEP_CHECK(launcher >= 0, "cannot start a process");
  if (launcher != 0) return launcher;
  launch();
  for (;;) ::pause();
}

void start_rank(const std::function<void()>& rank) {
  const pid_t child = ::fork();
  AESWEEP_CHECK(child >= 0, "cannot start a process");
  if (child != 0) return;
  ::alarm(2 * kPatienceMs / 1000);  // Where the test fails nothing is left behind either.
  rank();
  for (;;) std::this_thread::sleep_for(1s);
}

void kill_and_reap(pid_t process) {
  ASSERT_EQ(::kill(process, SIGKILL), 0);
  ASSERT_EQ(::waitpid(process, nullptr, 0), process);
}

TEST(ParentDeath, ARankDiesWithItsLauncherEvenIfItInheritedBlockedSignals) {
  Pipe from_rank;
  const pid_t launcher = start_launcher([&from_rank] {
    block_all_signals();
    start_rank([&from_rank] {
      if (parent_is_gone()) end_process(1);
      die_with_parent();
      if (parent_is_gone()) end_process(1);
      from_rank.write('r');
    });
    from_rank.close_writer();
  });
  from_rank.close_writer();
  EXPECT_EQ(from_rank.read(), 'r');
  kill_and_reap(launcher);
  EXPECT_EQ(from_rank.read(), '\0') << "the rank is still there";
}

TEST(ParentDeath, ARankOutlivesTheThreadThatForkedIt) {
  Pipe from_rank;
  Pipe to_thread;
  Pipe to_rank;
  const pid_t launcher = start_launcher([&] {
    std::thread([&] {
      start_rank([&] {
        die_with_parent();
        from_rank.write('r');
        while (to_rank.read() != 'p') {
        }
        from_rank.write('a');
      });
      static_cast<void>(to_thread.read());
    }).join();
    from_rank.close_writer();
    // The signal that the end of the thread brought is there before anything that follows.
    to_rank.write('p');
  });
  from_rank.close_writer();
  EXPECT_EQ(from_rank.read(), 'r');
  to_thread.write('e');
  EXPECT_EQ(from_rank.read(), 'a') << "the rank died with the thread";
  kill_and_reap(launcher);
  EXPECT_EQ(from_rank.read(), '\0') << "the rank is still there";
}

// Should the signal be lost, for example because a plugin blocks it, the watchdog looks.
TEST(ParentDeath, TheWatchdogLooksToo) {
  Pipe from_rank;
  const pid_t launcher = start_launcher([&from_rank] {
    start_rank([&from_rank] {
      die_with_parent();
      block_all_signals();
      Watchdog::Options options;
      options.stall = 0ms;
      const Watchdog watchdog(options);
      from_rank.write('r');
      for (;;) std::this_thread::sleep_for(1s);
    });
    from_rank.close_writer();
  });
  from_rank.close_writer();
  EXPECT_EQ(from_rank.read(), 'r');
  kill_and_reap(launcher);
  EXPECT_EQ(from_rank.read(), '\0') << "the rank is still there";
}

// A process that a plugin forks has another parent, and is not the rank.
TEST(ParentDeath, AProcessThatTheRankForksMayLiveOn) {
  Pipe from_rank;
  const pid_t launcher = start_launcher([&from_rank] {
    start_rank([&from_rank] {
      die_with_parent();
      const pid_t child = ::fork();
      if (child == 0) {
        from_rank.write(parent_is_gone() ? 'g' : 'k');
        end_process(0);
      }
      ::waitpid(child, nullptr, 0);
    });
    from_rank.close_writer();
  });
  from_rank.close_writer();
  EXPECT_EQ(from_rank.read(), 'k');
  kill_and_reap(launcher);
  EXPECT_EQ(from_rank.read(), '\0');
}

}  // namespace
}  // namespace aesweep
