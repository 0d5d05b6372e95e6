// Durations and intervals as experiments write them: "90s", "1h30m", "500 steps".
#pragma once

#include <optional>
#include <string_view>

#include "runner/config/experiment.hpp"

namespace aesweep {

// What a message says was expected.
inline constexpr std::string_view kExpectedDuration = "a duration such as 90s, 20m, 6h or 1h30m";

// Seconds of a text such as 90s, 1.5m or 1d12h: decimal numbers, each with its unit (d, h, m, s),
// the larger unit first, nothing between them. Nothing for any other text, or for no time at all.
[[nodiscard]] std::optional<double> parse_duration(std::string_view text);

// A duration, "N steps" or "N epochs" (also "1 step", "1 epoch"), N a whole number from 1: unit and
// count of a checkpoint's interval; `keep` is left alone.
[[nodiscard]] bool parse_interval(std::string_view text, CheckpointSpec& spec);

}  // namespace aesweep
