// What `run --supervise` makes of the ways in which jobs end, with a launcher of the test's own: a
// script that notes how it was called, puts a journal into the run folder and ends as the case
// says. supervised_run_test has real jobs.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "runner/app/supervise_command.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/journal/records.hpp"
#include "runner/watch/crash_slot.hpp"
#include "runner/watch/end_process.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/watch/child.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr SuperviseTimes kShort = {.pause_min = 1ms, .pause_max = 2ms, .kill_after = 200ms};

class Supervise : public testing::Test {
 protected:
  Supervise() {
    options_.run.folder = folder_.path("run");
    options_.arguments = {"run", "an experiment.yaml", "-o", folder_.path("run")};
    options_.ranks = 3;
    fs::create_directory(folder_.path("run"));
    fs::create_directory(folder_.path("journals"));
  }

  // Runs `words` of the shell at each start; $start counts from 1. If there is a journals/$start it
  // becomes the run's before.
  void launcher(const std::string& words) {
    const std::string script = folder_.write("launcher", "#!/bin/bash\ncd " + folder_.path() +
                                                             "\necho \"$*\" >> calls\n"
                                                             "start=$(wc -l < calls)\n"
                                                             "if test -e journals/$start; then\n"
                                                             "  cp journals/$start run/journal\n"
                                                             "fi\n" +
                                                             words + "\n");
    ASSERT_EQ(::chmod(script.c_str(), 0755), 0);
    options_.launcher = script;
  }
  // The run's journal from this start on.
  void journal(int start, const std::vector<Record>& records) {
    Result<JournalFile> file = JournalFile::create(folder_.path(text("journals/", start)));
    ASSERT_TRUE(file.ok()) << file.status().message();
    for (const Record& record : records) ASSERT_TRUE(file->append(encode(record)).ok());
  }

  ChildEnd run(const std::function<void(pid_t)>& meanwhile = {}) {
    return run_child([this] { end_process(run_supervised(options_, kShort)); }, meanwhile);
  }

  // How the launcher was called, without what all calls have in common.
  [[nodiscard]] std::vector<std::string> calls() const {
    const std::string program = fs::read_symlink("/proc/self/exe");
    const std::string common =
        text("-n 3 ", program, " run an experiment.yaml -o ", folder_.path("run"), " ");
    std::vector<std::string> all;
    std::ifstream in(folder_.path("calls"));
    for (std::string line; std::getline(in, line);) {
      all.push_back(line.starts_with(common) ? line.substr(common.size()) : "other: " + line);
    }
    return all;
  }
  void wait_for_call() const {
    while (!fs::exists(folder_.path("started"))) std::this_thread::sleep_for(1ms);
  }

  TemporaryFolder folder_;
  SuperviseOptions options_;
};

using Calls = std::vector<std::string>;

JobStarted job_started() { return {}; }
JobEnded job_ended(int status) { return {.utc = {}, .status = status, .seconds = 0.0, .why = {}}; }

TEST_F(Supervise, FinalStatusesAreHandedOn) {
  for (const int status : {0, 1, 2, 75}) {
    SCOPED_TRACE(status);
    fs::remove(folder_.path("calls"));
    launcher(text("exit ", status));
    journal(1, {job_started(), job_ended(status)});
    const ChildEnd end = run();
    EXPECT_EQ(end.status, status);
    EXPECT_EQ(end.err, "");
    EXPECT_EQ(calls(), (Calls{"--supervised"}));
    fs::remove(folder_.path("journals/1"));
  }
}

TEST_F(Supervise, BadInputAndAnEarlyStopAreFinalWithoutAJournal) {
  for (const int status : {2, 75}) {
    SCOPED_TRACE(status);
    fs::remove(folder_.path("calls"));
    launcher(text("exit ", status));
    EXPECT_EQ(run().status, status);
    EXPECT_EQ(calls(), (Calls{"--supervised"}));
  }
}

// A finished run that is started once more writes nothing.
TEST_F(Supervise, AFinishedRunIsFinalWithoutNews) {
  for (const int status : {0, 1}) {
    SCOPED_TRACE(status);
    fs::remove(folder_.path("calls"));
    launcher(text("exit ", status));
    journal(1, {job_started(), job_ended(status)});
    fs::rename(folder_.path("journals/1"), folder_.path("run/journal"));
    EXPECT_EQ(run().status, status);
    EXPECT_EQ(calls(), (Calls{"--supervised"}));
  }
}

// mpirun's own status for "not enough slots" is that of a finished run with a failed trial.
TEST_F(Supervise, ALauncherThatDoesNotStartTheJobIsTriedAgainAndNamed) {
  for (const bool resumed : {false, true}) {
    SCOPED_TRACE(resumed);
    fs::remove(folder_.path("calls"));
    if (resumed) {
      journal(1, {job_started(), TrialBegun{}});
      fs::rename(folder_.path("journals/1"), folder_.path("run/journal"));
    }
    launcher("exit 1");
    const ChildEnd end = run();
    EXPECT_EQ(end.status, 3);
    EXPECT_EQ(calls().size(), 11U);
    EXPECT_EQ(calls().back(), "--resume=auto --supervised");
    EXPECT_NE(end.err.find(text("the launcher (", options_.launcher,
                                " -n 3) ended with status 1 before the job began; 10 restarts in "
                                "a row brought nothing")),
              std::string::npos)
        << end.err;
  }
}

