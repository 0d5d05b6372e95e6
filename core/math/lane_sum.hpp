// lane_sum: sums in double whose order is fixed by the count alone, whatever the vector width.
#pragma once

#include <cstddef>

namespace aesweep {

// term(0) + ... + term(count - 1), added in eight running sums by index modulo 8, which are then
// added pairwise. term gives doubles and is called once per index, in order. 0 for count 0.
template <class Term>
[[nodiscard]] double lane_sum(std::size_t count, Term term) {
  constexpr std::size_t kLanes = 8;
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  for (; i < count; ++i) lanes[i % kLanes] += term(i);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
         ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

}  // namespace aesweep
