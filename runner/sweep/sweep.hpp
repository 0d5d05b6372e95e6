// run_sweep: all trials of an experiment on all ranks of the world, from checks to results.h5.
//
// Called by every rank with equal arguments, after each has parsed the same experiment and loaded
// the same plugins. Rank 0 prints: progress and log lines to stderr and run.log, faults to stderr,
// and at the end a table of trials and the path of results.h5 to stdout.
//
// Returns the exit status of this rank. 0: every trial completed, was pruned or diverged. 1: a
// trial failed, or limits.max_failure_rate was reached. 2: bad input (data, model, a run folder in
// use, an experiment that is not the folder's); nothing was trained. 3: a fault of the world (a
// disk, ranks that differ, a lease that was lost). 75: left to be resumed (SIGUSR1, SIGTERM, SIGINT
// or limits.max_time), every group at a step boundary with a checkpoint. Only rank 0 returns
// another value than 0: all ranks end together, and a launcher ends the job as soon as one exits
// otherwise. Where ranks cannot end together the job is aborted with 3. A second signal ends the
// process at once. However it ends, the run can be resumed.
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

// What a job does with what is in the run folder.
enum class StartMode {
  kNew,     // There must be nothing.
  kResume,  // --resume: there must be a run of the same trials.
  kAuto,    // --resume=auto: begins or resumes; waits for another job's lease to run out.
  kExtend   // --extend: there must be a run; the experiment may ask for other trials.
};

struct SweepOptions {
  std::string output;  // Run folder; made if it is not there.
  StartMode start = StartMode::kNew;
  bool rerun_failed = false;        // --rerun failed: failed trials get another attempt.
  bool rerun_damaged = false;       // --rerun damaged: trials get one whose files are lost.
  bool accept_mixed_nodes = false;  // Train although executables or fingerprints differ.
  bool accept_numerics = false;     // Resume although the numeric fingerprint is another one now.
  bool supervised = false;          // Charge crashes to trials.
  bool search_crash = false;        // The last job crashed and nobody knows in which trial: run the
                                    // trials that were running one at a time first.
  std::string software_version;
  std::string revision;
  // More facts for /runtime of results.h5: BLAS, CPU, compiler...
  std::vector<std::pair<std::string, std::string>> runtime;
};

[[nodiscard]] int run_sweep(World& world, const SweepOptions& options, const Experiment& experiment,
                            const Catalogue& catalogue,
                            const SweepServices& services = real_services());

}  // namespace aesweep
