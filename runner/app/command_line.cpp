#include "runner/app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/codes/packed_codes.hpp"
#include "runner/app/launcher.hpp"
#include "runner/app/version.hpp"

namespace aesweep {
namespace {

constexpr int kBadCall = 2;

constexpr const char* kNoCommand =
    "expected a command: run, plan, status, validate, rebuild, encode, search, render, plugins "
    "or plugin; see aesweep --help";
constexpr const char* kNoPluginCommand =
    "expected plugin new or plugin check; see aesweep plugin --help";

constexpr const char* kStatuses =
    "Exit status: 0 done (diverged trials included), 1 a trial failed, 2 wrong call, experiment "
    "or\n"
    "data, 3 a fault of disk, MPI or plugin, 75 stopped on request: resume it; 128 + the "
    "signal's\n"
    "number where one ended the program, as 134 or 139 for a plugin that crashes.\n";

constexpr const char* kOverview =
    "Examples:\n"
    "  aesweep plan experiments/quickstart.yaml\n"
    "  mpirun -n 2 aesweep run experiments/quickstart.yaml -o runs/first\n"
    "  aesweep run --help\n\n";

constexpr const char* kRunExamples =
    "Examples:\n"
    "  mpirun -n 2 aesweep run experiments/quickstart.yaml\n"
    "  aesweep run experiments/quickstart.yaml -o runs/short --set train.epochs=1\n\n"
    "  mpirun -n 2 aesweep run experiments/quickstart.yaml --resume=auto\n"
    "  aesweep run --supervise -n 2 experiments/quickstart.yaml\n\n"
    "Without mpirun there is one rank. The folder receives results.h5, run.log, the journal and "
    "the\n"
    "trials' files; one that already holds a run needs --resume or --extend.\n\n"
    "However a run ends, --resume goes on with it, on any number of ranks, to the same bits.\n"
    "SIGUSR1, SIGTERM or SIGINT (Ctrl-C) stops it at the next step with checkpoints, status 75; a\n"
    "second SIGTERM or SIGINT ends it at once. Under mpirun use SIGUSR1, which it passes on: "
    "after\n"
    "SIGTERM or SIGINT it kills the ranks a second later, and returns 1, 130 or 143 itself.\n"
    "docs/slurm.md has the batch script, docs/runs.md all about going on.\n\n";

constexpr const char* kStatusExamples =
    "Examples:\n"
    "  aesweep status runs/first\n"
    "  aesweep status runs/first --watch\n"
    "  aesweep status runs/first --json\n\n"
    "Reads alone, also while the run is at work, and needs no right to write. Its table shows the\n"
    "experiment's metric alone; --json has all.\n\n"
    "Exit status: 0 shown, 2 wrong call or no run there, 3 the journal is damaged or unreadable.\n";

constexpr const char* kValidateExamples =
    "Examples:\n"
    "  aesweep validate runs/first\n\n"
    "Reads alone. Prints a line for each problem, with what mends it. Not read are run.log and "
    "crash/;\n"
    "of lease and live.json, which have no checksum, only whether they can be.\n\n"
    "Exit status: 0 all is well, 2 wrong call or no run there, 3 something is wrong.\n";

constexpr const char* kRebuildExamples =
    "Examples:\n"
    "  aesweep rebuild runs/first\n\n"
    "Writes results.h5 again from the trials' files: the same bytes outside /runtime. Needs a run\n"
    "that no job is at work on.\n\n"
    "Exit status: 0 written, 2 wrong call or no run there, 3 a fault of the disk, or a job is at "
    "work.\n";

constexpr const char* kEncodeExamples =
    "Examples:\n"
    "  aesweep encode runs/first --trial 3 --split test --out test.npy\n"
    "  aesweep encode runs/first --trial 3 --data images.npy --binarize zero --out codes.faiss\n\n"
    "docs/codes.md has the files and what binary codes are.\n\n"
    "Exit status: 0 written, 2 wrong call, results or data, 3 a fault of disk or plugin.\n";

constexpr const char* kSearchExamples =
    "Examples:\n"
    "  aesweep search database.h5 --queries test.h5 -k 10\n"
    "  aesweep search database.faiss --queries test.faiss --radius 2 --out found.npy\n\n"
    "Both are files of bits, as aesweep encode --binarize writes them. Exact; among equal "
    "distances\n"
    "the lowest row comes first. docs/codes.md has what --out writes.\n\n"
    "Exit status: 0 found, 2 wrong call or codes, 3 a fault of the disk.\n";

constexpr const char* kRenderExamples =
    "Examples:\n"
    "  aesweep render runs/first --trial 3 --what filters\n"
    "  aesweep render runs/first --trial 3 --what codes --code-shape 4x16 --out codes.png\n"
    "  aesweep render runs/first --what reconstructions\n\n"
    "Without --trial: a contact sheet with a cell for each completed trial. docs/pictures.md has\n"
    "more.\n\n"
    "Exit status: 0 written, 2 wrong call or results, 3 a fault of the disk.\n";

constexpr const char* kPlanExamples =
    "Examples:\n"
    "  aesweep plan experiments/quickstart.yaml\n"
    "  aesweep plan experiments/mnist_sparse.yaml --ranks 8 --data-dir /data\n\n";

constexpr const char* kPluginsExamples =
    "Examples:\n"
    "  aesweep plugins\n"
    "  aesweep plugins my_activation/b/libmy_activation.so\n\n";

constexpr const char* kPluginExamples =
    "Examples:\n"
    "  aesweep plugin new --kind activation my_activation\n"
    "  cmake -S my_activation -B my_activation/b && cmake --build my_activation/b\n"
    "  aesweep plugin check my_activation/b/libmy_activation.so\n\n"
    "docs/plugins.md takes a plugin from formula to experiment.\n\n";

constexpr const char* kPluginNewExamples =
    "Examples:\n"
    "  aesweep plugin new --kind activation my_activation\n"
    "  aesweep plugin new --kind activation --example learned my_threshold\n"
    "  aesweep plugin new --kind regularizer my_penalty\n\n"
    "Writes ./NAME with a CMakeLists.txt, the source, an experiment that uses it, and a "
    "README.md;\n"
    "touches nothing that is there already.\n\n"
    "Exit status: 0 written, 2 wrong call or the folder is there, 3 a fault of the disk.\n";

constexpr const char* kPluginCheckExamples =
    "Examples:\n"
    "  aesweep plugin check my_activation/b/libmy_activation.so\n"
    "  aesweep plugin check libmy_activation.so --json\n"
    "  aesweep plugin check libmy_activation.so --case gradient --in-process\n\n"
    "The library is code that runs as you: check only what you would run.\n\n"
    "Exit status: 0 every case passed, 1 a case failed, 2 wrong call, 3 the check itself failed.\n";

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
    add_run_folder_commands();
    add_plugins();
    add_plugin();
    add_render();
    add_encode();
    add_search();
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
    if (run_->parsed()) return run_command();
    if (status_->parsed()) {
      if (status_options_.json && status_options_.watch) {
        return ExitNow{refuse("--watch shows a text again and again; leave --watch or --json out")};
      }
      return status_options_;
    }
    if (validate_->parsed()) return validate_options_;
    if (rebuild_->parsed()) return rebuild_options_;
    if (encode_->parsed()) return encode_command();
    if (search_->parsed()) return search_command();
    if (render_->parsed()) return render_options_;
    if (plan_->parsed()) {
      plan_options_.experiment = experiment();
      return plan_options_;
    }
    if (plugins_->parsed()) return plugins_options_;
    if (plugin_new_->parsed()) return new_options_;
    if (plugin_check_->parsed()) return check_options_;
    if (plugin_->parsed()) return ExitNow{refuse(kNoPluginCommand)};
    return ExitNow{refuse(kNoCommand)};
  }

