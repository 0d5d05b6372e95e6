#include "core/train/metrics.hpp"

#include <algorithm>
#include <limits>

#include "core/base/text.hpp"

namespace aesweep {

void SplitSums::clear(std::size_t term_count, std::size_t units) {
  rows = 0;
  terms.assign(term_count, 0.0);
  error = 0.0;
  code_sum = 0.0;
  unit_counts.assign(units, 0);
  flips.clear();
}

namespace {

// "l1: coefficient * sum |x|, reduction mean": a component's own formula and how it is averaged.
std::string formula_of(const Catalogue& catalogue, aesweep_kind kind, const ComponentSpec& spec) {
  std::string formula = spec.name;
  const CatalogueEntry* entry = catalogue.find(kind, spec.name);
  if (entry != nullptr && entry->component.summary != nullptr) {
    formula += text(": ", entry->component.summary);
  }
  for (const auto& [name, value] : spec.parameters) {
    if (const auto* word = std::get_if<std::string>(&value))
      formula += text(", ", name, ' ', *word);
  }
  return formula;
}

// What counts as a change of a weight from one step to the next.
std::string flip_formula(const Catalogue& catalogue, const ComponentSpec& quantizer) {
  const CatalogueEntry* entry = catalogue.find(AESWEEP_QUANTIZER, quantizer.name);
  const bool moving = entry != nullptr && (entry->component.flags & AESWEEP_MOVING_SCALE) != 0;
  return text("fraction of the layer's quantized weights ",
              moving ? "whose sign (-1, 0 or 1) differs" : "that differ",
              " from the training step before; mean over the epoch's steps, without the trial's "
              "first");
}

}  // namespace

std::vector<MetricInfo> split_metrics(const std::string& split, const ModelSpec& model,
                                      const Catalogue& catalogue, double threshold) {
  const std::string active = text("|a| > ", threshold);
  std::vector<MetricInfo> metrics;
  const auto add = [&](const std::string& name, const std::string& formula) {
    metrics.push_back({split + "/" + name, "1", formula});
  };
  const auto add_penalties = [&](RegularizerTarget target, const char* of) {
    for (const LayerSpec& layer : model.layers) {
      for (const RegularizerSpec& r : layer.regularizers) {
        if (r.on != target) continue;
        add("loss_" + layer.name + "_" + r.name,
            formula_of(catalogue, AESWEEP_REGULARIZER, r.component) + of + layer.name);
      }
    }
  };
  add("loss", "sum of all loss terms; mean over the split's samples");
  const bool by_label = model.target == Target::kLabels;
  add(by_label ? "loss_prediction" : "loss_reconstruction",
      formula_of(catalogue, AESWEEP_LOSS, model.loss) + "; mean over the split's samples");
  add_penalties(RegularizerTarget::kActivations, "; x: the activations of ");
  add_penalties(RegularizerTarget::kWeights, "; x: the weights of ");
  if (by_label) {
    add("error",
        "fraction of samples whose largest prediction, the first of equal ones, is not at the "
        "label");
  } else {
    add("mse", "sum (x - y)^2 / (N D)");
    add("fvu",
        "sum (x - y)^2 / sum (x - column mean of x)^2 over the split; NaN if x does not vary");
  }
  add("l0", text("mean over samples of the number of code units with ", active));
  add("dead", text("fraction of code units with ", active, " for no sample of the split"));
  add("mean_activation", "sum a / (N K) over samples and code units");
  if (split != "train") return metrics;
  for (const LayerSpec& layer : model.layers) {
    if (!layer.quantizer) continue;
    add("flip_ratio_" + layer.name, flip_formula(catalogue, *layer.quantizer));
  }
  return metrics;
}

MetricInfo recovery_metric() {
  return {"dictionary/recovery", "1",
          "mean over true atoms of the cosine with the decoder row assigned to it; one-to-one "
          "assignment that maximises the sum"};
}

std::vector<double> measure(const SplitSums& sums, Target target, std::int64_t cols,
                            double variation) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const double rows = static_cast<double>(sums.rows);
  const double units = static_cast<double>(sums.unit_counts.size());
  double total = 0.0;
  for (const double term : sums.terms) total += term / rows;
  std::vector<double> values = {total};
  for (const double term : sums.terms) values.push_back(term / rows);
  std::uint64_t active = 0;
  for (const std::uint64_t count : sums.unit_counts) active += count;
  const auto dead = std::count(sums.unit_counts.begin(), sums.unit_counts.end(), 0u);
  if (target == Target::kLabels) {
    values.push_back(sums.error / rows);
  } else {
    values.push_back(sums.error / (rows * static_cast<double>(cols)));
    values.push_back(variation > 0.0 ? sums.error / variation : kNone);
  }
  values.push_back(static_cast<double>(active) / rows);
  values.push_back(static_cast<double>(dead) / units);
  values.push_back(sums.code_sum / (rows * units));
  for (const FlipCount& flips : sums.flips) {
    values.push_back(flips.compared == 0 ? kNone
                                         : static_cast<double>(flips.changed) /
                                               static_cast<double>(flips.compared));
  }
  return values;
}

}  // namespace aesweep
