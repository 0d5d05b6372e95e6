// TrialState: everything of a running trial that outlives a training step, as plain values in a
// fixed order: what a checkpoint holds and what a trial goes on from.
//
// It is that of one step boundary, whole, the same bytes on any number of ranks, and valid for any
// other number. What can be computed again from the specification (initial weights, the order of
// samples, metric names, schedules, random numbers) is not in it.
#pragma once

#include <cstdint>
#include <vector>

#include "core/train/exchange.hpp"
#include "core/train/metrics.hpp"
#include "core/train/result.hpp"

namespace aesweep {

struct TrialState {
  std::int64_t epochs = 0;   // Finished ones, their evaluation included.
  std::int64_t steps = 0;    // Training steps finished.
  std::int64_t batches = 0;  // Of these, in the present epoch; all of its batches: it is yet to be
                             // finished and evaluated.
  std::vector<HistoryRow> history;
  SplitSums sums;  // Of the present epoch's training so far, over all ranks.
  // Learned tensors ("code/weights"), running buffers, optimizer state ("code/weights/optimizer/0",
  // one per slot, whole), and the last training step's images of quantized tensors
  // ("code/weights/image"; left out until the first step made them).
  std::vector<NamedTensor> tensors;
};

// Bytes of a state's tensors and sums, history left out: what a checkpoint of the trial takes.
[[nodiscard]] std::uint64_t state_bytes(const TrialState& state);

// Gives rank 0's state to every rank of the group. False on all ranks if rank 0 has none (null
// there; the argument does not count on the others, where `state` receives it).
[[nodiscard]] bool share_state(const TrialState* from, Exchange& exchange, TrialState& state);

}  // namespace aesweep