// As a starter that ignores SIGCHLD leaves it.
TEST_F(Supervise, AnIgnoredSigchldDoesNotHideTheEnd) {
  launcher("exit 2");
  const ChildEnd end = run_child([this] {
    ::alarm(20);
    ::signal(SIGCHLD, SIG_IGN);
    end_process(run_supervised(options_, kShort));
  });
  EXPECT_EQ(end.signal, 0);
  EXPECT_EQ(end.status, 2);
}

// A plugin can end a rank, past all handlers, with any status: the journal knows better.
TEST_F(Supervise, AJobThatDidNotEndInOrderIsStartedAgainWhateverItsStatus) {
  launcher("exit 0");
  journal(1, {job_started(), TrialBegun{}});
  journal(2, {job_started(), TrialBegun{}, job_started(), JobEnded{}});
  const ChildEnd end = run();
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(calls(), (Calls{"--supervised", "--resume=auto --supervised --search-crash"}));
  EXPECT_EQ(end.err,
            "aesweep: the job ended with status 0; in which trial is not known: those that ran go "
            "one at a time; restart 1\n");
}

// A crash that nobody names is looked for; being killed is nobody's fault, nor is the disk.
TEST_F(Supervise, OnlyCrashesAreLookedFor) {
  for (const int status : {128 + SIGSEGV, 128 + SIGABRT, 128 + SIGSYS, 128 + SIGFPE, 9, 4}) {
    SCOPED_TRACE(status);
    fs::remove(folder_.path("calls"));
    launcher(text("test $start = 2 && exit 2; exit ", status));
    EXPECT_EQ(run().status, 2);
    EXPECT_EQ(calls(), (Calls{"--supervised", "--resume=auto --supervised --search-crash"}));
  }
  for (const char* ending :
       {"exit 137", "exit 143", "exit 130", "exit 3", "kill -KILL $$", "kill -SEGV $$"}) {
    SCOPED_TRACE(ending);
    fs::remove(folder_.path("calls"));
    launcher(text("test $start = 2 && exit 2; ", ending));
    EXPECT_EQ(run().status, 2);
    EXPECT_EQ(calls(), (Calls{"--supervised", "--resume=auto --supervised"}));
  }
}

TEST_F(Supervise, ACrashThatASlotNamesIsSaidAndNotLookedFor) {
  run_child([this] {
    Result<CrashSlot> slot = CrashSlot::create(folder_.path("run/crash"), 1);
    slot->set_trial(4, 1);
    slot->arm();
    note_crash("SIGSEGV in activation swish (/swish.so), forward, layer code, step 6");
    AESWEEP_CHECK(CrashSlot::create(folder_.path("run/crash"), 0).ok(), "no slot");
  });
  launcher("test $start = 2 && exit 2; exit 139");
  const ChildEnd end = run();
  EXPECT_EQ(end.status, 2);
  EXPECT_EQ(calls(), (Calls{"--supervised", "--resume=auto --supervised"}));
  EXPECT_EQ(end.err,
            "aesweep: the job ended with status 139, SIGSEGV; rank 1, trial 4: SIGSEGV in "
            "activation swish (/swish.so), forward, layer code, step 6; restart 1\n");
}

// Slots of another job, which works on the folder, are none of ours.
TEST_F(Supervise, SlotsGoWithTheJobThatEndedInOrder) {
  const auto make_slot = [this] {
    ASSERT_TRUE(CrashSlot::create(folder_.path("run/crash"), 0).ok());
  };
  make_slot();
  launcher("exit 2");
  EXPECT_EQ(run().status, 2);
  EXPECT_TRUE(fs::exists(folder_.path("run/crash/rank-0")));
  launcher("exit 0");
  fs::remove(folder_.path("calls"));
  journal(1, {job_started(), JobEnded{}});
  EXPECT_EQ(run().status, 0);
  EXPECT_FALSE(fs::exists(folder_.path("run/crash")));
}

// What was asked for holds until a job has begun with it; begun runs are resumed.
TEST_F(Supervise, TheStartThatWasAskedForIsForTheFirstJob) {
  struct Case {
    StartMode start;
    bool rerun_failed;
    Calls calls;
  };
  const std::string then = "--resume=auto --supervised";
  const std::vector<Case> table = {
      {StartMode::kNew, false, {"--supervised", then, then}},
      {StartMode::kResume, false, {"--resume --supervised", then, then}},
      {StartMode::kAuto, false, {then, then, then}},
      {StartMode::kExtend, false, {"--extend --supervised", "--extend --supervised", then}},
      {StartMode::kResume,
       true,
       {"--resume --rerun failed --supervised", "--resume --rerun failed --supervised", then}},
  };
  launcher("test $start = 3 && exit 0; exit 137");
  journal(1, {job_started()});
  journal(2, {job_started(), job_started(), TrialBegun{}});
  journal(3, {job_started(), job_started(), TrialBegun{}, job_started(), JobEnded{}});
  for (const Case& one : table) {
    fs::remove(folder_.path("calls"));
    fs::remove(folder_.path("run/journal"));
    options_.run.start = one.start;
    options_.run.rerun_failed = one.rerun_failed;
    EXPECT_EQ(run().status, 0);
    EXPECT_EQ(calls(), one.calls);
  }
}

