// The words of philox.hpp for many units or elements in a row: the same bits, sixteen at a time.
//
// With AVX2 by its widening product, which compilers do not find by themselves; that takes a
// quarter of the time, or less, of a call of philox per block. [any-thread]
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/sdk/philox.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace aesweep {

inline constexpr std::size_t kWordRun = 16;  // Four Philox blocks.

namespace philox_detail {

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

// The blocks at `counter` and after it, kRuns * 4 of them, where word kCounting of the counter
// numbers them and does not overflow. Several runs at once keep the multiplier busy.
template <std::size_t kRuns, std::size_t kCounting>
inline void consecutive_blocks(PhiloxKey key, PhiloxBlock counter, std::uint32_t* words) {
#ifdef __AVX2__
  FourBlocks blocks[kRuns];
  for (std::size_t r = 0; r < kRuns; ++r) {
    for (std::size_t w = 0; w < 4; ++w) blocks[r].word[w] = every(counter[w]);
    const auto first = static_cast<std::int64_t>(4 * r);
    blocks[r].word[kCounting] = _mm256_add_epi64(
        blocks[r].word[kCounting], _mm256_setr_epi64x(first, first + 1, first + 2, first + 3));
  }
  auto [key0, key1] = key.words;
  for (int round = 0; round < 10; ++round) {
    for (FourBlocks& four : blocks) four = next_round(four, every(key0), every(key1));
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  for (std::size_t r = 0; r < kRuns; ++r) store(blocks[r], words + kWordRun * r);
#else
  for (std::size_t b = 0; b < 4 * kRuns; ++b, ++counter[kCounting]) {
    const PhiloxBlock block = philox(key, counter);
    for (std::size_t w = 0; w < 4; ++w) words[4 * b + w] = block[w];
  }
#endif
}

}  // namespace philox_detail

// words[i] = the word of unit first + i of a row of the global batch, for i in [0, kRuns *
// kWordRun); first is a multiple of kRuns * kWordRun.
template <std::size_t kRuns>
inline void batch_words(PhiloxKey key, std::uint64_t step, std::uint64_t row, std::uint64_t first,
                        std::uint32_t* words) {
  philox_detail::consecutive_blocks<kRuns, 3>(key, batch_counter(step, row, first), words);
}

// The same for elements of a tensor.
template <std::size_t kRuns>
inline void tensor_words(PhiloxKey key, std::uint64_t step, std::uint64_t first,
                         std::uint32_t* words) {
  philox_detail::consecutive_blocks<kRuns, 2>(key, tensor_counter(step, first), words);
}

}  // namespace aesweep
