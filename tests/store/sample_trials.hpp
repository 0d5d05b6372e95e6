// Trial results and run records made up by hand, for the tests of the store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/train/result.hpp"
#include "runner/store/results_file.hpp"
#include "runner/store/trial_file.hpp"

namespace aesweep {

// A tensor whose element i is first + i.
[[nodiscard]] NamedTensor counting_tensor(std::string name, std::vector<std::int64_t> shape,
                                          Scalar scalar, double first);

// A result with `epochs` evaluations of two metrics, weights of a 7-3-7 network and five samples;
// all numbers depend on `number`, so that no two trials are alike.
[[nodiscard]] TrialResult sample_result(std::int64_t number, std::int64_t epochs);

// A record around it, with parameters optimizer.lr (real), model.units (integer), train.shuffle
// (boolean) and model.activation (text). `result` must outlive the record.
[[nodiscard]] TrialRecord sample_record(std::int64_t number, const TrialResult& result);

// Writes the record's file into the folder and gives it as a source of results.h5. Stops the
// program where it cannot.
[[nodiscard]] TrialSource store_trial(const std::string& folder, const TrialRecord& record);

[[nodiscard]] RunRecord sample_run();

}  // namespace aesweep
