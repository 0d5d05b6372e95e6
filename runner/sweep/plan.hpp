// SweepPlan: what every rank of a sweep knows and none changes. A view: run_sweep keeps all of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/data/source.hpp"
#include "core/model/catalogue.hpp"
#include "runner/config/experiment.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/sweep/groups.hpp"
#include "runner/sweep/services.hpp"
#include "runner/sweep/trial_keys.hpp"

namespace aesweep {

struct SweepPlan {
  const Experiment& experiment;
  const Catalogue& catalogue;
  const SweepServices& services;
  Dataset data;
  RunFolder folder;
  std::vector<SweepTrial> trials;  // Those that the experiment asks for, finished ones too.
  std::vector<Group> groups;
  DatasetLayout layout{};
  std::string numeric_fingerprint{};
  // By library id: plugins that any rank found impure.
  std::map<std::string, std::string> impure{};
  bool mixed_nodes = false;  // Ranks that differ were accepted.
};

}  // namespace aesweep
