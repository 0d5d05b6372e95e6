#include "runner/app/supervise_command.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/signal_name.hpp"
#include "core/base/text.hpp"
#include "runner/app/load_experiment.hpp"
#include "runner/config/experiment.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/journal/records.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/watch/crash_slot.hpp"
#include "runner/watch/end_process.hpp"

namespace aesweep {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int kResumable = 75;
constexpr int kFault = static_cast<int>(Fault::kWorld);
constexpr int kCannotStart = 127;  // Of a child that could not become the launcher.
constexpr int kOfSignal = 128;     // A launcher adds the number of the signal that ended a rank.
constexpr int kRestartsMax = 10;   // In a row, without progress.

constexpr std::array kStops = {SIGUSR1, SIGTERM, SIGINT};
constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};

template <std::size_t N>
bool is_one_of(const std::array<int, N>& signals, int signal) {
  return std::find(signals.begin(), signals.end(), signal) != signals.end();
}

void say(const std::string& message) { std::fputs(("aesweep: " + message + "\n").c_str(), stderr); }

// The signals that a supervisor waits for. They stay blocked: it is about to end when this does.
class SignalInbox {
 public:
  SignalInbox() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGCHLD);
    for (const int signal : kStops) ::sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
    // Whoever ignores it, as some starters do and hand down, never learns how a child ended.
    static_cast<void>(::signal(SIGCHLD, SIG_DFL));
  }
  [[nodiscard]] const sigset_t& before() const { return before_; }
  // 0: none came in this time.
  [[nodiscard]] int next(milliseconds time) const {
    const timespec limit{time / 1s, static_cast<long>((time % 1s) / 1ns)};
    const int signal = ::sigtimedwait(&set_, nullptr, &limit);
    return signal < 0 ? 0 : signal;  // Interrupted: the caller looks again.
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

// How a job's launcher ended.
struct JobEnd {
  int status = 0;  // Exit status.
  int signal = 0;  // That ended the launcher itself; 0: none.
};

// What a job has written into the journal.
struct JobNews {
  std::size_t records = 0;
  bool begun = false;         // A trial was begun.
  bool progress = false;      // A trial finished, or a checkpoint was written.
  bool ended = false;         // The job ended in order.
  std::optional<int> status;  // Of the journal's last record, whichever job's: it ended in order.
};

std::vector<std::string> journal_lines(const RunFolder& folder) {
  // None yet, or damaged: the job says what is wrong.
  Result<JournalLines> lines = read_journal(folder.journal());
  return lines.ok() ? std::move(lines->payloads) : std::vector<std::string>();
}

JobNews news_since(const RunFolder& folder, std::size_t records_before) {
  JobNews news;
  const std::vector<std::string> lines = journal_lines(folder);
  if (!lines.empty()) {
    const Result<Record> last = decode_record(lines.back());
    const auto* ended = last.ok() ? std::get_if<JobEnded>(&last.value()) : nullptr;
    if (ended != nullptr) news.status = ended->status;
  }
  for (std::size_t i = records_before; i < lines.size(); ++i) {
    Result<Record> record = decode_record(lines[i]);
    if (!record.ok()) break;
    ++news.records;
    news.begun |= std::holds_alternative<TrialBegun>(*record);
    news.progress |= std::holds_alternative<TrialFinished>(*record) ||
                     std::holds_alternative<CheckpointWritten>(*record);
    news.ended = std::holds_alternative<JobEnded>(*record);
  }
  return news;
}

// A rank, and the launcher itself, can end with any status, also with one that means something else
// if a job ends in order: 0 and 1 are those of a finished run only where its journal says so.
bool is_final(const JobEnd& end, const JobNews& news) {
  if (end.signal != 0) return false;
  if (end.status == 0 || end.status == 1) return news.status == end.status;
  const bool known = end.status == static_cast<int>(Fault::kInput) || end.status == kResumable;
  return known && (news.ended || news.records == 0);
}

// The status tells of a crash, rather than of a fault of the world or of somebody who ended a rank.
bool is_crash(const JobEnd& end) {
  if (end.signal != 0 || end.status == kFault) return false;
  return end.status < kOfSignal || is_one_of(kCrashes, end.status - kOfSignal);
}

// Status 1 is a launcher's own where it could not start the ranks: "not enough slots".
bool is_of_launcher(const JobEnd& end, const JobNews& news) {
  return end.signal == 0 && end.status == 1 && news.records == 0;
}

std::string text_of(const JobEnd& end) {
  if (end.signal != 0) return text("the launcher was ended by ", signal_name(end.signal));
  if (end.status > kOfSignal && end.status < kOfSignal + NSIG) {
    return text("the job ended with status ", end.status, ", ",
                signal_name(end.status - kOfSignal));
  }
  return text("the job ended with status ", end.status);
}

std::string text_of(const CrashReport& crash) {
  const std::string trial = crash.trial < 0 ? "" : text(", trial ", crash.trial);
  return text("rank ", crash.rank, trial, ": ", crash.what);
}

// In the child: becomes the launcher, which ends when the supervisor does.
[[noreturn]] void become(const std::vector<std::string>& words, const sigset_t& signals,
                         pid_t supervisor) {
  // A group of its own: Ctrl-C reaches the supervisor alone, who asks for an end in order. Out of
  // the terminal's group, reading from it would stop the launcher.
  static_cast<void>(::setpgid(0, 0));
  static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGTERM));
  if (::getppid() != supervisor) end_process(kFault);
  ::pthread_sigmask(SIG_SETMASK, &signals, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) static_cast<void>(::dup2(nothing, STDIN_FILENO));
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  say(text(words[0], ": cannot be started: ", std::strerror(errno), "; see --launcher"));
  end_process(kCannotStart);
}

