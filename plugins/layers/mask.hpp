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

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace aesweep {

namespace mask_detail {

inline constexpr std::int64_t kBlocks = 8;  // Philox blocks at a time, of four units each.
inline constexpr std::int64_t kWords = 4 * kBlocks;

#ifdef __AVX2__

// Four blocks, word by word, in the low halves of 64-bit lanes. The high halves hold what is left
// of products; nothing reads them.
struct FourBlocks {
  __m256i word[4];
};

inline __m256i every(std::uint32_t value) { return _mm256_set1_epi64x(std::int64_t{value}); }

inline FourBlocks next_round(const FourBlocks& c, __m256i key0, __m256i key1) {
  const __m256i product0 = _mm256_mul_epu32(c.word[0], every(0xD2511F53));
  const __m256i product1 = _mm256_mul_epu32(c.word[2], every(0xCD9E8D57));
  const __m256i mixed0 = _mm256_xor_si256(c.word[1], key0);
  const __m256i mixed2 = _mm256_xor_si256(c.word[3], key1);
  return {{_mm256_xor_si256(_mm256_srli_epi64(product1, 32), mixed0), product1,
           _mm256_xor_si256(_mm256_srli_epi64(product0, 32), mixed2), product0}};
}

// The sixteen words, block by block.
inline void store(const FourBlocks& c, std::uint32_t* words) {
  const __m256i words01 = _mm256_blend_epi32(c.word[0], _mm256_slli_epi64(c.word[1], 32), 0xAA);
  const __m256i words23 = _mm256_blend_epi32(c.word[2], _mm256_slli_epi64(c.word[3], 32), 0xAA);
  const __m256i blocks02 = _mm256_unpacklo_epi64(words01, words23);
  const __m256i blocks13 = _mm256_unpackhi_epi64(words01, words23);
  auto* out = reinterpret_cast<__m256i*>(words);
  _mm256_storeu_si256(out, _mm256_permute2x128_si256(blocks02, blocks13, 0x20));
  _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(blocks02, blocks13, 0x31));
}

#endif

// words[kWords] = the words of units [first, first + kWords) under the row's counter; first is a
// multiple of kWords. By the widening product of AVX2, which compilers do not find by themselves, a
// quarter of the time; the words are the same.
inline void draw(PhiloxKey key, PhiloxBlock counter, std::int64_t first, std::uint32_t* words) {
#ifdef __AVX2__
  const __m256i blocks = _mm256_add_epi64(every(static_cast<std::uint32_t>(first / 4)),
                                          _mm256_setr_epi64x(0, 1, 2, 3));
  FourBlocks low = {{every(counter[0]), every(counter[1]), every(counter[2]), blocks}};
  FourBlocks high = low;
  high.word[3] = _mm256_add_epi64(blocks, every(4));
  auto [key0, key1] = key.words;
  for (int round = 0; round < 10; ++round) {
    low = next_round(low, every(key0), every(key1));
    high = next_round(high, every(key0), every(key1));
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  store(low, words);
  store(high, words + kWords / 2);
#else
  for (std::int64_t b = 0; b < kBlocks; ++b) {
    counter[3] = static_cast<std::uint32_t>(first / 4 + b);
    const PhiloxBlock block = philox(key, counter);
    std::copy_n(block.data(), 4, words + 4 * b);
  }
#endif
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
