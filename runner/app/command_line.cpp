#include "runner/app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <exception>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "runner/app/launcher.hpp"
#include "runner/app/version.hpp"

namespace aesweep {
namespace {

constexpr int kBadCall = 2;

constexpr const char* kNoCommand = "expected a command: run, plan or plugins; see aesweep --help";

constexpr const char* kStatuses =
    "Exit status: 0 done (diverged trials included), 1 a trial failed, 2 wrong call, experiment "
    "or\n"
    "data, 3 a fault of disk, MPI or plugin.\n";

constexpr const char* kOverview =
    "Examples:\n"
    "  aesweep plan experiments/quickstart.yaml\n"
    "  mpirun -n 2 aesweep run experiments/quickstart.yaml -o runs/first\n"
    "  aesweep run --help\n\n";

constexpr const char* kRunExamples =
    "Examples:\n"
    "  mpirun -n 2 aesweep run experiments/quickstart.yaml\n"
    "  aesweep run experiments/quickstart.yaml -o runs/short --set train.epochs=1\n\n"
    "Without mpirun there is one rank. The folder receives results.h5, run.log, a copy of the\n"
    "experiment and one file per trial; a folder that already holds something is refused.\n\n"
    "SIGINT (Ctrl-C) or SIGTERM ends a run with status 130 or 143, or the launcher's own status.\n"
    "The folder then holds the files of finished trials, run.log, no results.h5, and perhaps\n"
    "temporary files .*.tmp that may be deleted.\n\n";

constexpr const char* kPlanExamples =
    "Examples:\n"
    "  aesweep plan experiments/quickstart.yaml\n"
    "  aesweep plan experiments/mnist_sparse.yaml --ranks 8 --data-dir /data\n\n";

constexpr const char* kPluginsExamples =
    "Examples:\n"
    "  aesweep plugins\n"
    "  aesweep plugins /home/me/plugins/my_activation.so\n\n";

// "key=value", as often as it was given.
Status split_overrides(const std::vector<std::string>& pairs, std::vector<Override>& out) {
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Status::input(text("--set ", pair, ": expected KEY=VALUE, such as train.epochs=1"));
    }
    out.push_back({pair.substr(0, equals), pair.substr(equals + 1)});
  }
  return {};
}

int refuse(const std::string& message) {
  const std::string line = "aesweep: " + message + "\n";
  std::fputs(line.c_str(), stderr);
  return kBadCall;
}

// Everything that CLI11 writes to, for the length of one parse.
class Parser {
 public:
  Parser() {
    app_.set_version_flag(
        "--version", [] { return version_text(); },
        "Print versions of everything that can change a result, and exit");
    app_.set_help_flag("-h,--help", "Print this help and exit");
    app_.footer(std::string(kOverview) + kStatuses);
    app_.require_subcommand(0, 1);  // None is refused below, after unknown options.
    add_run();
    add_plan();
    add_plugins();
  }

  Command parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& answer) {  // Help or version was asked for.
      return ExitNow{app_.exit(answer)};
    } catch (const CLI::ParseError& error) {
      return ExitNow{refuse(text(error.what(), "; see ", asked_command(), " --help"))};
    }
    const Status split = split_overrides(pairs_, experiment_.overrides);
    if (!split.ok()) return ExitNow{refuse(split.message())};
    if (run_->parsed()) {
      if (output_->count() > 0 && run_options_.folder.empty()) {
        return ExitNow{refuse("-o: the folder's name is empty; see aesweep run --help")};
      }
      run_options_.experiment = experiment_;
      return run_options_;
    }
    if (plan_->parsed()) {
      plan_options_.experiment = experiment_;
      return plan_options_;
    }
    if (plugins_->parsed()) return plugins_options_;
    return ExitNow{refuse(kNoCommand)};
  }

 private:
  void add_experiment(CLI::App* command) {
    command->add_option("EXPERIMENT", experiment_.path, "The experiment, a YAML file")->required();
    command
        ->add_option("--data-dir", experiment_.data_dir,
                     "Folder that holds data-set folders such as mnist/")
        ->envname("AESWEEP_DATA_DIR");
    command
        ->add_option("--set", pairs_,
                     "KEY=VALUE: set a key of the experiment before it is expanded; a swept key"
                     " becomes constant. May be repeated")
        ->allow_extra_args(false);
  }

  void add_run() {
    run_ = app_.add_subcommand("run", "Train every trial of an experiment and write results.h5");
    add_experiment(run_);
    output_ = run_->add_option("-o,--output", run_options_.folder,
                               "Folder for the results; runs/<experiment name> if not given");
    run_->add_flag("--accept-mixed-nodes", run_options_.accept_mixed_nodes,
                   "Go on where ranks differ in program, plugins or arithmetic; the results are"
                   " marked as not reproducible");
    run_->footer(std::string(kRunExamples) + kStatuses);
  }

  void add_plan() {
    plan_ = app_.add_subcommand("plan", "Show what a run would do, without doing it");
    add_experiment(plan_);
    plan_options_.ranks = launch_place().ranks;
    plan_
        ->add_option("--ranks", plan_options_.ranks,
                     "Ranks to plan for; by default those of the launcher")
        ->capture_default_str()
        ->check(CLI::Range(1, 1 << 20));
    plan_->footer(std::string(kPlanExamples) + kStatuses);
  }

  void add_plugins() {
    plugins_ = app_.add_subcommand("plugins", "List components, their parameters and libraries");
    plugins_->add_option("LIBRARY", plugins_options_.libraries,
                         "Absolute paths of more plugin libraries to load and list");
    plugins_->footer(std::string(kPluginsExamples) + kStatuses);
  }

  // "aesweep run" once `run` was read, else "aesweep".
  [[nodiscard]] std::string asked_command() const {
    for (const CLI::App* command : {run_, plan_, plugins_}) {
      if (command->count() > 0) return "aesweep " + command->get_name();
    }
    return "aesweep";
  }

  CLI::App app_{
      "aesweep runs sweeps of sparse and binary autoencoders over MPI ranks: experiments in YAML,\n"
      "components from plugin libraries, results in one HDF5 file.",
      "aesweep"};
  CLI::App* run_ = nullptr;
  CLI::App* plan_ = nullptr;
  CLI::App* plugins_ = nullptr;
  CLI::Option* output_ = nullptr;
  ExperimentOptions experiment_;
  std::vector<std::string> pairs_;
  RunOptions run_options_;
  PlanOptions plan_options_;
  PluginsOptions plugins_options_;
};

}  // namespace

Command parse_command_line(int argc, const char* const* argv) {
  const std::vector<std::string> commands = {"run", "plan", "plugins"};
  if (argc < 2) return ExitNow{refuse(kNoCommand)};
  const std::string first = argv[1];
  if (!first.starts_with('-') &&
      std::find(commands.begin(), commands.end(), first) == commands.end()) {
    return ExitNow{refuse(text("unknown command '", first, "'", did_you_mean(first, commands),
                               "; expected run, plan or plugins; see aesweep --help"))};
  }
  try {
    return Parser().parse(argc, argv);
  } catch (const std::exception& error) {  // A mistake in the declarations above.
    return ExitNow{refuse(text("cannot read the command line: ", error.what()))};
  }
}

}  // namespace aesweep
