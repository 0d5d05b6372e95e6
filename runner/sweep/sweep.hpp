// run_sweep: all trials of an experiment on all ranks of the world, from checks to results.h5.
//
// Called by every rank with equal arguments, after each has parsed the same experiment and loaded
// the same plugins. Rank 0 prints: progress and log lines to stderr and run.log, faults to stderr,
// and at the end a table of trials and the path of results.h5 to stdout.
//
// Returns the exit status of this rank. 0: every trial completed or diverged. 1: a trial failed.
// 2: bad input (data, model, a run folder in use); nothing was trained. 3: a fault of the world (a
// disk, ranks that differ); no results.h5 then. Only rank 0 returns another value than 0: all ranks
// end together, and a launcher ends the job as soon as one exits otherwise. Where ranks cannot end
// together the job is aborted with 3. SIGINT or SIGTERM at rank 0 while it trains aborts the job
// with 128 + the signal's number; finished trials stay, there is no results.h5.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/model/catalogue.hpp"
#include "runner/config/experiment.hpp"
#include "runner/sweep/groups.hpp"
#include "runner/sweep/services.hpp"

namespace aesweep {

class World;

struct SweepOptions {
  std::string output;               // Run folder; made if it is not there, must be empty.
  bool accept_mixed_nodes = false;  // Train although executables or fingerprints differ.
  std::string software_version;
  std::string revision;
  // More facts for /runtime of results.h5: BLAS, CPU, compiler...
  std::vector<std::pair<std::string, std::string>> runtime;
};

[[nodiscard]] int run_sweep(World& world, const SweepOptions& options, const Experiment& experiment,
                            const Catalogue& catalogue,
                            const SweepServices& services = real_services());

}  // namespace aesweep
