// Message: what ranks say to each other about trials, as bytes for a mailbox.
//
// To the manager on rank 0: wants, started, progress, finished, closed. To a group's leader: order,
// stop. To the other members of a group: run, end. All ranks run the same executable's code, so the
// bytes carry no version; a text that cannot be read is a bug.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.hpp"
#include "runner/sweep/manager.hpp"

namespace aesweep {

struct Message {
  enum class Kind : std::uint8_t {
    kWants,     // group
    kStarted,   // group, trial
    kProgress,  // group, trial, epoch, samples
    kFinished,  // group, trial, summary, stored
    kClosed,    // group
    kOrder,     // trial; -1: there is none, close
    kStop,      // Begin no other trial.
    kRun,       // trial
    kEnd        // No trial will follow.
  };

  Kind kind = Kind::kWants;
  std::int32_t group = 0;
  std::int64_t trial = -1;
  std::int64_t epoch = 0;    // Epochs finished in this trial.
  std::int64_t samples = 0;  // Trained on in this trial.
  TrialSummary summary;
  Status stored;  // Whether the trial's file was written.
};

// Whether a message of this kind is for the manager.
[[nodiscard]] constexpr bool for_manager(Message::Kind kind) {
  return kind <= Message::Kind::kClosed;
}

[[nodiscard]] std::string encode(const Message& message);
[[nodiscard]] Message decode(std::string_view bytes);

}  // namespace aesweep
