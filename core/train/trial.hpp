// run_trial: trains one resolved configuration on one group of ranks, from initial weights to
// result.
#pragma once

#include <cstdint>

#include "core/data/dataset.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"
#include "core/train/exchange.hpp"
#include "core/train/result.hpp"

namespace aesweep {

struct EpochReport {
  std::int64_t epoch = 0;    // Finished epochs.
  std::int64_t epochs = 0;   // Of the trial.
  std::int64_t samples = 0;  // Trained on in this epoch.
};

class TrialObserver {
 public:
  virtual ~TrialObserver() = default;
  // On every rank, after each epoch and its evaluation.
  virtual void epoch_done(const EpochReport&) {}
};

// Called by every rank of the group with equal arguments. Every rank gets the outcome, the reason
// and the history, with the same bits for any number of ranks; weights and samples only where
// exchange.rank() == 0, and a fault in taking these samples is known there alone. What is wrong
// with the configuration, a component's failure and divergence become the outcome; nothing is
// thrown for them. The catalogue and the data must outlive the call.
[[nodiscard]] TrialResult run_trial(const TrialSpec& spec, const Catalogue& catalogue,
                                    const Dataset& dataset, Exchange& exchange,
                                    TrialObserver& observer);

}  // namespace aesweep