class Supervisor {
 public:
  Supervisor(const SuperviseOptions& options, SuperviseTimes times, RunFolder folder,
             std::string program)
      : options_(options),
        times_(times),
        folder_(std::move(folder)),
        program_(std::move(program)) {}

  int run();

 private:
  [[nodiscard]] std::vector<std::string> command(bool first) const;
  [[nodiscard]] std::vector<std::string> start_flags(bool first) const;
  [[nodiscard]] Result<JobEnd> run_job(const std::vector<std::string>& words,
                                       std::size_t records_before);
  void take_signal(int signal, pid_t launcher, std::size_t records_before);
  [[nodiscard]] std::string what_happened(const JobEnd& end, const JobNews& news);
  void remove_slots() const;
  [[nodiscard]] bool pause(int fruitless);

  const SuperviseOptions& options_;
  SuperviseTimes times_;
  RunFolder folder_;
  std::string program_;
  SignalInbox inbox_;
  bool begun_ = false;   // By any job of this supervisor.
  bool search_ = false;  // The last job's crash has no name.
  bool stop_ = false;    // Was asked for.
  int killed_by_ = 0;    // The signal that killed the job.
  std::optional<Clock::time_point> kill_at_;
};

// What the user asked for, until a job has acted on it. A run that is new is not so any more.
std::vector<std::string> Supervisor::start_flags(bool first) const {
  const RunOptions& run = options_.run;
  const bool reruns = run.rerun_failed || run.rerun_damaged;
  const bool once_more = !begun_ && (run.start == StartMode::kExtend || reruns);
  if (!first && !once_more) return {"--resume=auto"};
  std::vector<std::string> flags;
  if (run.start == StartMode::kResume) flags = {"--resume"};
  if (run.start == StartMode::kAuto) flags = {"--resume=auto"};
  if (run.start == StartMode::kExtend) flags = {"--extend"};
  if (reruns) flags.insert(flags.end(), {"--rerun", run.rerun_failed ? "failed" : "damaged"});
  return flags;
}

std::vector<std::string> Supervisor::command(bool first) const {
  std::vector<std::string> words;
  std::istringstream launcher(options_.launcher);
  for (std::string word; launcher >> word;) words.push_back(word);
  const auto add = [&words](const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
  };
  add({"-n", std::to_string(options_.ranks), program_});
  add(options_.arguments);
  add(start_flags(first));
  add({"--supervised"});
  if (search_) add({"--search-crash"});
  return words;
}

// The first signal asks for an end in order, the next SIGTERM or SIGINT for the end.
void Supervisor::take_signal(int signal, pid_t launcher, std::size_t records_before) {
  if (!is_one_of(kStops, signal)) return;
  if (!stop_) {
    stop_ = true;
    // Launchers drop what comes before there are ranks; then there is nothing to write either.
    const bool nothing_begun = news_since(folder_, records_before).records == 0;
    static_cast<void>(::kill(launcher, nothing_begun ? SIGTERM : SIGUSR1));
    if (nothing_begun) kill_at_ = Clock::now() + times_.kill_after;
  } else if (signal != SIGUSR1 && killed_by_ == 0) {
    killed_by_ = signal;
    static_cast<void>(::kill(launcher, SIGTERM));
    kill_at_ = Clock::now() + times_.kill_after;
  }
}

