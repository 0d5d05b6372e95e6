// The table of trials that a sweep ends with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runner/sweep/manager.hpp"
#include "runner/sweep/plan.hpp"

namespace aesweep {

// The completed trial with the best last value of the experiment's metric, the first one of equals;
// a place in plan.trials. None if no completed trial has a finite value.
[[nodiscard]] std::optional<std::int64_t> best_trial(const SweepPlan& plan, const Manager& manager);

// A line per finished trial: number, swept parameters, last values of the main metrics, status, and
// which one is best; then why trials diverged or failed. At most `rows_max` lines, the best
// included; says what it leaves out.
[[nodiscard]] std::string summary_table(const SweepPlan& plan, const Manager& manager,
                                        std::size_t rows_max = 200);

}  // namespace aesweep
