// SweepPlan: what every rank of a sweep knows and none changes. A view: run_sweep keeps all of it.
#pragma once

#include <vector>

#include "core/data/dataset.hpp"
#include "core/data/source.hpp"
#include "core/model/catalogue.hpp"
#include "runner/config/experiment.hpp"
#include "runner/sweep/groups.hpp"
#include "runner/sweep/run_folder.hpp"
#include "runner/sweep/services.hpp"
#include "runner/sweep/trial_keys.hpp"

namespace aesweep {

struct SweepPlan {
  const Experiment& experiment;
  const Catalogue& catalogue;
  const SweepServices& services;
  Dataset data;
  RunFolder folder;
  std::vector<SweepTrial> trials;  // Those that run.
  std::vector<Group> groups;
  DatasetLayout layout{};
};

// The number of retries is not in this version: each trial has one attempt.
inline constexpr int kAttempt = 1;

}  // namespace aesweep
