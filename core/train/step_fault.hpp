// StepFault: the first fault of a rank in a batch, numbered so that all ranks agree on the cause.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "core/abi/plugin.h"

namespace aesweep {

// "step 12", or "evaluation batch 3".
[[nodiscard]] std::string step_name(const aesweep_context& context);

// Stages and shards are numbered alike on all ranks, so that the lowest (stage, shard) over a group
// is the same for any number of ranks.
struct StepFault {
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::uint64_t order = kNone;  // stage * 2^32 + shard
  std::string reason;

  [[nodiscard]] bool present() const { return order != kNone; }
  // Keeps the lowest.
  void note(std::uint64_t at, std::string why) {
    if (at >= order) return;
    order = at;
    reason = std::move(why);
  }
};

}  // namespace aesweep
