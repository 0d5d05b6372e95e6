// Metrics: what an epoch's sums over a split become, with names, units and formulas.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"
#include "core/train/flip_count.hpp"
#include "core/train/result.hpp"

namespace aesweep {

// Running sums over the batches of one split and epoch, in batch order, in double.
struct SplitSums {
  std::int64_t rows = 0;
  std::vector<double> terms;  // Loss, activation penalties, weight penalties: each value * rows.
  double error = 0.0;         // Squared error, or with label targets the wrong predictions.
  double code_sum = 0.0;
  std::vector<std::uint64_t> unit_counts;  // Rows in which each code unit was active.
  std::vector<FlipCount> flips;            // Training: by quantized layer. Evaluation: none.

  void clear(std::size_t term_count, std::size_t units);
};

// Names, in the order in which measure() gives values, for "train", "validation" or "test": total
// loss, its terms, mse and fvu (with label targets: error), l0, dead, mean_activation, and for
// "train" a flip_ratio for each layer with a quantizer.
[[nodiscard]] std::vector<MetricInfo> split_metrics(const std::string& split,
                                                    const ModelSpec& model,
                                                    const Catalogue& catalogue, double threshold);

// How well the decoder recovers a known dictionary: for data that has one.
[[nodiscard]] MetricInfo recovery_metric();

// The values of split_metrics. For Target::kInput, `cols` is the width of the data and `variation`
// the split's sum of squared deviations from the column means. A flip ratio of no comparison (an
// epoch that is the trial's first step) is NaN.
[[nodiscard]] std::vector<double> measure(const SplitSums& sums, Target target, std::int64_t cols,
                                          double variation);

}  // namespace aesweep
