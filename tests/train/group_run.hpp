// A whole trial on a group of threads, and whether two trials have the same bits.
#pragma once

#include "core/data/dataset.hpp"
#include "core/model/catalogue.hpp"
#include "core/train/trial.hpp"

namespace aesweep::test {

// The result of rank 0; the other ranks must agree on its outcome. Messages are delayed at random.
[[nodiscard]] TrialResult run_group(const TrialSpec& spec, const Catalogue& catalogue,
                                    const Dataset& data, int ranks);

// Outcome, reason, history, weights and samples, bit by bit.
void expect_same_bits(const TrialResult& a, const TrialResult& b);

}  // namespace aesweep::test
