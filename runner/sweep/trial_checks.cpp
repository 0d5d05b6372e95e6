#include "runner/sweep/trial_checks.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace aesweep {

LabelRange label_range(const Dataset& data) {
  LabelRange range;
  for (const Split* split : {&data.train, &data.test, &data.validation}) {
    if (split == &data.validation && split->rows == 0) continue;
    if (split->labels == nullptr) {
      range.complete = false;
      continue;
    }
    for (std::int64_t i = 0; i < split->rows; ++i) {
      range.min = std::min<std::int64_t>(range.min, split->labels[i]);
      range.max = std::max<std::int64_t>(range.max, split->labels[i]);
    }
  }
  return range;
}

Status check_labels(const ModelSpec& model, const LabelRange& labels) {
  if (model.target != Target::kLabels) return {};
  if (!labels.complete) {
    return Status::input(
        "model.target: is labels, but the data has none; use data with labels or target input");
  }
  if (labels.min < 0) {
    return Status::input(text("model.target: is labels, but the data has the label ", labels.min,
                              "; labels are counted from 0"));
  }
  if (labels.max < model.classes) return {};
  return Status::input(text("model.classes: is ", model.classes, ", but the data has the label ",
                            labels.max, "; set it to ", labels.max + 1, " or more"));
}

void WarmupCheck::add(std::int64_t number, const PlannedTrial& trial, std::int64_t steps) {
  const std::int64_t warmup = trial.spec.train.schedule.warmup_steps;
  if (warmup <= steps) return;
  if (++count_ > 1) return;
  first_ = text("train.schedule.warmup_steps: ", warmup, " is more than the ", steps,
                steps == 1 ? " step" : " steps", " of trial ", number, " (", trial.label, ")");
}

std::string WarmupCheck::warning() const {
  if (count_ == 0) return "";
  const std::string more =
      count_ == 1 ? "" : text(" (and so for ", count_ - 1, count_ == 2 ? " other" : " others", ")");
  return text(first_, more, ": the learning rate never reaches the one given; lower warmup_steps");
}

}  // namespace aesweep
