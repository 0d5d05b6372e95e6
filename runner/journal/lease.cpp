#include "runner/journal/lease.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "runner/journal/lease_record.hpp"
#include "runner/store/descriptor.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/file_calls.hpp"

namespace aesweep {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr const char* kMovedAway = ".dead-";  // After the lease's name, before a random token.

nanoseconds boot_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Whether the file of that name is the open one. Opening it makes a network file system look again.
bool is_file(const std::string& path, int fd) {
  const Descriptor there(open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat named {
  }, ours{};
  return there.get() >= 0 && ::fstat(there.get(), &named) == 0 && ::fstat(fd, &ours) == 0 &&
         same_file(named, ours);
}

Status folder_fault(const std::string& path, int error) {
  return Status::world(text("cannot work on ", path, ": ", errno_text(error)));
}

// A lease file found in the folder, under its own name or moved away.
struct Found {
  std::string path;
  std::string bytes;
  std::optional<LeaseHolder> holder;  // None: the bytes are no lease.
};

// All lease files: the one in place first, if there is one, then those moved away.
//
// The rule that keeps two holders apart: a living holder's file has one of these names at every
// moment, so whoever has put his own in place and then sees no other living one is alone.
Result<std::vector<std::string>> names_moved_away(const std::string& path) {
  const std::string prefix = std::filesystem::path(path).filename().string() + kMovedAway;
  const std::string folder = parent_folder(path);
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename().string().starts_with(prefix)) names.push_back(at->path().string());
  }
  if (error) return folder_fault(folder, error.value());
  return names;
}

// Reads one; nothing if it is gone.
Result<std::optional<Found>> read_found(const std::string& name) {
  for (int i = 0;; ++i) {
    Result<std::optional<std::string>> bytes = read_lease_bytes(name);
    if (!bytes.ok()) return bytes.status();
    if (!bytes->has_value()) return std::optional<Found>();
    std::optional<LeaseHolder> holder = decode_lease(**bytes);
    if (holder || i == 5) return std::optional(Found{name, std::move(**bytes), holder});
    std::this_thread::sleep_for(milliseconds(10));  // Perhaps it is being renewed just now.
  }
}

// One look at all names; nothing where they changed meanwhile.
Result<std::optional<std::vector<Found>>> look_once(const std::string& path) {
  Result<std::optional<Found>> before = read_found(path);
  if (!before.ok()) return before.status();
  Result<std::vector<std::string>> names = names_moved_away(path);
  if (!names.ok()) return names.status();
  std::vector<Found> all;
  if (before->has_value()) all.push_back(**before);
  for (const std::string& name : *names) {
    Result<std::optional<Found>> found = read_found(name);
    if (!found.ok()) return found.status();
    if (!found->has_value()) return std::optional<std::vector<Found>>();
    all.push_back(std::move(**found));
  }
  // A file that went from one name to another meanwhile was perhaps seen under neither.
  Result<std::optional<Found>> after = read_found(path);
  if (!after.ok()) return after.status();
  Result<std::vector<std::string>> again = names_moved_away(path);
  if (!again.ok()) return again.status();
  const auto token = [](const std::optional<Found>& found) {
    return found && found->holder ? found->holder->token : std::string();
  };
  std::sort(names->begin(), names->end());
  std::sort(again->begin(), again->end());
  if (*names != *again || token(*before) != token(*after))
    return std::optional<std::vector<Found>>();
  return std::optional(std::move(all));
}

Result<std::vector<Found>> find_all(const std::string& path) {
  while (true) {
    Result<std::optional<std::vector<Found>>> all = look_once(path);
    if (!all.ok()) return all.status();
    if (all->has_value()) return std::move(**all);
  }
}

enum class Moved { kYes, kGone, kOther };

