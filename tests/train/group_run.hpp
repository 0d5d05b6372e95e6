// A whole trial on a group of threads, and whether two trials have the same bits.
#pragma once

#include <functional>
#include <memory>

#include "core/data/dataset.hpp"
#include "core/model/catalogue.hpp"
#include "core/train/trial.hpp"

namespace aesweep::test {

// The result of rank 0; the other ranks must agree on its outcome. Messages are delayed at random.
[[nodiscard]] TrialResult run_group(const TrialSpec& spec, const Catalogue& catalogue,
                                    const Dataset& data, int ranks);

// The same under a control that is made for each rank; from `from` on, if there is one.
using MakeControl = std::function<std::unique_ptr<TrialControl>(int rank)>;
[[nodiscard]] TrialResult run_group(const TrialSpec& spec, const Catalogue& catalogue,
                                    const Dataset& data, int ranks, const MakeControl& make_control,
                                    const TrialState* from);

// Outcome, reason, history, weights and samples, bit by bit.
void expect_same_bits(const TrialResult& a, const TrialResult& b);

// Everything in them, bit by bit.
void expect_same_state(const TrialState& a, const TrialState& b);

}  // namespace aesweep::test
