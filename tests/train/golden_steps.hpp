// The training steps of a golden case: from its initial weights, over its data in order, compared
// with its numbers after each step.
#pragma once

#include <cstdint>
#include <span>

#include "core/model/spec.hpp"
#include "tests/train/golden_file.hpp"

namespace aesweep::test {

struct GoldenShape {
  std::int64_t cols = 0;
  std::int64_t batch_rows = 0;
  std::int64_t steps = 0;  // One epoch.
};

// Expects that loss terms, gradients and weights of each step agree with the case's "terms STEP",
// "gradient STEP TENSOR" and "weights STEP TENSOR" within `roundings` (expect_close), and, where
// there are labels, that the wrong predictions are "error STEP" exactly. The spec is f64, without
// shuffling; the case has "data" and "initial TENSOR".
void expect_golden_steps(const TrialSpec& spec, const GoldenShape& shape, const Golden& golden,
                         double roundings, std::span<const std::int32_t> labels = {});

}  // namespace aesweep::test
