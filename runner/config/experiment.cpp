#include "runner/config/experiment.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <unordered_map>

#include "core/base/text.hpp"
#include "runner/config/canonical.hpp"
#include "runner/config/document.hpp"
#include "runner/config/paths.hpp"
#include "runner/config/places.hpp"
#include "runner/config/resolve.hpp"
#include "runner/config/stored_names.hpp"
#include "runner/config/values.hpp"

namespace aesweep {
namespace {

// Expands a document into trials.
class Expansion {
 public:
  Expansion(const DocumentParts& parts, const Catalogue& catalogue, const DataSpec& data,
            InitFromReader init_from)
      : parts_(parts),
        catalogue_(catalogue),
        data_(data),
        init_from_(std::move(init_from)),
        seen_(parts.axes.size()) {
    for (std::size_t i = 0; i < parts.axes.size(); ++i) order_.push_back(i);
    // A key before those below it: a component before its parameters.
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return depth(parts.axes[a]) < depth(parts.axes[b]);
    });
    name_axes();
  }

  [[nodiscard]] Result<std::vector<PlannedTrial>> trials() {
    std::vector<PlannedTrial> trials;
    trials.reserve(static_cast<std::size_t>(parts_.trials));
    for (std::int64_t number = 0; number < parts_.trials; ++number) {
      Result<PlannedTrial> trial = plan(grid_point(parts_.axes, number));
      if (!trial.ok()) return trial.status();
      trials.push_back(std::move(trial).value());
    }
    unify_types(trials);
    for (PlannedTrial& trial : trials) trial.label = label(trial);
    return trials;
  }

 private:
  static std::ptrdiff_t depth(const Axis& axis) {
    return std::count(axis.address.key.begin(), axis.address.key.end(), '.');
  }

  [[nodiscard]] Result<PlannedTrial> plan(const std::vector<std::int64_t>& point) {
    Node document = parts_.root;
    for (const std::size_t i : order_) {
      AxisValue value = parts_.axes[i].value(point[i]);
      value.node.origin = static_cast<std::int32_t>(i + 1);
      AESWEEP_RETURN_IF_ERROR(assign(parts_.path, document, parts_.axes[i].address, value.node));
    }
    for (const auto& [address, value] : parts_.late) {
      AESWEEP_RETURN_IF_ERROR(assign(parts_.path, document, address, value));
    }
    Result<ResolvedTrial> resolved = resolve_trial(parts_.path, document, parts_.axes,
                                                   parts_.settings.record, catalogue_, init_from_);
    if (!resolved.ok()) return resolved.status();
    PlannedTrial trial;
    trial.spec = std::move(resolved->spec);
    trial.resolved = canonical_text(trial.spec, data_);
    for (std::size_t i = 0; i < parts_.axes.size(); ++i) {
      const Axis& axis = parts_.axes[i];
      if (!axis.swept) continue;
      std::optional<ParameterValue>& typed = resolved->swept[i];
      ParameterValue value = typed ? std::move(*typed) : axis.value(point[i]).label;
      AESWEEP_RETURN_IF_ERROR(check_distinct(i, point[i], value));
      trial.parameters.emplace_back(axis.address.key, std::move(value));
    }
    return trial;
  }

  // Two values of an axis that mean the same would make two equal trials.
  [[nodiscard]] Status check_distinct(std::size_t axis_index, std::int64_t index,
                                      const ParameterValue& value) {
    const Axis& axis = parts_.axes[axis_index];
    const auto [first, is_new] = seen_[axis_index].emplace(shown(value), index);
    if (is_new || first->second == index) return {};
    const std::string path = "parameters." + axis.address.key;
    if (axis.range) {
      return fault_at(parts_.path, axis.range->mark, path,
                      text("the range gives ", shown(value),
                           " twice after rounding to whole numbers; lower count"));
    }
    return fault_at(parts_.path, axis.values[static_cast<std::size_t>(index)].node.mark,
                    text(path, ".values[", index, ']'),
                    text(shown(value),
                         " is there twice; give each value once, and each map its "
                         "own label"));
  }

  // One type for a key in all trials: numbers of two kinds become reals, other mixtures texts.
  static void unify_types(std::vector<PlannedTrial>& trials) {
    if (trials.empty()) return;
    for (std::size_t k = 0; k < trials.front().parameters.size(); ++k) {
      bool mixed = false;
      bool numbers = true;
      for (const PlannedTrial& trial : trials) {
        const ParameterValue& value = trial.parameters[k].second;
        mixed = mixed || value.index() != trials.front().parameters[k].second.index();
        numbers = numbers && (std::holds_alternative<double>(value) ||
                              std::holds_alternative<std::int64_t>(value));
      }
      if (!mixed) continue;
      for (PlannedTrial& trial : trials) {
        ParameterValue& value = trial.parameters[k].second;
        if (!numbers) {
          value = shown(value);
        } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
          value = static_cast<double>(*integer);
        }
      }
    }
  }

  // The shortest ends of the swept keys that tell them apart.
  void name_axes() {
    std::vector<std::vector<std::string>> keys;
    for (const Axis& axis : parts_.axes) {
      if (axis.swept) keys.push_back(parts_of(axis.address.key));
    }
    const auto tail = [](const std::vector<std::string>& parts, std::size_t count) {
      std::string name;
      for (std::size_t i = parts.size() - std::min(count, parts.size()); i < parts.size(); ++i) {
        name = joined(name, parts[i]);
      }
      return name;
    };
    for (const auto& key : keys) {
      std::size_t count = 1;
      const auto ambiguous = [&] {
        return std::count_if(keys.begin(), keys.end(), [&](const auto& other) {
                 return tail(other, count) == tail(key, count);
               }) > 1;
      };
      // "trial=3" would be read as the trial's own number.
      while (count < key.size() && (ambiguous() || tail(key, count) == "trial")) ++count;
      short_names_.push_back(tail(key, count));
    }
  }

  [[nodiscard]] std::string label(const PlannedTrial& trial) const {
    if (trial.parameters.empty()) return parts_.settings.name;
    std::string label;
    for (std::size_t k = 0; k < trial.parameters.size(); ++k) {
      label += text(k == 0 ? "" : " ", short_names_[k], '=', shown(trial.parameters[k].second));
    }
    return label;
  }

  const DocumentParts& parts_;
  const Catalogue& catalogue_;
  const DataSpec& data_;
  InitFromReader init_from_;
  std::vector<std::size_t> order_;
  std::vector<std::string> short_names_;
  // By axis: which values were met, and at which index.
  std::vector<std::unordered_map<std::string, std::int64_t>> seen_;
};

