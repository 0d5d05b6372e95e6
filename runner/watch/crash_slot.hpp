// CrashSlot: what a rank is doing, in a small mapped file that outlives it: crash/rank-3.
//
// The rank keeps trial and attempt there; its crash handler, which may only copy bytes, adds the
// signal or the way it ended and the component call that ran. A supervised run that is started
// again reads the slots of the job before it, charges trials, and removes them. Both ends are this
// program's; the layout has a version of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.hpp"

namespace aesweep {

struct CrashReport {
  int rank = 0;
  std::int64_t trial = -1;  // -1: none was running, or none is to blame.
  int attempt = 1;
  // "SIGSEGV in activation swish (/path), forward, layer code, step 6"; empty: the rank did not end
  // by itself (it was killed, or ended in order).
  std::string what;
};

class CrashSlot {
 public:
  // Makes the rank's file anew, and the folder if it is not there.
  [[nodiscard]] static Result<CrashSlot> create(const std::string& folder, int rank);
  CrashSlot(CrashSlot&&) noexcept;
  CrashSlot& operator=(CrashSlot&&) = delete;
  ~CrashSlot();

  void set_trial(std::int64_t trial, int attempt);  // -1: none.

  // Makes this the slot that note_crash writes to.
  void arm();

 private:
  struct Impl;
  explicit CrashSlot(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Adds how this rank ends to the armed slot, if there is one: once, the first call wins. Only
// copies bytes: for signal handlers. Of a process that the rank forked it takes nothing. Where it
// is not `of_trial` the report names no trial, whichever was running.
void note_crash(const char* what, bool of_trial = true);

// The slots of an ended job, by rank, those of ranks without a trial too. Unreadable ones are left
// out.
[[nodiscard]] std::vector<CrashReport> read_crash_slots(const std::string& folder);
void remove_crash_slots(const std::string& folder);

}  // namespace aesweep
