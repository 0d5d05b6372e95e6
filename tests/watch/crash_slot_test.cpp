// What a crash slot says of a rank that ended, however it ended, with the crash handler of the
// program; and that nothing is made of a file which is no whole slot.
#include "runner/watch/crash_slot.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "core/abi/plugin.h"
#include "core/model/call_trace.hpp"
#include "runner/app/crash_report.hpp"
#include "runner/watch/host_threads.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/watch/child.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

class CrashSlotTest : public testing::Test {
 protected:
  [[nodiscard]] std::string crash() const { return folder_.path("crash"); }
  [[nodiscard]] std::string slot_file(int rank) const {
    return folder_.path("crash/rank-" + std::to_string(rank));
  }
  [[nodiscard]] std::vector<CrashReport> reports() const { return read_crash_slots(crash()); }

  // A rank 2 in trial 7, attempt 3, that ends as `body` does.
  ChildEnd run_rank(const std::function<void()>& body) const {
    return run_child([&] {
      Result<CrashSlot> slot = CrashSlot::create(crash(), 2);
      if (!slot.ok()) ::abort();
      report_crashes(2);
      if (!report_exits()) ::abort();
      slot->arm();
      slot->set_trial(7, 3);
      call_trace().trial = 7;
      call_trace().step = 12;
      body();
    });
  }
  // The only report, of that rank.
  [[nodiscard]] std::string what_of_rank() const {
    const std::vector<CrashReport> all = reports();
    if (all.size() != 1 || all[0].rank != 2 || all[0].trial != 7 || all[0].attempt != 3) {
      return "not the one report of rank 2 in trial 7, attempt 3";
    }
    return all[0].what;
  }
  // The bytes of a slot that a rank left behind.
  [[nodiscard]] std::string valid_bytes() const {
    run_rank([] { note_crash("something"); });
    std::ifstream in(slot_file(2), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TemporaryFolder folder_;
};

void begin_call() {
  CallTrace& trace = call_trace();
  trace.kind = AESWEEP_ACTIVATION;
  trace.library = "/plugins/swish.so";
  trace.function = "forward";
  trace.layer = "code";
  trace.component = "swish";
}

constexpr const char* kCall = "activation swish (/plugins/swish.so), forward, layer code, step 12";

// Where the compiler cannot see it.
int* volatile nowhere = nullptr;

TEST_F(CrashSlotTest, ASegmentationFaultOfAPlugin) {
  const ChildEnd end = run_rank([] {
    begin_call();
    *nowhere = 1;
  });
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(what_of_rank(), std::string("SIGSEGV in ") + kCall);
  EXPECT_EQ(end.err,
            "aesweep: rank 2: SIGSEGV in activation swish (/plugins/swish.so), forward, layer "
            "code, trial 7, step 12; the job ends\n");
}

TEST_F(CrashSlotTest, AnAbortOutsideAnyPlugin) {
  const ChildEnd end = run_rank([] { std::abort(); });
  EXPECT_EQ(end.signal, SIGABRT);
  EXPECT_EQ(what_of_rank(), "SIGABRT outside any plugin, step 12");
}

TEST_F(CrashSlotTest, AnExitOfAPlugin) {
  const ChildEnd end = run_rank([] {
    begin_call();
    std::exit(0);
  });
  EXPECT_EQ(end.status, 3);
  EXPECT_EQ(what_of_rank(), std::string("exit() was called in ") + kCall);
}

// A thread that crashes while the rank's main thread is in a call.
void crash_elsewhere(bool marked) {
  std::atomic<bool> go = false;
  std::thread other([&go] {
    go.wait(false);
    *nowhere = 1;
  });
  if (marked) mark_host_threads();
  begin_call();
  go = true;
  go.notify_one();
  other.join();
}

TEST_F(CrashSlotTest, AThreadThatAPluginStartedIsCharged) {
  const ChildEnd end = run_rank([] { crash_elsewhere(false); });
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(what_of_rank(),
            std::string("SIGSEGV in another thread, while ") + kCall + " was running");
}

TEST_F(CrashSlotTest, AThreadOfTheProgramIsNoTrialsFault) {
  const ChildEnd end = run_rank([] { crash_elsewhere(true); });
  EXPECT_EQ(end.signal, SIGSEGV);
  const std::string words = "SIGSEGV in one of the program's own threads outside any plugin";
  EXPECT_EQ(end.err, "aesweep: rank 2: " + words + "; the job ends\n");
  ASSERT_EQ(reports().size(), 1U);
  EXPECT_EQ(reports()[0].trial, -1);
  EXPECT_EQ(reports()[0].what, words);
}

// The one that marks runs the plugins: its own crashes stay the trial's.
TEST_F(CrashSlotTest, TheThreadThatMarksIsNotMarked) {
  run_rank([] {
    mark_host_threads();
    begin_call();
    *nowhere = 1;
  });
  EXPECT_EQ(what_of_rank(), std::string("SIGSEGV in ") + kCall);
}

TEST_F(CrashSlotTest, WhoeverIsKilledIsNotCharged) {
  for (const int signal : {SIGKILL, SIGTERM}) {
    const ChildEnd end = run_rank([signal] {
      begin_call();
      ::raise(signal);
    });
    EXPECT_EQ(end.signal, signal);
    EXPECT_EQ(what_of_rank(), "");
  }
}

TEST_F(CrashSlotTest, AnOrderlyEndLeavesTheTrialAlone) {
  const ChildEnd end = run_rank([] { std::exit(0); });
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(what_of_rank(), "");
}

TEST_F(CrashSlotTest, AProcessThatAPluginForksIsNotTheRank) {
  run_rank([] {
    begin_call();
    const pid_t child = ::fork();
    if (child == 0) std::abort();
    ::waitpid(child, nullptr, 0);
    call_trace().component = nullptr;
  });
  EXPECT_EQ(what_of_rank(), "");
}

TEST_F(CrashSlotTest, TheFirstNoteCountsAndLongOnesAreCut) {
  const std::string words(10'000, 'x');
  run_rank([&words] {
    note_crash(words.c_str());
    note_crash("another");
  });
  const std::string what = what_of_rank();
  EXPECT_GT(what.size(), 4000U);
  EXPECT_LT(what.size(), 4096U);
  EXPECT_EQ(what, words.substr(0, what.size()));
}

TEST_F(CrashSlotTest, NothingIsNotedWhereNoSlotIsArmed) {
  const ChildEnd end = run_child([this] {
    { CrashSlot::create(crash(), 0)->arm(); }  // No longer, once it is gone.
    note_crash("words");
  });
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(end.signal, 0);
  ASSERT_EQ(reports().size(), 1U);
  EXPECT_EQ(reports()[0].trial, -1);
  EXPECT_EQ(reports()[0].what, "");
}

TEST_F(CrashSlotTest, MakingASlotAnewForgetsTheOldOne) {
  run_rank([] { note_crash("words"); });
  const Result<CrashSlot> slot = CrashSlot::create(crash(), 2);
  ASSERT_TRUE(slot.ok());
  ASSERT_EQ(reports().size(), 1U);
  EXPECT_EQ(reports()[0].trial, -1);
  EXPECT_EQ(reports()[0].what, "");
}

TEST_F(CrashSlotTest, AFolderThatCannotBeMadeIsNamed) {
  const Result<CrashSlot> slot = CrashSlot::create(folder_.path("no/crash"), 0);
  ASSERT_FALSE(slot.ok());
  EXPECT_EQ(slot.status().fault(), Fault::kWorld);
  EXPECT_NE(slot.status().message().find(folder_.path("no/crash")), std::string::npos);
}

TEST_F(CrashSlotTest, SlotsComeInTheOrderOfRanks) {
  for (const int rank : {10, 2, 0}) {
    Result<CrashSlot> slot = CrashSlot::create(crash(), rank);
    ASSERT_TRUE(slot.ok());
    slot->set_trial(100 + rank, 1);
  }
  std::vector<std::int64_t> trials;
  for (const CrashReport& report : reports()) trials.push_back(report.trial);
  EXPECT_EQ(trials, (std::vector<std::int64_t>{100, 102, 110}));
}

TEST_F(CrashSlotTest, FilesThatAreNoWholeSlotAreLeftOut) {
  const std::string bytes = valid_bytes();
  ASSERT_EQ(bytes.size(), 4096U);
  const auto changed = [&bytes](std::size_t at, char byte) {
    std::string other = bytes;
    other[at] = byte;
    return other;
  };
  folder_.write("crash/rank-2", changed(0, 'X'));  // Of another version.
  EXPECT_TRUE(reports().empty());
  folder_.write("crash/rank-2", changed(8, 3));  // Of rank 3.
  EXPECT_TRUE(reports().empty());
  folder_.write("crash/rank-2", changed(29, 0x7f));  // Longer than there is room.
  EXPECT_TRUE(reports().empty());
  folder_.write("crash/rank-2", bytes.substr(0, 4095));
  EXPECT_TRUE(reports().empty());
  folder_.write("crash/rank-2", bytes + "x");
  EXPECT_TRUE(reports().empty());
  folder_.write("crash/rank-2", "");
  EXPECT_TRUE(reports().empty());
  for (const char* name : {"crash/rank-", "crash/rank-2x", "crash/rank--2", "crash/other"}) {
    folder_.write(name, bytes);
  }
  EXPECT_TRUE(reports().empty());
  folder_.write("crash/rank-2", changed(24, 1));  // Killed in the middle of its note.
  EXPECT_EQ(what_of_rank(), "");
  folder_.write("crash/rank-2", changed(32, '\n'));  // Goes into one-line messages.
  EXPECT_EQ(what_of_rank(), "?omething");
  folder_.write("crash/rank-2", bytes);
  EXPECT_EQ(what_of_rank(), "something");

  remove_crash_slots(crash());
  EXPECT_FALSE(fs::exists(slot_file(2)));
  EXPECT_TRUE(fs::exists(folder_.path("crash/other")));
  remove_crash_slots(folder_.path("nothing"));
  EXPECT_TRUE(read_crash_slots(folder_.path("nothing")).empty());
}

}  // namespace
}  // namespace aesweep