 private:
  void add_experiment(CLI::App* command) {
    command->add_option("EXPERIMENT", experiment_.path, "The experiment, a YAML file")->required();
    command->add_option("--data-dir", experiment_.data_dir,
                        "Folder that holds data-set folders such as mnist/; else AESWEEP_DATA_DIR");
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
    add_starts();
    add_supervision();
    run_->footer(std::string(kRunExamples) + kStatuses);
  }

  // How a job treats what is in the folder.
  void add_starts() {
    run_->add_flag("--resume", resume_,
                   "Go on with the run in the folder; --resume=auto begins it if there is none, and"
                   " waits until a job that has ended in disorder is known to be dead");
    run_->add_flag("--extend", extend_,
                   "Go on although the experiment was edited: trials that it still asks for are not"
                   " run again");
    run_->add_option("--rerun", rerun_,
                     "failed: run failed trials again, each from its beginning as another attempt;"
                     " damaged: those of which what was stored is missing or damaged")
        ->check(CLI::IsMember({"failed", "damaged"}));
    run_->add_flag("--accept-numerics", run_options_.accept_numerics,
                   "Go on although the arithmetic of these nodes gives other bits than that of the"
                   " nodes before; trials that it changes are marked as not reproducible");
  }

  void add_supervision() {
    run_->add_flag("--supervise", supervise_,
                   "Start mpirun with the ranks, and start it again after a crash; a trial that"
                   " crashed twice is given up");
    ranks_option_ = run_->add_option("-n", supervise_options_.ranks,
                                     "With --supervise: how many"
                                     " ranks")
                        ->capture_default_str()
                        ->check(CLI::Range(1, 1 << 20));
    launcher_option_ =
        run_->add_option("--launcher", supervise_options_.launcher,
                         "With --supervise: the command that starts ranks; -n N follows it")
            ->capture_default_str();
    // What a supervisor tells the jobs that it starts.
    run_->add_flag("--supervised", run_options_.supervised)->group("");
    run_->add_flag("--search-crash", run_options_.search_crash)->group("");
  }