// Takes the file at `path` away under a new name, if it is the one that `is_it` means; another's is
// put back. `away` receives the new name.
template <class IsIt>
Result<Moved> move_away(const std::string& path, IsIt&& is_it, std::string& away) {
  away = path + kMovedAway + this_process().token;
  if (::rename(path.c_str(), away.c_str()) != 0) {
    if (errno == ENOENT) return Moved::kGone;
    return folder_fault(path, errno);
  }
  if (is_it(away)) return Moved::kYes;
  // Somebody who has placed his own meanwhile sees this one, and takes his away again.
  for (int i = 0; i < 400; ++i) {
    const int error = internal::place_new(away, path);
    if (error == 0 || error == ENOENT) return Moved::kOther;
    if (error != EEXIST) return folder_fault(path, error);
    std::this_thread::sleep_for(milliseconds(5));
  }
  return Moved::kOther;
}

// Places a new file with the holder's bytes, complete and durable from the first moment on. An
// invalid descriptor: there is one already.
Result<Descriptor> place(const std::string& path, const LeaseHolder& holder) {
  const std::string temporary = text(parent_folder(path), "/.lease.", holder.token, ".tmp");
  Descriptor file(open_file(temporary, O_RDWR | O_CREAT | O_EXCL, 0666));
  if (file.get() < 0) return write_fault(path, errno, kLeaseBytes);
  const std::string bytes = encode_lease(holder);
  int error = write_all(file.get(), std::as_bytes(std::span(bytes)));
  if (error == 0) error = sync_all(file.get());
  if (error == 0) error = internal::place_new(temporary, path);
  // A network file system may answer a repeated request with EEXIST though the first one succeeded.
  if (error == EEXIST && is_file(path, file.get())) error = 0;
  static_cast<void>(::unlink(temporary.c_str()));  // Gone already where it was placed.
  // ENOENT: a holder's tidying took the temporary file.
  if (error == EEXIST || error == ENOENT) return Descriptor(-1);
  if (error == 0) error = sync_folder(parent_folder(path));
  if (error != 0) return write_fault(path, error, kLeaseBytes);
  return file;
}

// Decides who is alive, with what it saw when: one per attempt to acquire.
class Watch {
 public:
  Watch(LeaseWait wait, LeaseTimes times)
      : wait_(wait), times_(times), start_(steady_clock::now()) {}

  // Takes note of what is there now.
  bool is_dead(const Found& found) {
    if (found.holder && certainly_dead(*found.holder)) return true;
    const auto now = steady_clock::now();
    const std::string name = found.holder ? found.holder->token : found.bytes;
    const std::uint64_t counter = found.holder ? found.holder->counter : 0;
    // A new one while this job waits is a sign of life like a changed counter.
    const auto [entry, fresh] = seen_.try_emplace(name, Seen{counter, now, !seen_.empty()});
    Seen& seen = entry->second;
    if (!fresh && seen.counter != counter) seen = {counter, now, true};
    return now - seen.since >= times_.dead_after;
  }

  // Of one that is not dead: success to wait on.
  Status may_wait(const std::string& path, const Found& found) const {
    if (!found.holder) {
      if (wait_ == LeaseWait::kForDead) return {};
      return Status::world(text(found.path,
                                ": not readable as a lease; if no job is at work on the ",
                                "folder, remove that file, or use --resume=auto"));
    }
    const Seen& seen = seen_.at(found.holder->token);
    const bool here = same_host(*found.holder, self_);
    const bool ending = here && steady_clock::now() - start_ < times_.ending;
    if (wait_ == LeaseWait::kForDead && (ending || !seen.changed)) return {};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(times_.dead_after);
    return Status::world(text(path, ": ", holder_text(*found.holder),
                              " is at work on the run folder; wait for its end, ", "or stop it",
                              wait_ == LeaseWait::kForDead || here
                                  ? ""
                                  : text("; if it is gone, --resume=auto takes over ",
                                         seconds.count(), " s after its last sign of life")));
  }

 private:
  struct Seen {
    std::uint64_t counter;
    steady_clock::time_point since;
    bool changed;
  };

  const LeaseWait wait_;
  const LeaseTimes times_;
  const steady_clock::time_point start_;
  const LeaseHolder self_ = this_process();
  std::map<std::string, Seen> seen_;  // By token, or by the bytes of one that is unreadable.
};

