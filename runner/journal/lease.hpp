// Lease: keeps two jobs from working on one run folder, also from two machines, without file locks.
//
// The file `lease` in the run folder holds, in at most 512 bytes with a checksum, who has it: host,
// boot id, pid, its start time and pid namespace, Slurm job id and restart count, a random token,
// and a counter that the holder renews every 10 s. The renewal writes into the holder's own inode:
// once another job has moved the file away, it changes nothing.
//
// Whether a holder is dead: it is of the same boot and pid namespace and there is no such process;
// or it is of the same Slurm job with a lower restart count; or its counter has not changed for
// 60 s of the waiter's monotonic clock. A dead one's file is taken away by rename, looked at again,
// and a new one created, which fails where another job was quicker.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

struct LeaseHolder {
  std::string host;
  std::string boot_id;
  std::int64_t pid = 0;
  std::int64_t pid_start = 0;  // In clock ticks after boot, as /proc/PID/stat has it.
  std::string pid_namespace;   // "pid:[4026531836]"
  std::string slurm_job;       // Empty: none.
  std::int64_t slurm_restarts = 0;
  std::string token;
  std::uint64_t counter = 0;
};

// Of this process, with a new token.
[[nodiscard]] LeaseHolder this_process();

// "pid 4711 on node3 (Slurm job 12)"
[[nodiscard]] std::string holder_text(const LeaseHolder& holder);

enum class LeaseWait {
  kNo,      // Refuse at once unless the holder is certainly dead.
  kForDead  // --resume=auto: up to 15 s for a holder of this host that is just ending; up to 60 s
            // for the counter of one elsewhere, and refuse as soon as it changes.
};

struct LeaseTimes {  // Shortened by tests only.
  std::chrono::milliseconds renew{10'000};
  std::chrono::milliseconds lost_after{30'000};  // Without a renewal the holder stops writing.
  std::chrono::milliseconds dead_after{60'000};
  std::chrono::milliseconds ending{15'000};
  std::chrono::milliseconds look{500};
  std::chrono::milliseconds hesitate{0};  // At most, between a takeover's steps: widens races.
};

// Who holds the folder; nothing if nobody does. An unreadable lease is a fault that names the file
// and what to do.
[[nodiscard]] Result<std::optional<LeaseHolder>> read_lease(const std::string& path);
// Whether it is certainly dead, seen from this process, without waiting.
[[nodiscard]] bool certainly_dead(const LeaseHolder& holder);

// Held from acquire to release or destruction; a thread of its own renews it. valid() costs a load
// and a clock. A clock that stands still while the machine sleeps would be wrong here:
// CLOCK_BOOTTIME.
class Lease {
 public:
  // A fault of the world names the holder, or what the disk says.
  [[nodiscard]] static Result<Lease> acquire(const std::string& path, LeaseWait wait,
                                             LeaseTimes times = {});
  Lease(Lease&&) noexcept;
  Lease& operator=(Lease&&) = delete;
  ~Lease();  // Releases.

  // False once it could not be renewed for `lost_after` or belongs to somebody else. Never true
  // again. Whoever writes into the folder asks before each write.
  [[nodiscard]] bool valid() const;
  // Why it is not valid.
  [[nodiscard]] Status lost() const;

  // Takes the file away if it is still ours.
  void release();

 private:
  struct Impl;
  explicit Lease(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aesweep