Result<JobEnd> Supervisor::run_job(const std::vector<std::string>& words,
                                   std::size_t records_before) {
  const pid_t self = ::getpid();
  std::fflush(nullptr);
  const pid_t launcher = ::fork();
  if (launcher < 0) return Status::world(text("cannot start a process: ", std::strerror(errno)));
  if (launcher == 0) become(words, inbox_.before(), self);
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(launcher, &status, WNOHANG);
    if (ended == launcher) break;
    if (ended < 0 && errno != EINTR) {
      return Status::world(text("cannot wait for the launcher, process ", launcher, ": ",
                                std::strerror(errno), "; see whether it still runs"));
    }
    take_signal(inbox_.next(kill_at_ ? 100ms : 1000ms), launcher, records_before);
    if (kill_at_ && Clock::now() >= *kill_at_) static_cast<void>(::kill(launcher, SIGKILL));
  }
  if (WIFSIGNALED(status)) return JobEnd{.status = 0, .signal = WTERMSIG(status)};
  return JobEnd{.status = WEXITSTATUS(status), .signal = 0};
}

// The words for it; decides whether the next job has to look for the trial.
std::string Supervisor::what_happened(const JobEnd& end, const JobNews& news) {
  if (is_of_launcher(end, news)) {
    return text("the launcher (", options_.launcher, " -n ", options_.ranks,
                ") ended with status 1 before the job began");
  }
  std::string words = text_of(end);
  bool named = false;
  for (const CrashReport& crash : read_crash_slots(folder_.crash())) {
    if (crash.what.empty()) continue;
    named = true;
    words += "; " + text_of(crash);
  }
  search_ = !named && is_crash(end);
  return words;
}

// Of a job that ended in order: nobody will read them.
void Supervisor::remove_slots() const {
  remove_crash_slots(folder_.crash());
  static_cast<void>(::rmdir(folder_.crash().c_str()));
}

// False: an end was asked for meanwhile.
bool Supervisor::pause(int fruitless) {
  milliseconds time = times_.pause_min;
  for (int i = 1; i < fruitless && time < times_.pause_max; ++i) time *= 2;
  const Clock::time_point end = Clock::now() + std::min(time, times_.pause_max);
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    if (left <= 0ms) return true;
    if (is_one_of(kStops, inbox_.next(left))) return false;
  }
}

int Supervisor::run() {
  const std::string resumable = "; the run can be resumed with --resume=auto";
  int fruitless = 0;  // Restarts in a row.
  for (int job = 0;; ++job) {
    const std::size_t records_before = journal_lines(folder_).size();
    Result<JobEnd> end = run_job(command(job == 0), records_before);
    if (!end.ok()) {
      say(end.status().message());
      return kFault;
    }
    const JobNews news = news_since(folder_, records_before);
    if (killed_by_ != 0) return kOfSignal + killed_by_;
    if (is_final(*end, news)) {
      if (news.ended) remove_slots();
      return end->status;
    }
    if (end->status == kCannotStart && news.records == 0) return kFault;
    begun_ |= news.begun;
    fruitless = news.progress || job == 0 ? 0 : fruitless + 1;
    const std::string what = what_happened(*end, news);
    if (stop_) {
      say(what + resumable);
      return kResumable;
    }
    if (fruitless == kRestartsMax) {
      say(text(what, "; ", kRestartsMax, " restarts in a row brought nothing", resumable));
      return kFault;
    }
    const char* search =
        search_ ? "; in which trial is not known: those that ran go one at a time" : "";
    say(text(what, search, "; restart ", job + 1));
    if (!pause(fruitless)) {
      say("stopped between two jobs" + resumable);
      return kResumable;
    }
  }
}

Result<RunFolder> folder_of(const RunOptions& run) {
  if (!run.folder.empty()) return RunFolder{run.folder};
  Result<std::string> bytes = read_experiment(run.experiment.path);
  if (!bytes.ok()) return bytes.status();
  const Result<Document> document =
      parse_experiment(std::move(bytes).value(), run.experiment.path, run.experiment.overrides);
  if (!document.ok()) return document.status();
  return RunFolder{"runs/" + document->name()};
}

}  // namespace

int run_supervised(const SuperviseOptions& options, SuperviseTimes times) {
  const Result<RunFolder> folder = folder_of(options.run);
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const Status ready =
      error ? Status::world("/proc/self/exe: " + error.message()) : folder.status();
  if (!ready.ok()) {
    say(ready.message());
    return static_cast<int>(ready.fault());
  }
  return Supervisor(options, times, *const_cast<Result<RunFolder>&>(folder), program).run();
}

}  // namespace aesweep