TEST_F(Supervise, TenRestartsThatBringNothingEndTheRunResumable) {
  launcher("exit 137");
  const ChildEnd end = run();
  EXPECT_EQ(end.status, 3);
  EXPECT_EQ(calls().size(), 11U);
  EXPECT_NE(end.err.find("10 restarts in a row brought nothing; the run can be resumed with "
                         "--resume=auto\n"),
            std::string::npos)
      << end.err;
}

TEST_F(Supervise, RestartsThatBringATrialOrACheckpointDoNotCount) {
  launcher("exit 137");
  std::vector<Record> records = {job_started()};
  for (int start = 1; start <= 5; ++start) {
    if (start % 2 == 0) {
      records.emplace_back(TrialFinished{});
    } else {
      records.emplace_back(CheckpointWritten{});
    }
    journal(start, records);
  }
  EXPECT_EQ(run().status, 3);
  EXPECT_EQ(calls().size(), 5U + 10U);
}

TEST_F(Supervise, ALauncherThatCannotBeStartedIsNotTriedAgain) {
  options_.launcher = folder_.path("nothing") + " --of this";
  const ChildEnd end = run();
  EXPECT_EQ(end.status, 3);
  EXPECT_EQ(end.err, "aesweep: " + folder_.path("nothing") +
                         ": cannot be started: No such file or directory; see --launcher\n");
}

TEST_F(Supervise, AnExperimentThatIsNotThereIsBadInput) {
  options_.run.folder.clear();
  options_.run.experiment.path = folder_.path("no.yaml");
  launcher("exit 0");
  const ChildEnd end = run();
  EXPECT_EQ(end.status, 2);
  EXPECT_NE(end.err.find("no.yaml"), std::string::npos);
  EXPECT_EQ(calls(), Calls{});
}

// Sleeps in a way that lets traps run, and not for ever where a case fails.
constexpr const char* kWork = "touch started; for i in {1..1500}; do sleep 0.02; done";

TEST_F(Supervise, SignalsAskTheJobForAnEndInOrder) {
  journal(1, {job_started()});  // Not ended: and yet it is not started again.
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) {
    SCOPED_TRACE(signal);
    fs::remove(folder_.path("calls"));
    fs::remove(folder_.path("run/journal"));
    fs::remove(folder_.path("started"));
    launcher(text("trap 'exit 75' USR1; ", kWork));
    const ChildEnd end = run([&](pid_t supervisor) {
      wait_for_call();
      ::kill(supervisor, signal);
    });
    EXPECT_EQ(end.status, 75);
    EXPECT_EQ(end.err,
              "aesweep: the job ended with status 75; the run can be resumed with "
              "--resume=auto\n");
    EXPECT_EQ(calls(), (Calls{"--supervised"}));
  }
}

// A launcher would drop SIGUSR1 before it has ranks; and there is nothing to be saved.
TEST_F(Supervise, AJobThatHasNotBegunIsEndedAtOnce) {
  launcher(text("trap 'exit 9' USR1; ", kWork));
  const ChildEnd end = run([&](pid_t supervisor) {
    wait_for_call();
    ::kill(supervisor, SIGTERM);
  });
  EXPECT_EQ(end.status, 75);
  EXPECT_EQ(end.err,
            "aesweep: the launcher was ended by SIGTERM; the run can be resumed with "
            "--resume=auto\n");
}

TEST_F(Supervise, ASecondSignalKillsALauncherThatGoesOn) {
  launcher(text("trap 'touch asked' USR1; trap '' TERM; ", kWork));
  journal(1, {job_started()});
  const ChildEnd end = run([&](pid_t supervisor) {
    wait_for_call();
    ::kill(supervisor, SIGINT);
    while (!fs::exists(folder_.path("asked"))) std::this_thread::sleep_for(1ms);
    ::kill(supervisor, SIGINT);
  });
  EXPECT_EQ(end.status, 128 + SIGINT);
}

// Comes back only when the launcher, which holds stderr, has ended.
TEST_F(Supervise, TheLauncherEndsWithItsSupervisor) {
  launcher(kWork);
  const ChildEnd end = run([&](pid_t supervisor) {
    wait_for_call();
    ::kill(supervisor, SIGKILL);
  });
  EXPECT_EQ(end.signal, SIGKILL);
}

}  // namespace
}  // namespace aesweep
