// The command line of aesweep: what can be asked for, and how a wrong call is answered.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "runner/config/experiment.hpp"

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
  bool accept_mixed_nodes = false;
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

using Command = std::variant<ExitNow, RunOptions, PlanOptions, PluginsOptions, PluginNewOptions,
                             PluginCheckOptions>;

// Never throws. Reads the environment for AESWEEP_DATA_DIR.
[[nodiscard]] Command parse_command_line(int argc, const char* const* argv);

}  // namespace aesweep
