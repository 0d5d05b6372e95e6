// The command line of aesweep: what can be asked for, and how a wrong call is answered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runner/config/experiment.hpp"
#include "runner/sweep/sweep.hpp"

namespace aesweep {

// What `run` and `plan` share: which experiment, and how it is changed.
struct ExperimentOptions {
  std::string path;
  std::string data_dir;  // --data-dir, else AESWEEP_DATA_DIR, else empty.
  std::vector<Override> overrides;
};

struct RunOptions {
  ExperimentOptions experiment;
  std::string folder;  // Empty: runs/<name of the experiment>.
  StartMode start = StartMode::kNew;
  bool rerun_failed = false;
  bool rerun_damaged = false;
  bool accept_mixed_nodes = false;
  bool accept_numerics = false;
  bool supervised = false;    // Set by a supervisor for the jobs that it starts.
  bool search_crash = false;  // The same.
};

// run --supervise: starts the launcher, and starts it again.
struct SuperviseOptions {
  RunOptions run;
  // Of the command line, for the jobs: "run", the experiment, --data-dir, --set, -o and what is
  // accepted. How a job starts (run.start, run.rerun_...) is the supervisor's to add: what was
  // asked for to the first job, --resume=auto to the others.
  std::vector<std::string> arguments;
  int ranks = 1;                    // -n
  std::string launcher = "mpirun";  // --launcher: a command, split at blanks; "-n N" follows it.
};

struct StatusOptions {
  std::string folder;
  bool json = false;
  bool watch = false;
};

struct ValidateOptions {
  std::string folder;
};

struct RebuildOptions {
  std::string folder;
};

struct EncodeOptions {
  std::string run;  // A run's folder, or its results.h5.
  std::int64_t trial = 0;
  std::string data;                  // FILE or FILE#NAME; empty: a split of the run's own data.
  std::string split;                 // "train", "validation" or "test"; empty with `data`.
  std::string data_dir;              // As in ExperimentOptions.
  std::string binarize;              // A Binarization's name; empty: real codes.
  std::vector<std::string> plugins;  // Besides the built-in ones and those of the experiment.
  std::string out;
};

struct SearchOptions {
  std::string database;  // Files of codes.
  std::string queries;
  std::optional<std::int64_t> k;       // Either this,
  std::optional<std::int64_t> radius;  // or this.
  std::string out;                     // Empty: a table on stdout.
};

struct RenderOptions {
  std::string run;                    // A folder or a file.
  std::optional<std::int64_t> trial;  // None: a contact sheet of all.
  std::string what;
  std::string layer;
  std::string weights = "final";
  std::string shape;  // "28x28"; empty: by itself. code_shape as well.
  std::string code_shape;
  bool common_scale = false;
  std::int64_t columns = 0;  // 0: by itself; scale and limit as well.
  std::int64_t scale = 0;
  std::int64_t limit = 0;
  std::string out;  // Empty: named after the picture.
};

struct PlanOptions {
  ExperimentOptions experiment;
  int ranks = 1;
};

struct PluginsOptions {
  std::vector<std::string> libraries;  // Besides the built-in ones.
};

struct PluginNewOptions {
  std::string kind;     // One of the six.
  std::string name;     // As given; new_plugin checks it.
  std::string example;  // Empty: the simplest.
};

struct PluginCheckOptions {
  std::string library;
  bool json = false;
  bool in_process = false;
  std::string only;     // One case; empty: all.
  double seconds = 10;  // Time limit of a case.
};

// The call was answered (help, version) or refused, on stdout or stderr; nothing is left to do.
struct ExitNow {
  int status;
};

using Command = std::variant<ExitNow, RunOptions, SuperviseOptions, StatusOptions, ValidateOptions,
                             RebuildOptions, EncodeOptions, PlanOptions, PluginsOptions,
                             PluginNewOptions, PluginCheckOptions, RenderOptions, SearchOptions>;

// Never throws. Reads the environment for AESWEEP_DATA_DIR.
[[nodiscard]] Command parse_command_line(int argc, const char* const* argv);

}  // namespace aesweep