// What decides a trial's metrics, beside the names of layers and regularizers, which are the same
// in all trials.
std::string metrics_key(const ModelSpec& model) {
  std::string key = model.target == Target::kLabels ? "labels" : "input";
  for (const LayerSpec& layer : model.layers) key += layer.quantizer ? " quantized" : " real";
  return key;
}

// Checks every trial against the data and the metric that trials are compared by.
Status check_trials(const DocumentParts& parts, const Experiment& experiment,
                    const Catalogue& catalogue) {
  const Node& model = *find(parts.root, "model");
  const Mark metric_mark =
      parts.settings.metric.empty() ? parts.root.mark : parts.settings.metric_mark;
  std::set<std::string> seen;
  for (const PlannedTrial& trial : experiment.trials) {
    if (!seen.insert(metrics_key(trial.spec.model)).second) continue;
    const Status target = check_target(trial.spec.model, experiment.data);
    if (!target.ok()) {
      const Node* given = find(model, "target");
      return fault_at(parts.path, given == nullptr ? model.mark : given->mark, "model.target",
                      target.message());
    }
    const Status metric = check_metric(experiment.metric, trial.spec, experiment.data, catalogue);
    if (metric.ok()) continue;
    return fault_at(parts.path, metric_mark, "metric.name", metric.message());
  }
  return {};
}

// Replaces each path of the data by what it leads to.
Status find_paths(const DocumentParts& parts, const std::string& data_dir, DataSpec& data) {
  const Wanted wanted = data.source == DataSpec::Source::kIdx ? Wanted::kFolder : Wanted::kFile;
  const std::pair<const char*, std::string*> paths[] = {{"path", &data.path},
                                                        {"labels", &data.labels},
                                                        {"test_path", &data.test_path},
                                                        {"test_labels", &data.test_labels}};
  for (const auto& [key, path] : paths) {
    if (path->empty()) continue;
    Result<std::string> found = find_data(parts.path, *path, data_dir, wanted);
    if (!found.ok()) {
      return fault_at(parts.path, parts.settings.data.paths.at(key), joined("data", key),
                      found.status().message());
    }
    *path = std::move(found).value();
  }
  return {};
}

}  // namespace

Result<DataSpec> data_of(const Document& document, const std::string& data_dir) {
  const DocumentParts& parts = document.parts();
  DataSpec data = parts.settings.data.spec;
  AESWEEP_RETURN_IF_ERROR(find_paths(parts, data_dir, data));
  return data;
}

std::string data_folder_of(const Document& document, const std::string& found) {
  const std::filesystem::path written = document.parts().settings.data.spec.path;
  if (written.empty() || written.is_absolute()) return "";
  const std::string end = "/" + written.lexically_normal().string();
  return found.ends_with(end) ? found.substr(0, found.size() - end.size()) : "";
}

Result<Experiment> resolve_experiment(const Document& document, const Catalogue& catalogue,
                                      const std::string& data_dir, const WeightsReader& weights) {
  const DocumentParts& parts = document.parts();
  const RunSettings& settings = parts.settings;
  Experiment experiment;
  experiment.name = settings.name;
  experiment.path = parts.path;
  experiment.text = parts.text;
  experiment.overrides = parts.overrides;
  experiment.goal = settings.goal;
  experiment.ranks_per_trial = settings.ranks_per_trial;
  experiment.checkpoint = settings.checkpoint;
  experiment.limits = settings.limits;
  experiment.best_weights = settings.best_weights;
  experiment.data = settings.data.spec;
  AESWEEP_RETURN_IF_ERROR(check_stored_keys(parts.path, parts.axes));
  InitFromReader init_from(parts.path, data_dir, weights);
  Result<std::vector<PlannedTrial>> trials =
      Expansion(parts, catalogue, experiment.data, std::move(init_from)).trials();
  if (!trials.ok()) return trials.status();
  experiment.trials = std::move(trials).value();
  // Layers and regularizers have the same names in all trials: those cannot be swept.
  const Status names = check_stored_metrics(experiment.trials.front().spec.model, catalogue);
  if (!names.ok()) {
    const Node& model = *find(parts.root, "model");
    return fault_at(parts.path, find(model, "layers")->mark, "model.layers", names.message());
  }
  experiment.metric = settings.metric.empty() ? default_metric(experiment.trials.front().spec.model)
                                              : settings.metric;
  experiment.places = places_of(parts);
  AESWEEP_RETURN_IF_ERROR(check_trials(parts, experiment, catalogue));
  AESWEEP_RETURN_IF_ERROR(find_paths(parts, data_dir, experiment.data));
  return experiment;
}

}  // namespace aesweep