  // What is wrong with a call of `run` as a whole.
  [[nodiscard]] Status check_run() const {
    if (output_->count() > 0 && run_options_.folder.empty()) {
      return Status::input("-o: the folder's name is empty");
    }
    if (!resume_.empty() && resume_ != "true" && resume_ != "auto") {
      return Status::input(text("--resume=", resume_, ": expected --resume or --resume=auto"));
    }
    if (extend_ && !resume_.empty()) {
      return Status::input("--extend goes on with the run by itself; leave --resume out");
    }
    if (!supervise_ && ranks_option_->count() > 0) {
      return Status::input("-n: only with --supervise; else mpirun -n N aesweep run ...");
    }
    if (!supervise_ && launcher_option_->count() > 0) {
      return Status::input("--launcher: only with --supervise");
    }
    if (supervise_ && (run_options_.supervised || launch_place().ranks > 1)) {
      return Status::input("--supervise starts mpirun itself; call it without a launcher");
    }
    const bool resumes = !resume_.empty() || extend_ || !rerun_.empty() || supervise_;
    if (run_options_.accept_numerics && !resumes) {
      return Status::input("--accept-numerics: a new run has nothing to differ from; leave it out");
    }
    return {};
  }

  Command run_command() {
    if (const Status status = check_run(); !status.ok()) {
      return ExitNow{refuse(status.message() + "; see aesweep run --help")};
    }
    RunOptions& run = run_options_;
    run.experiment = experiment();
    run.rerun_failed = rerun_ == "failed";
    run.rerun_damaged = rerun_ == "damaged";
    run.start = extend_                               ? StartMode::kExtend
                : resume_ == "auto"                   ? StartMode::kAuto
                : !resume_.empty() || !rerun_.empty() ? StartMode::kResume
                                                      : StartMode::kNew;
    if (!supervise_) return run;
    supervise_options_.run = run;
    supervise_options_.arguments = arguments_of_jobs();
    return supervise_options_;
  }

  // The variable is read here: CLI11 would read it for every command that has the option, and so
  // over what the call says.
  [[nodiscard]] ExperimentOptions experiment() const {
    ExperimentOptions options = experiment_;
    const char* variable = std::getenv("AESWEEP_DATA_DIR");
    if (options.data_dir.empty() && variable != nullptr) options.data_dir = variable;
    return options;
  }

  [[nodiscard]] std::vector<std::string> arguments_of_jobs() const {
    std::vector<std::string> arguments = {"run", experiment_.path};
    const auto add = [&](const char* option, const std::string& value) {
      if (!value.empty()) arguments.insert(arguments.end(), {option, value});
    };
    add("--data-dir", experiment_.data_dir);
    for (const std::string& pair : pairs_) add("--set", pair);
    add("-o", run_options_.folder);
    if (run_options_.accept_mixed_nodes) arguments.emplace_back("--accept-mixed-nodes");
    if (run_options_.accept_numerics) arguments.emplace_back("--accept-numerics");
    return arguments;
  }

  void add_run_folder_commands() {
    status_ = app_.add_subcommand("status", "Show how far a run is");
    status_->add_option("RUN", status_options_.folder, "The run's folder")->required();
    status_->add_flag("--json", status_options_.json, "Print one JSON object (docs/runs.md)");
    status_->add_flag("--watch", status_options_.watch,
                      "Show it every two seconds for as long as a job is at work");
    status_->footer(kStatusExamples);

    validate_ = app_.add_subcommand("validate", "Compare every file of a run with its journal");
    validate_->add_option("RUN", validate_options_.folder, "The run's folder")->required();
    validate_->footer(kValidateExamples);

    rebuild_ = app_.add_subcommand("rebuild", "Write results.h5 again from the trials' files");
    rebuild_->add_option("RUN", rebuild_options_.folder, "The run's folder")->required();
    rebuild_->footer(kRebuildExamples);
  }

