// What a trial leaves behind: outcome, history, weights and samples. No clock, host or rank in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/model/named_tensor.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

enum class Outcome {
  kCompleted,
  kDiverged,
  kFailed,
  kPruned,      // Ended before its last epoch on purpose: a time limit, an early stop.
  kInterrupted  // Left to be resumed; not the end of a trial, and in no file of results.
};

// "completed", "diverged", "failed", "pruned", "interrupted"
[[nodiscard]] const char* outcome_name(Outcome outcome);

struct MetricInfo {
  std::string name;     // "train/loss", "test/fvu", ...: split, slash, metric.
  std::string unit;     // "1" for pure numbers.
  std::string formula;  // With the threshold or reduction stated.
};

struct HistoryRow {
  std::int64_t epoch;   // 1 after the first epoch; 0 is before training.
  std::int64_t step;    // Training steps finished.
  std::int32_t metric;  // Index into TrialResult::metrics.
  double value;
};

struct TrialResult {
  Outcome outcome = Outcome::kCompleted;
  std::string reason;  // Empty if completed; else one line with step and layer.
  // Rank in the group on which the first fault happened; -1: none, or alike on all. It depends on
  // how many ranks there are, so it goes to logs and into no file of results.
  int failed_rank = -1;
  std::int64_t epochs = 0;
  std::int64_t steps = 0;
  std::vector<MetricInfo> metrics;
  std::vector<HistoryRow> history;
  // Learned tensors, then running buffers, both in layer order.
  std::vector<NamedTensor> weights_initial;
  std::vector<NamedTensor> weights_final;
  // value = stored number * scale + shift, per column, or one of each for all: how the data became
  // the network's input. Empty where weights are not recorded.
  std::vector<double> input_scale;
  std::vector<double> input_shift;
  // inputs[S,D], codes[S,K], reconstructions[S,D] or predictions[S,C], labels[S] (int32 as f64 is
  // never used: its own type).
  std::vector<NamedTensor> samples;
  std::vector<std::int32_t> sample_labels;  // Empty: the data has none.
};

}  // namespace aesweep
