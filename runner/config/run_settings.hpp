// RunSettings: the sections of an experiment that hold for the run as a whole, not for one trial.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.hpp"
#include "core/model/spec.hpp"
#include "runner/config/data_reader.hpp"
#include "runner/config/experiment.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

struct RunSettings {
  std::string name;    // Empty if not given.
  std::string metric;  // Empty if not given.
  Mark metric_mark;
  Goal goal = Goal::kMinimize;
  int ranks_per_trial = 0;  // 0: automatic.
  std::int64_t trials_max = 0;
  RecordSpec record;
  std::int64_t best_weights = 0;  // record.weights: {best: k}; 0: no bound.
  CheckpointSpec checkpoint;
  RunLimits limits;
  DataSettings data;
};

// Reads every section of a normalized document but model, optimizer, train, evaluate and
// parameters.
[[nodiscard]] Result<RunSettings> read_run_settings(const std::string& file, const Node& document);

// The section `record` alone, of a document whose other sections may lack keys.
[[nodiscard]] Result<RecordSpec> read_record(const std::string& file, const Node& document);

}  // namespace aesweep
