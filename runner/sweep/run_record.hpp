// The facts about a run that results.h5 holds beside its trials.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runner/store/results_file.hpp"
#include "runner/sweep/manager.hpp"
#include "runner/sweep/plan.hpp"
#include "runner/sweep/rank_facts.hpp"
#include "runner/sweep/sweep.hpp"

namespace aesweep {

// What only rank 0 knows of a run that is about to end.
struct RunFacts {
  std::span<const RankFacts> ranks;
  std::string numeric_fingerprint;
  bool mixed_nodes = false;
  std::string started_utc;
  double seconds = 0.0;
};

[[nodiscard]] RunRecord make_run_record(const SweepPlan& plan, const SweepOptions& options,
                                        const Manager& manager, const RunFacts& facts);

// The paths of the trials' files that the run has written, in order of number.
[[nodiscard]] std::vector<std::string> trial_paths(const SweepPlan& plan, const Manager& manager);

// "2026-01-31T12:00:00Z"
[[nodiscard]] std::string utc_now();

}  // namespace aesweep