// A living holder's file among `found`; null: all are dead, or it is that of `own_token`.
const Found* living(const std::vector<Found>& found, Watch& watch, const std::string& own_token) {
  const Found* alive = nullptr;
  for (const Found& file : found) {
    if (file.holder && file.holder->token == own_token) continue;
    if (!watch.is_dead(file) && alive == nullptr) alive = &file;
  }
  return alive;
}

Status remove_dead(const std::vector<Found>& found, const std::string& path,
                   const std::string& own_token) {
  for (const Found& file : found) {
    if (file.path == path || (file.holder && file.holder->token == own_token)) continue;
    if (::unlink(file.path.c_str()) != 0 && errno != ENOENT) return folder_fault(file.path, errno);
  }
  return {};
}

}  // namespace

Result<std::optional<LeaseHolder>> read_lease(const std::string& path) {
  return fenced(path, [&]() -> Result<std::optional<LeaseHolder>> {
    Result<std::vector<Found>> found = find_all(path);
    if (!found.ok()) return found.status();
    if (found->empty() || found->front().path != path) return std::optional<LeaseHolder>();
    if (found->front().holder) return found->front().holder;
    return Status::world(text(path, ": not readable as a lease; if no job is at work on the ",
                              "folder, remove that file"));
  });
}

struct Lease::Impl {
  Impl(std::string name, Descriptor open, LeaseHolder own, LeaseTimes spans, nanoseconds since)
      : path(std::move(name)),
        file(std::move(open)),
        holder(std::move(own)),
        times(spans),
        deadline(since + spans.lost_after) {}
  ~Impl() { stop(); }

  void start();
  void stop();
  void run();
  void renew();
  void lose(Status why);
  bool is_valid();
  void release();

  const std::string path;
  const Descriptor file;
  LeaseHolder holder;  // Of the renewing thread.
  const LeaseTimes times;
  std::atomic<nanoseconds> deadline;  // On the boot clock; past it the lease is lost.
  std::atomic<bool> gone{false};
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;  // These are guarded by mutex.
  bool released = false;
  Status why;
  Status last_failure;
  std::thread thread;
};

