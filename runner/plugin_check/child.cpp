#include "runner/plugin_check/child.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "core/base/text.hpp"
#include "runner/plugin_host/guarded_process.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string reason() { return std::strerror(errno); }

// What the child writes and the parent reads after its end: the last call, and whether it is over.
struct Note {
  std::array<char, 256> text;
  std::array<char, 8> scalar;
  int calls;  // That have not returned; several threads may call.
  Clock::time_point begin;
};

class NotePage {
 public:
  NotePage()
      : page_(::mmap(nullptr, sizeof(Note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0)) {}
  NotePage(const NotePage&) = delete;
  NotePage& operator=(const NotePage&) = delete;
  ~NotePage() {
    if (page_ != MAP_FAILED) ::munmap(page_, sizeof(Note));
  }
  [[nodiscard]] bool mapped() const { return page_ != MAP_FAILED; }
  [[nodiscard]] Note* note() const { return static_cast<Note*>(page_); }

 private:
  void* page_;
};

class NotingPlace : public ChildPlace {
 public:
  NotingPlace(Note* note, int output) : note_(note), output_(output) {}
  void before(const char* component, const char* function, const char* scalar) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::snprintf(note_->text.data(), note_->text.size(), "%s of %s in %s", function, component,
                  scalar);
    std::snprintf(note_->scalar.data(), note_->scalar.size(), "%s", scalar);
    note_->begin = Clock::now();
    ++note_->calls;
  }
  void after() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    --note_->calls;
  }
  long printed() override {
    if (output_ < 0) return -1;
    struct stat facts;
    if (std::fflush(nullptr) != 0 || ::fstat(output_, &facts) != 0) return -1;
    return static_cast<long>(facts.st_size);
  }

 private:
  std::mutex mutex_;
  Note* note_;
  int output_;
};

// The last byte of a whole message: a component that ends the process says nothing.
constexpr char kEnd = '\x04';

void play(const ChildBody& body, Note* note, int to) {
  const int output = ::memfd_create("aesweep_plugin_output", MFD_CLOEXEC);
  if (output >= 0) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
  }
  NotingPlace place(note, output);
  static_cast<void>(write_bytes(to, body(place) + kEnd));
}

void tell(const Note& note, ChildOutcome& outcome) {
  outcome.place = note.text.data();
  outcome.scalar = note.scalar.data();
  outcome.in_call = note.calls > 0;
  if (outcome.in_call) outcome.call_seconds = seconds_since(note.begin);
}

}  // namespace

Result<ChildOutcome> run_in_child(const ChildBody& body, double seconds_max) {
  const NotePage page;
  if (!page.mapped()) return Status::world("no memory to share with a child: " + reason());
  // What is buffered would be written twice.
  if (std::fflush(nullptr) != 0) return Status::world("cannot write the report: " + reason());
  const Clock::time_point begin = Clock::now();
  Result<ProcessEnd> end = run_guarded([&](int to) { play(body, page.note(), to); }, seconds_max);
  if (!end.ok()) return end.status().in("for a case");
  ChildOutcome outcome;
  tell(*page.note(), outcome);
  outcome.seconds = seconds_since(begin);
  outcome.left_behind = end->left_behind;
  outcome.message = std::move(end->bytes);
  if (!outcome.message.empty() && outcome.message.back() == kEnd) {
    outcome.message.pop_back();
  } else if (end->late) {
    outcome.end = ChildEnd::kTimeout;
  } else if (WIFSIGNALED(end->status)) {
    outcome.end = ChildEnd::kSignal;
    outcome.number = WTERMSIG(end->status);
  } else {
    outcome.end = ChildEnd::kExit;
    outcome.number = WEXITSTATUS(end->status);
  }
  return outcome;
}

ChildOutcome run_in_process(const ChildBody& body) {
  Note note{};
  NotingPlace place(&note, -1);
  const Clock::time_point begin = Clock::now();
  ChildOutcome outcome;
  outcome.message = body(place);
  tell(note, outcome);
  outcome.seconds = seconds_since(begin);
  return outcome;
}

}  // namespace aesweep
