// What a stored trial was made of, compared with what is here: its components and its data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/base/status.hpp"
#include "core/data/dataset.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"
#include "runner/config/experiment.hpp"
#include "runner/plugin_host/probe.hpp"
#include "runner/store/results_reader.hpp"

namespace aesweep {

struct StoredOrigin {
  const ResultsReader& results;
  StoredTrial trial;
  std::string config;  // Of the trial, resolved.
};

// The run's own data, in a block of this process's own.
struct RunData {
  Buffer<std::byte> block;
  Dataset dataset;
};

// The experiment of the run's last job, its relative paths anchored where that job's were.
[[nodiscard]] Result<Document> stored_experiment(const ResultsReader& results);

// Fills the catalogue: built-in components, then the libraries at `plugins`, then those that the
// experiment names, but for ones that are not there or that `plugins` has under the same file name.
[[nodiscard]] Status load_components(const Document& document,
                                     const std::vector<std::string>& plugins, PluginProbe& probe,
                                     Catalogue& catalogue);

// An input fault where a component comes from another library than the run used. Built-in ones of
// another build are a line in `warnings`.
[[nodiscard]] Status check_components(const StoredOrigin& origin, const TrialSpec& spec,
                                      const Catalogue& catalogue,
                                      std::vector<std::string>& warnings);

// The data of the experiment, found by data_dir, where the run found them, or from the present
// folder; an input fault where the trial's key says that it was trained on other data.
[[nodiscard]] Result<std::unique_ptr<RunData>> load_trial_data(const StoredOrigin& origin,
                                                               const std::string& data_dir,
                                                               const TrialSpec& spec,
                                                               const Catalogue& catalogue);

}  // namespace aesweep
