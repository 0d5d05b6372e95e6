// Checks of a trial that need more than its specification: the data's labels, and its step count.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"
#include "core/model/spec.hpp"
#include "runner/config/experiment.hpp"

namespace aesweep {

// What a data set's labels are, looked at once for all trials.
struct LabelRange {
  bool complete = true;  // All splits have labels.
  std::int64_t min = 0;
  std::int64_t max = -1;
};

[[nodiscard]] LabelRange label_range(const Dataset& data);

// An input fault if the model is to predict labels that the data does not have, or more of them
// than it has classes.
Status check_labels(const ModelSpec& model, const LabelRange& labels);

// Notes trials whose learning rate is still rising when they end, which nobody means.
class WarmupCheck {
 public:
  void add(std::int64_t number, const PlannedTrial& trial, std::int64_t steps);
  [[nodiscard]] std::string warning() const;  // Empty: there is none.

 private:
  std::string first_;
  std::int64_t count_ = 0;
};

}  // namespace aesweep