  void add_encode() {
    encode_ = app_.add_subcommand("encode", "Write the codes that a trained network gives samples");
    EncodeOptions& o = encode_options_;
    encode_->add_option("RUN", o.run, "The run's folder, or its results.h5")->required();
    encode_->add_option("--trial", o.trial, "The trial's number")->required();
    CLI::Option* data =
        encode_->add_option("--data", o.data, "Samples: FILE, or FILE#NAME for one array of many");
    encode_->add_option("--split", o.split, "A split of the run's own data, in place of --data")
        ->check(CLI::IsMember({"train", "validation", "test"}))
        ->excludes(data);
    encode_->add_option("--data-dir", o.data_dir,
                        "Folder that holds data-set folders such as mnist/; else AESWEEP_DATA_DIR");
    encode_->add_option("--binarize", o.binarize, "Write bits, made in this way")
        ->check(CLI::IsMember({"zero", "mean", "median", "itq"}));
    encode_->add_option("--plugin", o.plugins, "A library that the trial needs. May be repeated")
        ->allow_extra_args(false);
    encode_->add_option("--out", o.out, "The file to write: .h5, .npy or .faiss")->required();
    encode_->footer(kEncodeExamples);
  }

  Command encode_command() {
    EncodeOptions& o = encode_options_;
    if (o.data.empty() && o.split.empty()) {
      return ExitNow{refuse("encode: give --data FILE or --split train|validation|test")};
    }
    const char* variable = std::getenv("AESWEEP_DATA_DIR");
    if (o.data_dir.empty() && variable != nullptr) o.data_dir = variable;
    return o;
  }

  void add_search() {
    search_ = app_.add_subcommand("search", "Find the nearest of binary codes, or all near ones");
    SearchOptions& o = search_options_;
    search_->add_option("DATABASE", o.database, "The codes to search, a file of bits")->required();
    search_->add_option("--queries", o.queries, "The codes to search for, a file of bits")
        ->required();
    CLI::Option* k = search_->add_option("-k", o.k, "Find so many nearest codes of each query")
                         ->check(CLI::Range(1, 1 << 30));
    search_->add_option("--radius", o.radius, "Find all that differ in at most so many bits")
        ->check(CLI::Range(0, kCodeBitsMax))
        ->excludes(k);
    search_->add_option("--out", o.out,
                        "A file to write, .csv, .npy or .h5; else a table is shown");
    search_->footer(kSearchExamples);
  }

  Command search_command() {
    if (!search_options_.k && !search_options_.radius) {
      return ExitNow{refuse("search: give -k N or --radius R; see aesweep search --help")};
    }
    return search_options_;
  }

