// run_trial: trains one resolved configuration on one group of ranks, from initial weights to
// result.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/data/dataset.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"
#include "core/train/exchange.hpp"
#include "core/train/result.hpp"
#include "core/train/trial_state.hpp"

namespace aesweep {

struct EpochReport {
  std::int64_t epoch = 0;    // Finished epochs.
  std::int64_t epochs = 0;   // Of the trial.
  std::int64_t samples = 0;  // Trained on since the last report; since it was resumed in the first.
  std::span<const MetricInfo> metrics;
  std::span<const HistoryRow> rows;  // Of this epoch, also where record.every leaves them out.
};

struct StepReport {
  std::int64_t epochs = 0;   // Finished epochs.
  std::int64_t steps = 0;    // Training steps that will be finished when this one is.
  std::int64_t batches = 0;  // Of these, in the present epoch.
  bool ends_epoch = false;
};

// What a rank asks of its group for the end of a training step; any combination of bits. The group
// does what any of its ranks asks, so all of them leave a trial after the same step.
enum Control : std::uint32_t {
  kControlGoOn = 0,
  kControlCheckpoint = 1,
  kControlInterrupt = 2,  // Leave the trial to be resumed: Outcome::kInterrupted.
  // End it here: Outcome::kPruned, with the history so far. Goes before the others.
  kControlPrune = 4
};

// How a trial is watched and told what to do, on each rank of its group.
class TrialControl {
 public:
  virtual ~TrialControl() = default;
  // On every rank, after each epoch and its evaluation.
  virtual void epoch_done(const EpochReport&) {}
  // On every rank, once per training step, before it: bits of Control.
  virtual std::uint32_t wanted(const StepReport&) { return kControlGoOn; }
  // On the group's rank 0, at the end of a step for which any rank wanted a checkpoint or to
  // interrupt; not if that step's update failed, since the trial is about to end by that.
  virtual void checkpoint(TrialState) {}
  // On every rank, at the end of a step for which any rank wanted to prune: the reason that the
  // result gets is that of the lowest rank with one that is not empty.
  virtual std::string prune_reason() { return {}; }
};

// Called by every rank of the group with equal arguments, `from` aside: rank 0's state to go on
// from, null to begin at the beginning; the others' does not count. Every rank gets the outcome,
// the reason and the history, with the same bits for any number of ranks, and however often the
// trial was left and resumed; weights and samples only where exchange.rank() == 0, and a fault in
// taking these samples is known there alone. What is wrong with the configuration, a component's
// failure and divergence become the outcome; nothing is thrown for them. The catalogue and the data
// must outlive the call.
[[nodiscard]] TrialResult run_trial(const TrialSpec& spec, const Catalogue& catalogue,
                                    const Dataset& dataset, Exchange& exchange,
                                    TrialControl& control, const TrialState* from = nullptr);

}  // namespace aesweep
