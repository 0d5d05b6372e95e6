// live.json: how far the running trials are, for `aesweep status`. A display aid: nothing reads it
// to decide anything, and a missing or old one only makes the display poorer.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.hpp"

namespace aesweep {

struct LiveTrial {
  std::int64_t number = 0;
  int attempt = 1;
  std::string label;
  int ranks = 1;
  std::string host;
  std::int64_t epoch = 0;  // Finished.
  std::int64_t epochs = 0;
  std::int64_t step = 0;
  double seconds = 0.0;                              // Of this job.
  std::vector<std::pair<std::string, double>> last;  // Metrics of the last finished epoch.
};

struct LiveState {
  std::string utc;       // When it was written.
  double seconds = 0.0;  // Of this job.
  double samples_per_second = 0.0;
  double seconds_left = -1.0;    // Below 0: not known yet.
  std::int64_t epochs_done = 0;  // Over all trials asked for.
  std::int64_t epochs_total = 0;
  std::vector<LiveTrial> trials;  // Running ones, by number.
};

[[nodiscard]] std::string encode(const LiveState& live);
[[nodiscard]] Result<LiveState> decode_live(const std::string& bytes);

}  // namespace aesweep