  void add_render() {
    render_ = app_.add_subcommand("render", "Draw a trial, or all of a sweep, as a PNG file");
    RenderOptions& o = render_options_;
    const CLI::Range positive(1, 1 << 20);
    render_->add_option("RUN", o.run, "The run's folder, or its results.h5")->required();
    render_->add_option("--what", o.what, "Which picture")
        ->required()
        ->check(CLI::IsMember({"filters", "reconstructions", "codes", "difference", "histogram"}));
    render_->add_option("--trial", o.trial, "The trial's number; without: a contact sheet of all");
    render_->add_option("--layer", o.layer, "Whose weights; by default the code's");
    render_->add_option("--weights", o.weights, "initial or final")
        ->capture_default_str()
        ->check(CLI::IsMember({"initial", "final"}));
    render_->add_flag("--common-scale", o.common_scale, "One scale of colors for all filters");
    render_->add_option("--shape", o.shape, "Rows x columns of an input, as 28x28");
    render_->add_option("--code-shape", o.code_shape, "Rows x columns of a code, as 4x16");
    render_->add_option("--columns", o.columns, "Images, or trials of a contact sheet, in a row")
        ->check(positive);
    render_->add_option("--scale", o.scale, "Pixels per value and side")->check(CLI::Range(1, 64));
    render_->add_option("--limit", o.limit, "Draw the first so many filters, samples or trials")
        ->check(positive);
    render_->add_option("--out", o.out, "The file; by default named after picture and trial");
    render_->footer(kRenderExamples);
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
                         "More plugin libraries to load and list");
    plugins_->footer(std::string(kPluginsExamples) + kStatuses);
  }

  void add_plugin() {
    plugin_ = app_.add_subcommand("plugin", "Write a new plugin, or check one");
    plugin_->footer(std::string(kPluginExamples) + kStatuses);
    plugin_->require_subcommand(0, 1);

    plugin_new_ = plugin_->add_subcommand("new", "Write a project that builds a plugin");
    plugin_new_
        ->add_option("NAME", new_options_.name, "Of folder, library and component: [a-z][a-z0-9_]*")
        ->required();
    plugin_new_
        ->add_option("--kind", new_options_.kind,
                     "activation, layer, regularizer, quantizer, loss or optimizer")
        ->required()
        ->check(CLI::IsMember(
            {"activation", "layer", "regularizer", "quantizer", "loss", "optimizer"}));
    plugin_new_->add_option("--example", new_options_.example,
                            "Which example to start from; for activations learned, one with a"
                            " learned parameter per unit");
    plugin_new_->footer(kPluginNewExamples);

    plugin_check_ =
        plugin_->add_subcommand("check", "Run the conformance cases on a plugin library");
    plugin_check_->add_option("LIBRARY", check_options_.library, "The plugin, libNAME.so")
        ->required();
    plugin_check_->add_flag("--json", check_options_.json, "Print the verdicts as JSON");
    plugin_check_->add_flag("--in-process", check_options_.in_process,
                            "Run the cases in this process, for a debugger");
    plugin_check_->add_option("--case,--only", check_options_.only,
                              "Run the case of this name alone");
    plugin_check_->add_option("--seconds", check_options_.seconds, "Time limit of each case")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 86400.0));
    plugin_check_->footer(kPluginCheckExamples);
  }

  // "aesweep run" once `run` was read, "aesweep plugin new", or else "aesweep".
  [[nodiscard]] std::string asked_command() const {
    for (const CLI::App* command : {plugin_new_, plugin_check_}) {
      if (command->count() > 0) return "aesweep plugin " + command->get_name();
    }
    for (const CLI::App* command : {run_, plan_, status_, validate_, rebuild_, encode_, search_,
                                    render_, plugins_, plugin_}) {
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
  CLI::App* status_ = nullptr;
  CLI::App* validate_ = nullptr;
  CLI::App* rebuild_ = nullptr;
  CLI::App* encode_ = nullptr;
  CLI::App* search_ = nullptr;
  CLI::App* render_ = nullptr;
  CLI::App* plugins_ = nullptr;
  CLI::App* plugin_ = nullptr;
  CLI::App* plugin_new_ = nullptr;
  CLI::App* plugin_check_ = nullptr;
  CLI::Option* output_ = nullptr;
  CLI::Option* ranks_option_ = nullptr;
  CLI::Option* launcher_option_ = nullptr;
  ExperimentOptions experiment_;
  std::vector<std::string> pairs_;
  std::string resume_;  // "true" for the flag alone.
  bool extend_ = false;
  std::string rerun_;
  bool supervise_ = false;
  RunOptions run_options_;
  SuperviseOptions supervise_options_;
  StatusOptions status_options_;
  ValidateOptions validate_options_;
  RebuildOptions rebuild_options_;
  EncodeOptions encode_options_;
  SearchOptions search_options_;
  RenderOptions render_options_;
  PlanOptions plan_options_;
  PluginsOptions plugins_options_;
  PluginNewOptions new_options_;
  PluginCheckOptions check_options_;
};

}  // namespace

Command parse_command_line(int argc, const char* const* argv) {
  const std::vector<std::string> commands = {"run",    "plan",   "status", "validate", "rebuild",
                                             "encode", "search", "render", "plugins",  "plugin"};
  if (argc < 2) return ExitNow{refuse(kNoCommand)};
  const std::string first = argv[1];
  if (!first.starts_with('-') &&
      std::find(commands.begin(), commands.end(), first) == commands.end()) {
    return ExitNow{refuse(text("unknown command '", first, "'", did_you_mean(first, commands),
                               "; expected run, plan, status, validate, rebuild, encode, "
                               "search, render, plugins or plugin; see aesweep --help"))};
  }
  try {
    return Parser().parse(argc, argv);
  } catch (const std::exception& error) {  // A mistake in the declarations above.
    return ExitNow{refuse(text("cannot read the command line: ", error.what()))};
  }
}

}  // namespace aesweep
