// Evaluation of a trained network's codes as hashes: for each way to make them bits, retrieval by
// Hamming distance, the health of the bits, and the reconstruction from them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/model/network.hpp"
#include "core/model/spec.hpp"
#include "core/train/exchange.hpp"
#include "core/train/parameters.hpp"
#include "core/train/result.hpp"
#include "core/train/step.hpp"

namespace aesweep {

// "codes/zero/mse", "codes/zero/map", ...: for each binarization in the order of the spec mse
// (unless the target is labels), map, map_worst, map_best, precision_100, precision_500,
// precision_radius, empty_queries (these where both splits have labels), entropy, balance,
// correlation, distinct, constant. mse is of the queries; health of the database.
[[nodiscard]] std::vector<MetricInfo> code_metrics(const CodeEvaluationSpec& spec, Target target,
                                                   bool has_labels);

// The values of code_metrics, the same bits on every rank and for any number of ranks: ranks share
// out batches to encode and queries to score. spec.evaluate.codes is there. A fault on any rank
// becomes the outcome on all, and so do a code that is no number (failed) and a reconstruction
// error that is none (diverged).
struct CodeScores {
  StepOutcome outcome;
  std::vector<double> values;  // Empty unless completed.
};
template <class T>
[[nodiscard]] CodeScores evaluate_codes(const TrialSpec& spec, const Dataset& dataset,
                                        const Network<T>& network, Parameters<T>& parameters,
                                        Exchange& exchange, std::int64_t train_step);

// Bytes that it takes on one rank at most, beside an Encoder and what a split is streamed through.
[[nodiscard]] std::uint64_t code_evaluation_bytes(const CodeEvaluationSpec& spec,
                                                  std::int64_t train_rows, std::int64_t test_rows,
                                                  std::int64_t batch_rows, std::int64_t units);

}  // namespace aesweep
