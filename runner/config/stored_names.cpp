#include "runner/config/stored_names.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/text.hpp"
#include "core/train/metrics.hpp"
#include "runner/config/node.hpp"

namespace aesweep {
namespace {

std::string stored(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '/'; }, '_');
  return name;
}

// "x_y of layer code and y of layer code_x": the regularizers whose loss terms have this name.
std::string regularizers_of(const ModelSpec& model, const std::string& metric) {
  std::string all;
  for (const LayerSpec& layer : model.layers) {
    for (const RegularizerSpec& regularizer : layer.regularizers) {
      if (!metric.ends_with(text("/loss_", layer.name, '_', regularizer.name))) continue;
      all += text(all.empty() ? "" : " and ", regularizer.name, " of layer ", layer.name);
    }
  }
  return all;
}

}  // namespace

Status check_stored_keys(const std::string& file, std::span<const Axis> axes) {
  std::map<std::string, const Axis*> first;
  for (const Axis& axis : axes) {
    if (!axis.swept) continue;
    const auto [entry, is_new] = first.emplace(stored(axis.address.key), &axis);
    if (is_new) continue;
    const Address& other = entry->second->address;
    return fault_at(
        file, axis.address.mark, "parameters." + axis.address.key,
        text("the results file would store this key and ", other.key, " (line ", other.mark.line,
             ") both as ", entry->first, "; rename a layer or regularizer in one of them"));
  }
  return {};
}

Status check_stored_metrics(const ModelSpec& model, const Catalogue& catalogue) {
  std::set<std::string> names;
  for (const MetricInfo& metric : split_metrics("train", model, catalogue, 0.0)) {
    if (names.insert(stored(metric.name)).second) continue;
    return Status::input(text("the loss terms of regularizers ",
                              regularizers_of(model, metric.name), " would both be the metric ",
                              metric.name, "; rename one of them"));
  }
  return {};
}

}  // namespace aesweep
