// Proves Philox4x32-10 with the known-answer vectors that its authors publish (Random123, file
// kat_vectors), and pins the keys, counters and conversions that are part of the ABI.
#include "core/sdk/philox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <set>

#include "core/sdk/random_words.hpp"

namespace aesweep {
namespace {

TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(philox({}, {}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({{0xffffffff, 0xffffffff}}, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  // Digits of pi.
  EXPECT_EQ(philox({{0xa4093822, 0x299f31d0}}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, CountersHoldStepRowAndUnit) {
  EXPECT_EQ(batch_counter(0x100000002, 3, 11), (PhiloxBlock{2, 1, 3, 2}));
  EXPECT_EQ(tensor_counter(0x100000002, (std::uint64_t{1} << 34) + 23), (PhiloxBlock{2, 1, 5, 1}));
}

// Against one block at a time, for counters with bits in every word.
template <std::size_t kRuns>
void expect_words_of_single_blocks() {
  const PhiloxKey key = stream_key(0x123456789abcdef0, 1);
  constexpr std::uint64_t kStep = 0x300000005, kRow = 0xfffffffe;
  constexpr std::size_t kCount = kRuns * kWordRun;
  std::array<std::uint32_t, kCount> words{};
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{3} * kCount}) {
    batch_words<kRuns>(key, kStep, kRow, first, words.data());
    for (std::size_t i = 0; i < kCount; ++i) {
      EXPECT_EQ(words[i], philox(key, batch_counter(kStep, kRow, first + i))[i % 4]) << i;
    }
  }
  // The last run before the block's number outgrows one word, and the one after it.
  for (const std::uint64_t first : {(std::uint64_t{1} << 34) - kCount, std::uint64_t{1} << 34}) {
    tensor_words<kRuns>(key, kStep, first, words.data());
    for (std::size_t i = 0; i < kCount; ++i) {
      EXPECT_EQ(words[i], philox(key, tensor_counter(kStep, first + i))[i % 4]) << i;
    }
  }
}

TEST(Philox, WordsInARowAreThoseOfSingleBlocks) {
  expect_words_of_single_blocks<1>();
  expect_words_of_single_blocks<2>();
}

TEST(Philox, StreamsDifferInSeedPathModeAndPurpose) {
  std::set<std::array<std::uint32_t, 2>> keys;
  int count = 0;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 63}) {
    for (const char* path : {"", "a", "model.layers.code", "model.layers.codf"}) {
      for (const std::uint32_t mode : {0u, 1u}) {
        for (const std::uint64_t purpose : {0u, 1u, 2u}) {
          keys.insert(stream_key(stream_hash(seed, path, mode), purpose).words);
          ++count;
        }
      }
    }
  }
  EXPECT_EQ(keys.size(), static_cast<std::size_t>(count));
}

// From an independent implementation in Python of the words in philox.hpp: FNV-1a, SplitMix64.
TEST(Philox, HashesArePinned) {
  EXPECT_EQ(stream_hash(0, "", 0), 0xffb6eec3623eee72u);
  EXPECT_EQ(stream_hash(42, "model.layers.code", 1), 0x2d3e3023ff958d28u);
  EXPECT_EQ(stream_key(stream_hash(42, "model.layers.code", 1), 7).words,
            (std::array<std::uint32_t, 2>{0xd87d97dc, 0x532b89a6}));
}

TEST(Philox, UniformsAreInRangeAndExact) {
  EXPECT_EQ(uniform_float(0), 0.0f);
  EXPECT_EQ(uniform_float(0xffffffff), 1.0f - 0x1p-24f);
  EXPECT_EQ(uniform_double(0, 0), 0.0);
  EXPECT_EQ(uniform_double(0xffffffff, 0xffffffff), 1.0 - 0x1p-53);
  EXPECT_EQ(uniform_double(0x80000000, 0), 0.5);
}

TEST(Philox, NormalsHaveTheMomentsOfTheNormalDistribution) {
  const PhiloxKey key = stream_key(stream_hash(1, "test", 0), 0);
  constexpr int kBlocks = 25'000;
  double sum = 0.0, squares = 0.0, fourths = 0.0, products = 0.0;
  for (std::uint64_t block = 0; block < kBlocks; ++block) {
    const auto normals = standard_normals(philox(key, tensor_counter(0, 4 * block)));
    for (const double z : normals) {
      sum += z;
      squares += z * z;
      fourths += z * z * z * z;
    }
    products += normals[0] * normals[1] + normals[2] * normals[3];
  }
  // Five standard errors of each mean: variances of z, z^2, z^4 and z z' are 1, 2, 96 and 1.
  const double n = 4.0 * kBlocks;
  EXPECT_NEAR(sum / n, 0.0, 5.0 * std::sqrt(1.0 / n));
  EXPECT_NEAR(squares / n, 1.0, 5.0 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourths / n, 3.0, 5.0 * std::sqrt(96.0 / n));
  EXPECT_NEAR(products / (n / 2.0), 0.0, 5.0 * std::sqrt(2.0 / n));
}

TEST(Philox, NormalsAreFiniteAtTheEdges) {
  for (const std::uint32_t word : {0u, 0xffffffffu}) {
    for (const double z : standard_normals({word, word, word, 0})) {
      EXPECT_TRUE(std::isfinite(z));
      EXPECT_LE(std::abs(z), 6.8);
    }
  }
}

}  // namespace
}  // namespace aesweep
