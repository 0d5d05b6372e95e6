#include "runner/app/run_command.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/model/catalogue.hpp"
#include "runner/app/crash_report.hpp"
#include "runner/app/launcher.hpp"
#include "runner/app/load_experiment.hpp"
#include "runner/app/plugin_probe.hpp"
#include "runner/app/version.hpp"
#include "runner/comm/world.hpp"
#include "runner/sweep/sweep.hpp"
#include "runner/watch/parent_death.hpp"

namespace aesweep {
namespace {

// Rank 0's view of a path holds for all ranks, whatever folder a launcher starts them in.
std::string absolute_path(const std::string& path) {
  if (path.empty()) return path;
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  return error ? path : whole.lexically_normal().string();
}

// Every rank reads the weights that trials start from; where they differ, so would results.
Status compare_weights(World& world, const Experiment& experiment) {
  std::string digests;
  for (const PlannedTrial& trial : experiment.trials) {
    if (trial.spec.model.given_weights) digests += trial.spec.model.given_weights->sha256 + "\n";
  }
  const bool same = world.broadcast(digests) == digests;
  if (same) return {};
  return Status::world(text("model.init_from: rank ", world.rank(), " on ", world.host(),
                            " reads other weights than rank 0; give all nodes the same files"));
}

// The experiment as every rank resolves it from rank 0's bytes; the catalogue is filled on the way.
// All ranks return the same status.
Result<Experiment> load_on_all_ranks(World& world, ExperimentOptions options, PluginProbe& probe,
                                     Catalogue& catalogue) {
  std::string bytes;
  Status status;
  if (world.rank() == 0) {
    Result<std::string> read = read_experiment(options.path);
    status = read.status();
    if (read.ok()) bytes = std::move(read).value();
  }
  if (status = world.agree(status); !status.ok()) return status;
  bytes = world.broadcast(std::move(bytes));
  options.path = world.broadcast(options.path);
  options.data_dir = world.broadcast(absolute_path(options.data_dir));

  Result<Experiment> experiment = load_experiment(std::move(bytes), options, probe, catalogue);
  status = experiment.status();
  // What is wrong on rank 0 is most often wrong everywhere; else one must know where to look.
  if (world.rank() != 0) status = status.in(text("rank ", world.rank(), " on ", world.host()));
  if (status = world.agree(status); !status.ok()) return status;
  if (status = world.agree(compare_weights(world, *experiment)); !status.ok()) return status;
  return experiment;
}

// Asks for an end in order: until the sweep can do that (runner/sweep/interrupt.hpp) it stays
// pending, as it would otherwise end the rank.
void hold_back_stop_request() {
  sigset_t request;
  ::sigemptyset(&request);
  ::sigaddset(&request, SIGUSR1);
  AESWEEP_CHECK(::pthread_sigmask(SIG_BLOCK, &request, nullptr) == 0, "cannot block a signal");
}

SweepOptions sweep_options(const RunOptions& options, const Experiment& experiment) {
  SweepOptions sweep;
  sweep.output = options.folder.empty() ? "runs/" + experiment.name : options.folder;
  sweep.start = options.start;
  sweep.rerun_failed = options.rerun_failed;
  sweep.rerun_damaged = options.rerun_damaged;
  sweep.accept_mixed_nodes = options.accept_mixed_nodes;
  sweep.accept_numerics = options.accept_numerics;
  sweep.supervised = options.supervised;
  sweep.search_crash = options.search_crash;
  sweep.software_version = software_version();
  sweep.revision = software_revision();
  sweep.runtime = platform_facts();
  return sweep;
}

// What a rank returns for an ending that all ranks agree on.
int agreed_status(const World& world, const Status& status) {
  if (world.rank() != 0) return 0;
  const std::string line = "aesweep: " + status.message() + "\n";
  std::fputs(line.c_str(), stderr);
  return static_cast<int>(status.fault());
}

}  // namespace

int run_experiment(const RunOptions& options) {
  hold_back_stop_request();
  const LaunchPlace place = launch_place();
  if (place.launched) die_with_parent();
  // Both come before MPI: the helper process must have nothing of it, and Open MPI sets handlers of
  // its own only for signals that have none.
  std::optional<PluginProbe> probe;
  Result<PluginProbe> started = start_plugin_probe();
  if (started.ok()) probe.emplace(std::move(started).value());
  report_crashes(place.rank);
  World world;
  if (const Status ready = world.agree(started.status()); !ready.ok()) {
    return agreed_status(world, ready);
  }
  Catalogue catalogue;
  Result<Experiment> experiment = load_on_all_ranks(world, options.experiment, *probe, catalogue);
  probe.reset();  // All libraries are loaded: training has its cores to itself.
  if (!experiment.ok()) return agreed_status(world, experiment.status());
  const Status armed = report_exits() ? Status() : Status::world("cannot register exit handlers");
  if (const Status all = world.agree(armed); !all.ok()) return agreed_status(world, all);
  const SweepOptions sweep = sweep_options(options, *experiment);
  return run_sweep(world, sweep, *experiment, catalogue);
}

}  // namespace aesweep
