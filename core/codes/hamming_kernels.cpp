#include "core/codes/hamming_kernels.hpp"

#include <bit>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace aesweep {
namespace {

void distances_plain(const std::uint64_t* query, std::size_t words, const std::uint64_t* columns,
                     std::size_t stride, std::size_t count, std::uint16_t* distances) {
  for (std::size_t i = 0; i < count; ++i) {
    int distance = 0;
    for (std::size_t w = 0; w < words; ++w) {
      distance += std::popcount(query[w] ^ columns[w * stride + i]);
    }
    distances[i] = static_cast<std::uint16_t>(distance);
  }
}

std::size_t below_plain(const std::uint16_t* values, std::size_t count, std::uint16_t limit,
                        std::uint32_t* found) {
  std::size_t n = 0;
  for (std::size_t begin = 0; begin < count; begin += kBelowStep) {
    bool any = false;
    for (std::size_t i = begin; i < begin + kBelowStep; ++i) any |= values[i] < limit;
    if (!any) continue;
    for (std::size_t i = begin; i < begin + kBelowStep; ++i) {
      if (values[i] < limit) found[n++] = static_cast<std::uint32_t>(i);
    }
  }
  return n;
}

// The indices of the ones of `mask`, plus `base`.
std::size_t write_ones(std::uint32_t mask, std::size_t base, std::uint32_t* found) {
  std::size_t n = 0;
  for (; mask != 0; mask &= mask - 1) {
    found[n++] = static_cast<std::uint32_t>(base) + static_cast<unsigned>(std::countr_zero(mask));
  }
  return n;
}

#if defined(__x86_64__)
#define AESWEEP_AVX2 __attribute__((target("avx2")))
#define AESWEEP_AVX512 __attribute__((target("avx512f,avx512bw,avx512vpopcntdq")))

// Ones of each 64-bit word: those of a half byte by table, then sums over bytes (Mula, Kurz &
// Lemire 2018).
AESWEEP_AVX2 inline __m256i popcount_avx2(__m256i words) {
  const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                         0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i half = _mm256_set1_epi8(0x0f);
  const __m256i low = _mm256_and_si256(words, half);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(words, 4), half);
  const __m256i ones =
      _mm256_add_epi8(_mm256_shuffle_epi8(table, low), _mm256_shuffle_epi8(table, high));
  return _mm256_sad_epu8(ones, _mm256_setzero_si256());
}

AESWEEP_AVX2 void distances_avx2(const std::uint64_t* query, std::size_t words,
                                 const std::uint64_t* columns, std::size_t stride,
                                 std::size_t count, std::uint16_t* distances) {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    __m256i sums[4] = {};
    for (std::size_t w = 0; w < words; ++w) {
      const __m256i word = _mm256_set1_epi64x(static_cast<long long>(query[w]));
      const auto* column = reinterpret_cast<const __m256i*>(columns + w * stride + i);
      for (int v = 0; v < 4; ++v) {
        const __m256i differ = _mm256_xor_si256(word, _mm256_loadu_si256(column + v));
        sums[v] = _mm256_add_epi64(sums[v], popcount_avx2(differ));
      }
    }
    // Packing works within halves of 128 bits and leaves the pairs of rows as 0 2 4 6 1 3 5 7.
    const __m256i packed = _mm256_packus_epi32(_mm256_packus_epi32(sums[0], sums[1]),
                                               _mm256_packus_epi32(sums[2], sums[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(distances + i),
                        _mm256_permutevar8x32_epi32(packed, order));
  }
  distances_plain(query, words, columns + i, stride, count - i, distances + i);
}

AESWEEP_AVX2 std::size_t below_avx2(const std::uint16_t* values, std::size_t count,
                                    std::uint16_t limit, std::uint32_t* found) {
  if (limit == 0) return 0;
  const __m256i most = _mm256_set1_epi16(static_cast<short>(limit - 1));
  std::size_t n = 0;
  for (std::size_t i = 0; i < count; i += kBelowStep) {
    __m256i is_below[2];
    for (int v = 0; v < 2; ++v) {
      const __m256i value = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i) + v);
      is_below[v] = _mm256_cmpeq_epi16(_mm256_min_epu16(value, most), value);
    }
    // Packing takes halves of 128 bits in turn: 0 2 1 3.
    const __m256i bytes =
        _mm256_permute4x64_epi64(_mm256_packs_epi16(is_below[0], is_below[1]), 0b11'01'10'00);
    n += write_ones(static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes)), i, found + n);
  }
  return n;
}

AESWEEP_AVX512 void distances_avx512(const std::uint64_t* query, std::size_t words,
                                     const std::uint64_t* columns, std::size_t stride,
                                     std::size_t count, std::uint16_t* distances) {
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m512i sums[4] = {};
    for (std::size_t w = 0; w < words; ++w) {
      const __m512i word = _mm512_set1_epi64(static_cast<long long>(query[w]));
      const std::uint64_t* column = columns + w * stride + i;
      for (int v = 0; v < 4; ++v) {
        const __m512i differ = _mm512_xor_si512(word, _mm512_loadu_si512(column + 8 * v));
        sums[v] = _mm512_add_epi64(sums[v], _mm512_popcnt_epi64(differ));
      }
    }
    for (int v = 0; v < 4; ++v) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(distances + i) + v,
                       _mm512_maskz_cvtepi64_epi16(0xff, sums[v]));
    }
  }
  distances_plain(query, words, columns + i, stride, count - i, distances + i);
}

AESWEEP_AVX512 std::size_t below_avx512(const std::uint16_t* values, std::size_t count,
                                        std::uint16_t limit, std::uint32_t* found) {
  const __m512i limits = _mm512_set1_epi16(static_cast<short>(limit));
  std::size_t n = 0;
  for (std::size_t i = 0; i < count; i += kBelowStep) {
    const __mmask32 mask = _mm512_cmplt_epu16_mask(_mm512_loadu_si512(values + i), limits);
    n += write_ones(mask, i, found + n);
  }
  return n;
}
#endif

std::vector<HammingKernels> find_kernels() {
  std::vector<HammingKernels> kernels;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vpopcntdq")) {
    kernels.push_back({"avx512", distances_avx512, below_avx512});
  }
  if (__builtin_cpu_supports("avx2")) kernels.push_back({"avx2", distances_avx2, below_avx2});
#endif
  kernels.push_back({"plain", distances_plain, below_plain});
  return kernels;
}

}  // namespace

std::span<const HammingKernels> hamming_kernels() {
  static const std::vector<HammingKernels> kernels = find_kernels();
  return kernels;
}

}  // namespace aesweep
