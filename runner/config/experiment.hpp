// Experiment: what a YAML file asks for, in two stages. parse_experiment reads the text and applies
// --set, so that the plugins it names can be loaded; resolve_experiment expands the sweep and fills
// in every default that the loaded components declare. docs/experiment.md describes the format.
//
// Both are functions of their arguments alone, but for looking which data exists and for reading
// given weights: every rank gets the same experiment from the same bytes. Every fault is an input
// fault whose message says "file:line:column: key: what was found, what was expected" ("--set: ..."
// for an override). Documents and experiments are plain values; any thread may use them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/source.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"
#include "runner/config/init_from.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// --set key=value
struct Override {
  std::string key;
  std::string value;  // A YAML scalar.
};

// A third-party plugin that an experiment names.
struct NamedPlugin {
  std::string path;   // Absolute.
  std::string where;  // "file:line:column: plugins[0]", for messages.
};

struct DocumentParts;

// A parsed experiment, not yet compared with any component.
class Document {
 public:
  // The third-party plugins that the experiment names, in its order.
  [[nodiscard]] const std::vector<NamedPlugin>& plugins() const;
  // Experiment::name.
  [[nodiscard]] const std::string& name() const;

  // For this folder: what was parsed (document.hpp).
  explicit Document(std::shared_ptr<const DocumentParts> parts) : parts_(std::move(parts)) {}
  [[nodiscard]] const DocumentParts& parts() const { return *parts_; }

 private:
  std::shared_ptr<const DocumentParts> parts_;
};

// `path` names the file in messages; relative paths in it are relative to its folder.
[[nodiscard]] Result<Document> parse_experiment(std::string bytes, std::string path,
                                                std::span<const Override> overrides);

struct PlannedTrial {
  std::string label;  // "units=100 lr=0.001": the swept keys, shortened.
  TrialSpec spec;
  // The swept keys in the order written. A key has one type in all trials; a component or a map is
  // shown by its label.
  std::vector<NamedParameter> parameters;
  // YAML of everything that affects the result, data path left out. Equal specs give equal texts.
  std::string resolved;
};

enum class Goal { kMinimize, kMaximize };

// When running trials are written down, so that they can go on after the job was killed.
struct CheckpointSpec {
  enum class Every { kNever, kSeconds, kSteps, kEpochs };
  Every unit = Every::kSeconds;
  double every = 60.0;    // In that unit; whole numbers for steps and epochs.
  std::int64_t keep = 2;  // Newest ones that are kept.
};

// What a job or a trial may not exceed; 0: no limit. Seconds.
struct RunLimits {
  double max_trial_time = 0.0;    // A trial's training, over all jobs: it ends as pruned.
  double max_time = 0.0;          // This job: it ends in time to write checkpoints, resumable.
  double max_failure_rate = 0.0;  // Failed of finished trials of this job: no other is begun.
  double stall = 60.0;            // Without progress of a rank: the job ends.
};

struct Experiment {
  std::string name;  // Fit for a folder's name.
  std::string path;
  std::string text;  // As given.
  std::vector<Override> overrides;
  DataSpec data;
  std::string metric;
  Goal goal = Goal::kMinimize;
  int ranks_per_trial = 0;  // 0: automatic.
  CheckpointSpec checkpoint;
  RunLimits limits;
  std::int64_t best_weights = 0;  // record.weights: {best: k}; 0: those of all trials, or of none.
  std::vector<PlannedTrial> trials;
  std::map<std::string, Mark> places;  // Where each key was written; those of --set are missing.
};

// The place in the file that a message of a later check is about, "path:line:column": of the key
// that it starts with, "model.layers.dec: ...: of: ..." included, or of the next one above it. The
// path alone where no such key was written.
[[nodiscard]] std::string place_of(const Experiment& experiment, std::string_view message);

// A fault of a later check with that place in front; as it is where its message starts with no key
// of the file, such as that of a data file.
[[nodiscard]] Status at_place(const Experiment& experiment, const Status& status);

// The keys in which two experiments differ, each as "optimizer.lr: 0.001 -> 0.002" in the order of
// the second; a key that one of them lacks has `(none)` there. Overrides are applied first. Keys
// without effect on results (resources, checkpoint, limits, name) are left out. Empty where they
// mean the same, or where the first text can no longer be parsed.
[[nodiscard]] std::vector<std::string> changed_keys(const std::string& before,
                                                    std::span<const Override> before_overrides,
                                                    const std::string& after,
                                                    std::span<const Override> after_overrides);

// The data alone, with its paths found as resolve_experiment finds them: no component is looked at
// and no given weights are read.
[[nodiscard]] Result<DataSpec> data_of(const Document& document, const std::string& data_dir);

// The folder that holds data sets from which data.path, as written, leads to `found`; empty where
// there is none.
[[nodiscard]] std::string data_folder_of(const Document& document, const std::string& found);

// `data_dir` is the folder that holds data-set folders; empty if none is configured. `weights`
// reads what model.init_from names (runner/weights); without it, that key is refused.
[[nodiscard]] Result<Experiment> resolve_experiment(const Document& document,
                                                    const Catalogue& catalogue,
                                                    const std::string& data_dir,
                                                    const WeightsReader& weights = {});

}  // namespace aesweep
