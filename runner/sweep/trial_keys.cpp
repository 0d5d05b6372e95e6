#include "runner/sweep/trial_keys.hpp"

#include <algorithm>
#include <map>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/math/fingerprint.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kKeyDigits = 16;

// Length first, so that no two lists of parts give the same bytes.
void add_part(Sha256& hash, const std::string& part) {
  hash.update(text(part.size(), ':'));
  hash.update(part);
}

}  // namespace

std::vector<const CatalogueEntry*> used_components(const TrialSpec& spec,
                                                   const Catalogue& catalogue) {
  std::map<std::pair<int, std::string>, const CatalogueEntry*> used;
  const auto use = [&](aesweep_kind kind, const ComponentSpec& component) {
    const CatalogueEntry* entry = catalogue.find(kind, component.name);
    if (entry != nullptr) used.emplace(std::pair(static_cast<int>(kind), component.name), entry);
  };
  for (const LayerSpec& layer : spec.model.layers) {
    use(AESWEEP_LAYER, layer.layer);
    if (layer.activation) use(AESWEEP_ACTIVATION, *layer.activation);
    for (const RegularizerSpec& regularizer : layer.regularizers) {
      use(AESWEEP_REGULARIZER, regularizer.component);
    }
    if (layer.quantizer) use(AESWEEP_QUANTIZER, *layer.quantizer);
    if (layer.optimizer) use(AESWEEP_OPTIMIZER, layer.optimizer->component);
  }
  use(AESWEEP_LOSS, spec.model.loss);
  use(AESWEEP_OPTIMIZER, spec.optimizer);
  std::vector<const CatalogueEntry*> entries;
  for (const auto& [name, entry] : used) entries.push_back(entry);
  return entries;
}

std::string key_of(const KeyParts& parts) {
  Sha256 hash;
  add_part(hash, parts.resolved);
  add_part(hash, parts.data_fingerprint);
  add_part(hash, text(parts.numerics_version));
  for (const auto& [component, sha256] : parts.components) {
    add_part(hash, component);
    add_part(hash, sha256);
  }
  return hash.finish().substr(0, kKeyDigits);
}

std::string trial_key(const PlannedTrial& trial, const Catalogue& catalogue,
                      const std::string& data_fingerprint) {
  KeyParts parts{trial.resolved, data_fingerprint, kNumericsVersion, {}};
  for (const CatalogueEntry* entry : used_components(trial.spec, catalogue)) {
    parts.components.emplace_back(text(kind_name(static_cast<aesweep_kind>(entry->component.kind)),
                                       ' ', entry->component.name),
                                  entry->library->sha256);
  }
  return key_of(parts);
}

UniqueTrials unique_trials(const Experiment& experiment, const Catalogue& catalogue,
                           const std::string& data_fingerprint) {
  UniqueTrials unique;
  std::map<std::string, std::size_t> place_of_key;
  for (const PlannedTrial& plan : experiment.trials) {
    std::string key = trial_key(plan, catalogue, data_fingerprint);
    const std::size_t place = unique.trials.size();
    const auto [known, is_new] = place_of_key.emplace(key, place);
    if (is_new) {
      unique.trials.push_back({static_cast<std::int64_t>(place), std::move(key), &plan});
    } else {
      unique.duplicates.push_back({&plan, known->second});
    }
  }
  return unique;
}

}  // namespace aesweep
