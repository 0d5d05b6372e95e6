// Uniform numbers for the elements of a tensor, many at a time: those that philox.hpp gives one
// block at a time. With AVX2 by its widening product, which compilers do not find by themselves
// (a quarter of the time); the numbers are the same.
#pragma once

#include <cstdint>

#include "core/sdk/philox.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace aesweep {

inline constexpr int kUniformBlocks = 8;  // Philox blocks at a time, of four elements each.
inline constexpr int kUniformRun = 4 * kUniformBlocks;

#ifdef __AVX2__

namespace uniforms_detail {

// Word w of four Philox blocks, in the low halves of 64-bit lanes; what the high halves hold does
// not matter, since products do not read them.
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

// uniform_float of eight words.
inline void store(float* out, __m256i words) {
  const __m256 numbers = _mm256_cvtepi32_ps(_mm256_srli_epi32(words, 8));
  _mm256_storeu_ps(out, _mm256_mul_ps(numbers, _mm256_set1_ps(0x1p-24f)));
}

// The sixteen numbers, block by block.
inline void store(float* out, const FourBlocks& c) {
  const __m256i words01 = _mm256_blend_epi32(c.word[0], _mm256_slli_epi64(c.word[1], 32), 0xAA);
  const __m256i words23 = _mm256_blend_epi32(c.word[2], _mm256_slli_epi64(c.word[3], 32), 0xAA);
  const __m256i blocks02 = _mm256_unpacklo_epi64(words01, words23);
  const __m256i blocks13 = _mm256_unpackhi_epi64(words01, words23);
  store(out, _mm256_permute2x128_si256(blocks02, blocks13, 0x20));
  store(out + 8, _mm256_permute2x128_si256(blocks02, blocks13, 0x31));
}

}  // namespace uniforms_detail

#endif

// out[i] = uniform_float(word of element first + i) for i in [0, kUniformRun); first is a multiple
// of kUniformRun. Uniform in [0, 1), multiples of 2^-24.
inline void uniform_run(PhiloxKey key, std::uint64_t step, std::uint64_t first, float* out) {
#ifdef __AVX2__
  using uniforms_detail::every;
  const PhiloxBlock counter = tensor_counter(step, first);
  uniforms_detail::FourBlocks low = {
      {every(counter[0]), every(counter[1]),
       // No carry: the block's number is a multiple of kUniformBlocks.
       _mm256_add_epi64(every(counter[2]), _mm256_setr_epi64x(0, 1, 2, 3)), every(counter[3])}};
  uniforms_detail::FourBlocks high = low;
  high.word[2] = _mm256_add_epi64(low.word[2], every(4));
  auto [key0, key1] = key.words;
  for (int round = 0; round < 10; ++round) {
    low = uniforms_detail::next_round(low, every(key0), every(key1));
    high = uniforms_detail::next_round(high, every(key0), every(key1));
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  uniforms_detail::store(out, low);
  uniforms_detail::store(out + kUniformRun / 2, high);
#else
  for (std::uint64_t block = 0; block < kUniformBlocks; ++block) {
    const PhiloxBlock words = philox(key, tensor_counter(step, first + 4 * block));
    for (std::uint64_t i = 0; i < 4; ++i) out[4 * block + i] = uniform_float(words[i]);
  }
#endif
}

}  // namespace aesweep
