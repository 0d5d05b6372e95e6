// The random mask of dropout and masking_noise: which elements of a shard are dropped.
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

#include "core/sdk/philox.hpp"
#include "core/sdk/plugin.hpp"

namespace aesweep {

namespace mask_detail {

// So many Philox blocks are made at a time that each step of the rounds fills a vector register.
inline constexpr std::int64_t kBlocks = 8;
inline constexpr std::int64_t kWords = 4 * kBlocks;

// words[kWords] = the words of units [first, first + kWords) under the row's counter.
inline void draw(PhiloxKey key, PhiloxBlock counter, std::int64_t first, std::uint32_t* words) {
  constexpr std::uint64_t kMultiply0 = 0xD2511F53, kMultiply1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  constexpr int kRounds = 10;
  std::uint32_t c0[kBlocks], c1[kBlocks], c2[kBlocks], c3[kBlocks];
  for (std::int64_t b = 0; b < kBlocks; ++b) {
    c0[b] = counter[0];
    c1[b] = counter[1];
    c2[b] = counter[2];
    c3[b] = static_cast<std::uint32_t>(first / 4 + b);
  }
  auto [key0, key1] = key.words;
  for (int round = 0; round < kRounds; ++round) {
    for (std::int64_t b = 0; b < kBlocks; ++b) {
      const std::uint64_t product0 = kMultiply0 * c0[b];
      const std::uint64_t product1 = kMultiply1 * c2[b];
      c0[b] = static_cast<std::uint32_t>(product1 >> 32) ^ c1[b] ^ key0;
      c1[b] = static_cast<std::uint32_t>(product1);
      c2[b] = static_cast<std::uint32_t>(product0 >> 32) ^ c3[b] ^ key1;
      c3[b] = static_cast<std::uint32_t>(product0);
    }
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  for (std::int64_t b = 0; b < kBlocks; ++b) {
    words[4 * b] = c0[b];
    words[4 * b + 1] = c1[b];
    words[4 * b + 2] = c2[b];
    words[4 * b + 3] = c3[b];
  }
}

}  // namespace mask_detail

// out[i] = factor * in[i] where the mask keeps element i, 0 where it drops it, even if in[i] is not
// finite. rate in [0, 1]. out may equal in.
template <class Real>
void apply_mask(const sdk::Context& context, double rate, Real factor,
                const sdk::ConstMatrix<Real>& in, const sdk::Matrix<Real>& out) {
  using mask_detail::kWords;
  const PhiloxKey key = stream_key(context.stream, 0);
  // uniform < rate  <=>  word >> 8 < rate * 2^24
  const auto dropped = static_cast<std::uint32_t>(std::ceil(rate * 0x1p24));
  for (std::int64_t i = 0; i < in.rows; ++i) {
    const PhiloxBlock counter =
        batch_counter(context.step, context.first_row + static_cast<std::uint64_t>(i), 0);
    const Real* from = sdk::row(in, i);
    Real* to = sdk::row(out, i);
    for (std::int64_t first = 0; first < in.cols; first += kWords) {
      std::uint32_t words[kWords];
      mask_detail::draw(key, counter, first, words);
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
