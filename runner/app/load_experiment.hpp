// From an experiment's bytes to its trials: built-in plugins, the file, its own plugins, expansion.
#pragma once

#include <string>

#include "core/base/status.hpp"
#include "core/model/catalogue.hpp"
#include "runner/app/command_line.hpp"
#include "runner/config/experiment.hpp"
#include "runner/plugin_host/probe.hpp"

namespace aesweep {

// The bytes of the experiment's file, of at most the size that the reader accepts.
[[nodiscard]] Result<std::string> read_experiment(const std::string& path);

// Fills `catalogue` with the built-in components and those of the libraries that the file names,
// tried out by the probe, and resolves the trials; weights that they start from are read.
// options.path names the file in messages and anchors relative paths.
[[nodiscard]] Result<Experiment> load_experiment(std::string bytes,
                                                 const ExperimentOptions& options,
                                                 PluginProbe& probe, Catalogue& catalogue);

}  // namespace aesweep
