// Message: what ranks say to each other about trials, as bytes for a mailbox.
//
// All ranks run the same executable's code, so the bytes carry no version; a text that cannot be
// read is a bug.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.hpp"
#include "runner/journal/records.hpp"
#include "runner/sweep/manager.hpp"

namespace aesweep {

struct Message {
  enum class Kind : std::uint8_t {
    // To the manager on rank 0, from a group's leader unless said otherwise.
    kWants,         // group
    kStarted,       // group, trial, attempt, step: the checkpoint's that it goes on from, or 0
    kProgress,      // group, trial, epoch, step, samples, metrics
    kCheckpointed,  // group, trial, checkpoint, stored
    kFinished,      // group, trial, summary, file, stored
    kLeft,          // group, trial: interrupted, to be resumed; its last checkpoint was reported
    kClosed,        // group
    kWarning,       // group, text: for the run's log
    kSignal,        // From any rank: it was asked to stop by signal `number`.
    kAlive,         // group: nothing else was said for a while.

    // To a group's leader.
    kOrder,      // trial; -1: there is none, close. attempt, checkpoints
    kStop,       // Begin no other trial.
    kInterrupt,  // Leave the present trial at the next step boundary, with a checkpoint; begin
                 // none.

    // To the other members of a group.
    kRun,  // trial, attempt
    kEnd,  // No trial will follow.

    // To every rank.
    kManagerAlive,
    kOver  // Rank 0 has nothing more to write: the job ends.
  };

  Kind kind = Kind::kWants;
  std::int32_t group = 0;
  std::int64_t trial = -1;  // Place in the sweep's list.
  std::int32_t attempt = 1;
  std::int32_t number = 0;                              // kSignal.
  std::int64_t epoch = 0;                               // Epochs finished in this trial.
  std::int64_t step = 0;                                // Training steps finished in this trial.
  std::int64_t samples = 0;                             // Trained on in this trial by this job.
  std::vector<std::pair<std::string, double>> metrics;  // Of the last epoch.
  TrialSummary summary;
  FileRecord file;
  CheckpointWritten checkpoint;                // kCheckpointed.
  std::vector<CheckpointWritten> checkpoints;  // kOrder: to go on from, newest first; with the
                                               // seconds that the attempt has taken so far.
  Status stored;                               // Whether the file was written.
  std::string text;
};

// Whether a message of this kind is for the manager.
[[nodiscard]] constexpr bool for_manager(Message::Kind kind) {
  return kind <= Message::Kind::kAlive;
}

[[nodiscard]] std::string encode(const Message& message);
[[nodiscard]] Message decode(std::string_view bytes);

}  // namespace aesweep