void Lease::Impl::start() {
  // Signals are for the threads that expect them.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Lease::Impl::stop() {
  {
    const std::scoped_lock lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  if (thread.joinable()) thread.join();
}

void Lease::Impl::run() {
  std::unique_lock lock(mutex);
  while (!stopping && !gone) {
    // After a failed renewal the next one comes sooner.
    const milliseconds pause = last_failure.ok() ? times.renew : std::min(times.look, times.renew);
    if (wake.wait_for(lock, pause, [this] { return stopping; })) return;
    lock.unlock();
    renew();
    lock.lock();
  }
}

void Lease::Impl::lose(Status status) {
  const std::scoped_lock lock(mutex);
  gone = true;
  if (why.ok()) why = std::move(status);
}

bool Lease::Impl::is_valid() {
  if (gone) return false;
  if (boot_clock() < deadline.load()) return true;
  std::string cause;
  {
    const std::scoped_lock lock(mutex);
    if (!last_failure.ok()) cause = "; " + last_failure.message();
  }
  lose(Status::world(text(path, ": the lease could not be renewed for ", times.lost_after.count(),
                          " ms", cause, "; this job stops writing into the folder")));
  return false;
}

void Lease::Impl::renew() {
  const nanoseconds now = boot_clock();
  if (!is_valid()) return;
  bool ours = is_file(path, file.get());
  // Another may have moved it by mistake and be about to put it back; it counts meanwhile.
  for (int i = 0; i < 50 && !ours; ++i) {
    std::this_thread::sleep_for(milliseconds(20));
    ours = is_file(path, file.get());
  }
  if (!ours) {
    lose(Status::world(text(path, ": the lease is no longer this job's: another job has taken it, ",
                            "or it was removed; this job stops writing into the folder")));
    return;
  }
  ++holder.counter;
  const std::string bytes = encode_lease(holder);
  int error = 0;
  ssize_t written = -1;
  do {
    written = ::pwrite(file.get(), bytes.data(), bytes.size(), 0);
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(bytes.size())) error = written < 0 ? errno : EIO;
  if (error == 0) error = sync_all(file.get());
  const std::scoped_lock lock(mutex);
  last_failure = error == 0 ? Status() : write_fault(path, error, bytes.size());
  // A renewal counts from when it began, and comes too late once the lease was lost.
  if (error == 0 && !gone && boot_clock() < deadline.load()) deadline = now + times.lost_after;
}

void Lease::Impl::release() {
  stop();
  {
    const std::scoped_lock lock(mutex);
    if (std::exchange(released, true)) return;
  }
  const bool valid = is_valid();
  gone = true;
  // An expired one may be another's to judge: it is left where it is.
  if (!valid || !is_file(path, file.get())) return;
  std::string away;
  Result<Moved> moved = move_away(
      path, [&](const std::string& name) { return is_file(name, file.get()); }, away);
  // A file that stays behind is seen to be a dead one's.
  if (moved.ok() && *moved == Moved::kYes) static_cast<void>(::unlink(away.c_str()));
}

Lease::Lease(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Lease::Lease(Lease&&) noexcept = default;
Lease::~Lease() {
  if (impl_) impl_->release();
}

bool Lease::valid() const { return impl_->is_valid(); }

Status Lease::lost() const {
  if (impl_->is_valid()) return {};
  const std::scoped_lock lock(impl_->mutex);
  return impl_->why.ok() ? Status::world(impl_->path + ": the lease was released") : impl_->why;
}

void Lease::release() { impl_->release(); }

namespace {

void hesitate(milliseconds most) {
  if (most.count() == 0) return;
  const auto random = steady_clock::now().time_since_epoch().count() / 1000;
  std::this_thread::sleep_for(std::chrono::microseconds(random % (1000 * most.count())));
}

// One try: a descriptor of the file in place, an invalid one to try again, or a fault.
Result<Descriptor> try_to_take(const std::string& path, const LeaseHolder& self, Watch& watch,
                               const LeaseTimes& times) {
  Result<std::vector<Found>> found = find_all(path);
  if (!found.ok()) return found.status();
  if (const Found* alive = living(*found, watch, self.token); alive != nullptr) {
    AESWEEP_RETURN_IF_ERROR(watch.may_wait(path, *alive));
    std::this_thread::sleep_for(times.look);
    return Descriptor(-1);
  }
  hesitate(times.hesitate);
  std::string away;
  if (!found->empty() && found->front().path == path) {
    const std::string& expected = found->front().bytes;
    const auto is_it = [&](const std::string& name) {
      hesitate(times.hesitate);
      Result<std::optional<std::string>> bytes = read_lease_bytes(name);
      return bytes.ok() && bytes->has_value() && **bytes == expected;
    };
    Result<Moved> moved = move_away(path, is_it, away);
    if (!moved.ok()) return moved.status();
    if (*moved != Moved::kYes) return Descriptor(-1);
  }
  hesitate(times.hesitate);
  Result<Descriptor> file = place(path, self);
  if (!file.ok() || file->get() < 0) return file;
  hesitate(times.hesitate);
  found = find_all(path);
  if (found.ok() && living(*found, watch, self.token) == nullptr) {
    AESWEEP_RETURN_IF_ERROR(remove_dead(*found, path, self.token));
    return file;
  }
  // Another was moved by mistake: this one goes away again.
  const auto is_ours = [&](const std::string& name) { return is_file(name, file->get()); };
  Result<Moved> moved = move_away(path, is_ours, away);
  if (moved.ok() && *moved == Moved::kYes) static_cast<void>(::unlink(away.c_str()));
  if (!found.ok()) return found.status();
  return Descriptor(-1);
}

}  // namespace

Result<Lease> Lease::acquire(const std::string& path, LeaseWait wait, LeaseTimes times) {
  return fenced(path, [&]() -> Result<Lease> {
    Watch watch(wait, times);
    while (true) {
      const LeaseHolder self = this_process();  // With a token of its own for each try.
      const nanoseconds since = boot_clock();
      Result<Descriptor> file = try_to_take(path, self, watch, times);
      if (!file.ok()) return file.status();
      if (file->get() < 0) continue;
      auto impl = std::make_unique<Impl>(path, std::move(*file), self, times, since);
      impl->start();
      return Lease(std::move(impl));
    }
  });
}

}  // namespace aesweep
