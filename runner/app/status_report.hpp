// What `aesweep status` tells about a run: gathered from its folder, shown as text or as JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/journal/lease.hpp"
#include "runner/journal/live_file.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/journal/run_state.hpp"
#include "runner/watch/crash_slot.hpp"

namespace aesweep {

// A trial is in one of these. The last three have not ended: a job is at work on it; it was begun
// and goes on from its newest checkpoint, if there is one; it was never begun.
enum class TrialStage { kCompleted, kPruned, kDiverged, kFailed, kRunning, kInterrupted, kWaiting };

[[nodiscard]] const char* stage_name(TrialStage stage);

struct RunStatus {
  std::string path;
  RunState state;
  std::uint64_t torn_bytes = 0;       // At the journal's end, cut off by the next job.
  std::optional<LeaseHolder> holder;  // What the lease says.
  bool holder_dead = false;           // Certainly.
  std::string lease_fault;            // It cannot be read; else empty.
  double lease_age = 0.0;         // Seconds since its file was written, by this machine's clock.
  std::optional<LiveState> live;  // Of the job at work; none: not yet, or nobody is.
  std::vector<CrashReport> left_crashes;  // Of ranks of a job that died, and not yet charged.

  // Nobody holds the lease, or its holder is certainly dead.
  [[nodiscard]] bool at_work() const { return holder.has_value() && !holder_dead; }
  [[nodiscard]] TrialStage stage(const TrialRecordState& trial) const;
};

// Reads a run's folder, changing nothing; a job may be at work on it. An input fault if there is no
// run, a fault of the world for a damaged journal. A missing or unreadable live.json or lease is
// none.
[[nodiscard]] Result<RunStatus> read_run_status(const RunFolder& folder);

// Several lines, for people. Tables are cut to the width (code points, at least 4); sentences are
// whole.
[[nodiscard]] std::string status_text(const RunStatus& status, std::size_t width = 120);
// One line: the object that docs/runs.md describes.
[[nodiscard]] std::string status_json(const RunStatus& status);

}  // namespace aesweep
