// A group's trials without models, for tests of GroupRank and its parts: steps that only mix a
// number, told what to do as run_trial is, and checkpoints that are small texts.
#pragma once

#include <cstdint>
#include <functional>

#include "runner/config/experiment.hpp"
#include "runner/sweep/plan.hpp"
#include "runner/sweep/services.hpp"

namespace aesweep {

inline constexpr std::int64_t kFakeBatches = 5;  // In an epoch.

// Called on every rank before each training step.
using FakeStep = std::function<void(const TrialSpec&, std::int64_t step)>;

// run_trial, write_trial, write_checkpoint and read_checkpoint. A trial's only metric, test/mix, is
// a function of its seed and its steps, 0 for none.
[[nodiscard]] SweepServices group_services(FakeStep step = {});

// The metric of a whole trial, computed without any of it.
[[nodiscard]] double fake_mix(std::uint64_t seed, std::int64_t steps);

// Trials with seeds and keys of their own.
[[nodiscard]] Experiment group_experiment(int trials, std::int64_t epochs);

// All of them on `groups`, in `folder`, which has the folders for trials and checkpoints.
[[nodiscard]] SweepPlan group_plan(const Experiment& experiment, const SweepServices& services,
                                   const std::string& folder, std::vector<Group> groups);

}  // namespace aesweep
