// The random mask of dropout and masking_noise: which elements of a shard are dropped; and what all
// layers of noise do in evaluation, copy_rows.
//
// Element (row, unit) is dropped if the uniform number that its Philox word gives (philox.hpp: key
// of the component's stream, counter of step, global row and unit) is below the rate. So the mask
// belongs to the sample, whatever shard it is in and on whichever rank, is equal in single and
// double precision, and is made again in backward instead of being kept. Rates count in steps of
// 2^-24.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/sdk/plugin.hpp"
#include "core/sdk/random_words.hpp"

namespace aesweep {

// out[i] = factor * in[i] where the mask keeps element i, 0 where it drops it, even if in[i] is not
// finite. rate in [0, 1]. out may equal in.
template <class Real>
void apply_mask(const sdk::Context& context, double rate, Real factor,
                const sdk::ConstMatrix<Real>& in, const sdk::Matrix<Real>& out) {
  constexpr std::int64_t kWords = 2 * kWordRun;
  const PhiloxKey key = stream_key(context.stream, 0);
  // uniform < rate  <=>  word >> 8 < rate * 2^24
  const auto dropped = static_cast<std::uint32_t>(std::ceil(rate * 0x1p24));
  for (std::int64_t i = 0; i < in.rows; ++i) {
    const std::uint64_t sample = context.first_row + static_cast<std::uint64_t>(i);
    const Real* from = sdk::row(in, i);
    Real* to = sdk::row(out, i);
    for (std::int64_t first = 0; first < in.cols; first += kWords) {
      std::uint32_t words[kWords];
      batch_words<2>(key, context.step, sample, static_cast<std::uint64_t>(first), words);
      const std::int64_t count = std::min(kWords, in.cols - first);
      for (std::int64_t u = 0; u < count; ++u) {
        to[first + u] = words[u] >> 8 < dropped ? Real(0) : factor * from[first + u];
      }
    }
  }
}

template <class Real>
void copy_rows(const sdk::ConstMatrix<Real>& in, const sdk::Matrix<Real>& out) {
  for (std::int64_t i = 0; i < in.rows; ++i)
    std::copy_n(sdk::row(in, i), in.cols, sdk::row(out, i));
}

}  // namespace aesweep
