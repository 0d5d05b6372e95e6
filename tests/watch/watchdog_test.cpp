// The watchdog ends what stands still, with one line, and nothing else: each case in a process of
// its own. Times are as short as whole seconds allow; the cases that must live on do so with half
// of the stall to spare.
#include "runner/watch/watchdog.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "core/abi/plugin.h"
#include "core/model/call_trace.hpp"
#include "runner/watch/crash_slot.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/watch/child.hpp"

namespace aesweep {
namespace {

using namespace std::chrono_literals;

Watchdog::Options short_options() {
  Watchdog::Options options;
  options.rank = 1;
  options.host = "node2";
  options.stall = 1s;
  options.grace = 10ms;
  return options;
}

void set_trial() {
  CallTrace& trace = call_trace();
  trace.trial = 3;
  trace.epoch = 2;
  trace.step = 841;
  trace.layer = "code";
}

void begin_call() {
  CallTrace& trace = call_trace();
  trace.kind = AESWEEP_ACTIVATION;
  trace.library = "/plugins/swish.so";
  trace.function = "backward";
  trace.component = "swish";
}

// Longer than any stall here; a watchdog that does not end the process is then seen by status 0.
void stand_still() { std::this_thread::sleep_for(20s); }

TEST(Watchdog, EndsAStalledCallWithStatus3AndOneLineAndChargesIt) {
  const TemporaryFolder folder;
  const ChildEnd end = run_child([&folder] {
    Result<CrashSlot> slot = CrashSlot::create(folder.path("crash"), 1);
    slot->set_trial(3, 2);
    slot->arm();
    set_trial();
    begin_call();
    Watchdog::Options options = short_options();
    options.communication = [](Line& line) { line << "; last communication: of old"; };
    const Watchdog watchdog(options);
    stand_still();
  });
  EXPECT_EQ(end.status, 3);
  EXPECT_EQ(end.err,
            "aesweep: rank 1 on node2: no progress for 1 s: trial 3, epoch 2, step 841, in "
            "activation swish (/plugins/swish.so), backward, layer code; last communication: of "
            "old; the job ends\n");
  const std::vector<CrashReport> reports = read_crash_slots(folder.path("crash"));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].trial, 3);
  EXPECT_EQ(reports[0].attempt, 2);
  EXPECT_EQ(reports[0].what,
            "no return for 1 s from activation swish (/plugins/swish.so), backward, layer code, "
            "step 841");
}

// A rank that waits for others is no plugin's fault.
TEST(Watchdog, ChargesNobodyForAStallOutsideAnyCall) {
  const TemporaryFolder folder;
  const ChildEnd end = run_child([&folder] {
    Result<CrashSlot> slot = CrashSlot::create(folder.path("crash"), 1);
    slot->set_trial(3, 1);
    slot->arm();
    set_trial();
    const Watchdog watchdog(short_options());
    stand_still();
  });
  EXPECT_EQ(end.status, 3);
  EXPECT_EQ(end.err,
            "aesweep: rank 1 on node2: no progress for 1 s: trial 3, epoch 2, step 841, layer "
            "code; the job ends\n");
  const std::vector<CrashReport> reports = read_crash_slots(folder.path("crash"));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].what, "");
}

TEST(Watchdog, SaysNothingOfATrialWhereNoneRuns) {
  const ChildEnd end = run_child([] {
    const Watchdog watchdog(short_options());
    stand_still();
  });
  EXPECT_EQ(end.status, 3);
  EXPECT_EQ(end.err, "aesweep: rank 1 on node2: no progress for 1 s; the job ends\n");
}

TEST(Watchdog, TicksAndCallsKeepARankAlive) {
  const ChildEnd end = run_child([] {
    Watchdog watchdog(short_options());
    for (int i = 0; i < 300; ++i) {
      std::this_thread::sleep_for(5ms);
      if (i % 2 == 0) {
        watchdog.tick();
      } else {
        call_trace().moved();
      }
    }
  });
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(end.err, "");
}

// Stopped for longer than the stall, and standing still when continued: that time does not count.
TEST(Watchdog, TimeInWhichTheProcessWasStoppedDoesNotCount) {
  std::array<int, 2> go{};
  ASSERT_EQ(::pipe(go.data()), 0);
  const ChildEnd end = run_child(
      [&go] {
        const Watchdog watchdog(short_options());
        char byte = 0;
        if (::read(go[0], &byte, 1) != 1) ::abort();
      },
      [&go](pid_t child) {
        std::this_thread::sleep_for(150ms);
        ::kill(child, SIGSTOP);
        std::this_thread::sleep_for(1500ms);
        ::kill(child, SIGCONT);
        std::this_thread::sleep_for(150ms);
        EXPECT_EQ(::write(go[1], "", 1), 1);
      });
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(end.signal, 0);
  EXPECT_EQ(end.err, "");
  ::close(go[0]);
  ::close(go[1]);
}

TEST(Watchdog, AStallOfZeroMeansNever) {
  const ChildEnd end = run_child([] {
    Watchdog::Options options = short_options();
    options.stall = 0ms;
    const Watchdog watchdog(options);
    std::this_thread::sleep_for(1200ms);
  });
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(end.err, "");
}

std::atomic<int> signals_seen = 0;

// The handlers of a rank must run on the thread that trains: here it blocks the signal, so that
// only the watchdog's thread could take it.
TEST(Watchdog, TakesNoSignals) {
  const ChildEnd end = run_child([] {
    ::signal(SIGUSR1, [](int) { ++signals_seen; });
    const Watchdog watchdog(short_options());
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    ::kill(::getpid(), SIGUSR1);
    std::this_thread::sleep_for(100ms);
    if (signals_seen != 0) ::abort();
    ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
    if (signals_seen != 1) ::abort();
  });
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(end.signal, 0);
}

}  // namespace
}  // namespace aesweep
