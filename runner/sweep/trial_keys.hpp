// Trial keys: what makes two trials the same, and which trials of an experiment therefore run.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/model/catalogue.hpp"
#include "runner/config/experiment.hpp"

namespace aesweep {

// The components that a trial uses, each once, sorted by kind and name. Names that the catalogue
// lacks are left out: resolve_experiment has refused them.
[[nodiscard]] std::vector<const CatalogueEntry*> used_components(const TrialSpec& spec,
                                                                 const Catalogue& catalogue);

// What goes into a key.
struct KeyParts {
  std::string resolved;  // PlannedTrial::resolved
  std::string data_fingerprint;
  int numerics_version = 0;
  // Of the components used, sorted: "activation relu", and the SHA-256 of its library.
  std::vector<std::pair<std::string, std::string>> components;
};

[[nodiscard]] std::string key_of(const KeyParts& parts);

// 16 hexadecimal digits of the SHA-256 over all that a trial's result depends on beside the numeric
// fingerprint: resolved configuration, data, bytes of the plugins used, numerics version.
[[nodiscard]] std::string trial_key(const PlannedTrial& trial, const Catalogue& catalogue,
                                    const std::string& data_fingerprint);

struct SweepTrial {
  // The run's name for it, that the journal gives; in a new run its place among the trials that
  // differ.
  std::int64_t number = 0;
  std::string key;
  const PlannedTrial* plan = nullptr;  // Of the experiment, which must outlive this.
};

struct UniqueTrials {
  std::vector<SweepTrial> trials;
  struct Duplicate {
    const PlannedTrial* plan;
    std::size_t same_as;  // Place in `trials`.
  };
  std::vector<Duplicate> duplicates;
};

// The trials to run: the first one of each key, in order.
[[nodiscard]] UniqueTrials unique_trials(const Experiment& experiment, const Catalogue& catalogue,
                                         const std::string& data_fingerprint);

}  // namespace aesweep
