// Snapshot: what outlives a training step, copied out of a Trainer into a TrialState and back.
#pragma once

#include <cstdint>

#include "core/base/status.hpp"
#include "core/train/setup.hpp"
#include "core/train/trainer.hpp"
#include "core/train/trial_state.hpp"

namespace aesweep {

// On rank 0 a state with the tensors and, of `sums` and what the ranks counted, the sums; the rest
// of it is the caller's. Elsewhere an empty one. Every rank of the group calls it, after a training
// step and settle(). Changes nothing in the trainer.
template <class T>
[[nodiscard]] TrialState take_state(Trainer<T>& trainer, const SplitSums& sums);

// state_bytes of such a state.
template <class T>
[[nodiscard]] std::uint64_t snapshot_bytes(const TrialSetup<T>& setup);

// Whether a trial can go on from the state: its counters, sums, and the tensors' names, order,
// shapes and types. An input fault says what differs.
template <class T>
[[nodiscard]] Status check_state(const TrialSetup<T>& setup, const TrialSpec& spec,
                                 std::size_t metrics, const TrialState& state);

// The tensors and flip counts of a state that fits; each rank takes what it owns.
template <class T>
void put_state(Trainer<T>& trainer, const TrialState& state);

}  // namespace aesweep
