// Records made up by hand, for the tests of the journal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/journal/records.hpp"

namespace aesweep {

[[nodiscard]] JobStarted sample_job();
[[nodiscard]] CheckpointWritten sample_checkpoint(std::int64_t number, std::int64_t step);
[[nodiscard]] TrialFinished sample_finished(std::int64_t number, int attempt = 1);
[[nodiscard]] TrialsFolded sample_fold(std::int64_t first, std::int64_t last);

// One or more of every kind, with values that are hard to carry: the largest and smallest numbers,
// NaN with a payload, infinities, -0, denormals, quotes, line breaks and letters of four bytes.
[[nodiscard]] std::vector<Record> awkward_records();

}  // namespace aesweep
