// A sweep without models, data files or HDF5: experiments and services for tests of run_sweep.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runner/config/experiment.hpp"
#include "runner/sweep/services.hpp"

namespace aesweep {

// `trials` trials whose seed is their number, with one swept parameter, train.seed.
[[nodiscard]] Experiment fake_experiment(int trials);

// What the services of one rank have seen.
struct FakeLog {
  std::vector<std::int64_t> trained;    // Seeds, in the order in which this rank trained them.
  std::vector<int> group_sizes;         // Of each of these.
  std::vector<std::string> results_of;  // Paths that the last whole one was made of.
  int refreshes = 0;                    // Of the tables.
  std::unique_ptr<RunRecord> results_record;  // Null: write_results was not called.
};

// Trials are one epoch of nothing whose metric test/mse is 1 / (1 + seed); every trial checks that
// all ranks of its group are in the same one. Files are small texts. `log` outlives the services.
[[nodiscard]] SweepServices fake_services(FakeLog& log);

}  // namespace aesweep
