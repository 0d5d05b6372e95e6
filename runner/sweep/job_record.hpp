// The first record of a job: under which circumstances it runs.
#pragma once

#include <span>
#include <string>

#include "runner/journal/records.hpp"
#include "runner/sweep/plan.hpp"
#include "runner/sweep/rank_facts.hpp"
#include "runner/sweep/sweep.hpp"

namespace aesweep {

// All but the experiment's file. Reads the environment for Slurm's job.
[[nodiscard]] JobStarted make_job_record(const SweepPlan& plan, const SweepOptions& options,
                                         std::span<const RankFacts> ranks);

// "2026-01-31T12:00:00Z"
[[nodiscard]] std::string utc_now();

}  // namespace aesweep
