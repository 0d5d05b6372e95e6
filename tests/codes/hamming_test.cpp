// Hamming search against sorting the whole database: every kernel that this CPU can run, one word
// and many, ties everywhere, more neighbours than rows, no rows.
#include "core/codes/hamming.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <random>
#include <string>

#include "core/base/text.hpp"
#include "tests/codes/random_codes.hpp"

namespace aesweep {
namespace {

// Bit by bit, and a stable sort of all rows.
std::vector<Neighbour> all_sorted(const PackedCodes& queries, std::int64_t query,
                                  const PackedCodes& database) {
  std::vector<Neighbour> all;
  for (std::int64_t i = 0; i < database.rows; ++i) {
    int distance = 0;
    for (int j = 0; j < database.bits; ++j) {
      distance += queries.bit(query, j) != database.bit(i, j) ? 1 : 0;
    }
    all.push_back({i, distance});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Neighbour& a, const Neighbour& b) { return a.distance < b.distance; });
  return all;
}

std::vector<Neighbour> nearest_k(std::vector<Neighbour> all, std::int64_t k) {
  all.resize(static_cast<std::size_t>(k), {-1, -1});
  return all;
}

std::vector<Neighbour> within(std::vector<Neighbour> all, std::int64_t radius) {
  std::erase_if(all, [&](const Neighbour& neighbour) { return neighbour.distance > radius; });
  return all;
}

// Every k and radius that `ks` and `radii` name, for all queries, from query 1 on where there is
// one.
void expect_right(const PackedCodes& queries, const PackedCodes& database,
                  const std::vector<std::int64_t>& ks, const std::vector<std::int64_t>& radii) {
  std::vector<std::vector<Neighbour>> sorted;
  for (std::int64_t q = 0; q < queries.rows; ++q)
    sorted.push_back(all_sorted(queries, q, database));
  const std::int64_t first = queries.rows > 1 ? 1 : 0;
  const std::int64_t count = queries.rows - first;
  for (const HammingKernels& kernels : hamming_kernels()) {
    SCOPED_TRACE(text(kernels.name, ", ", database.bits, " bits, ", database.rows, " rows"));
    for (const std::int64_t k : ks) {
      std::vector<Neighbour> out(static_cast<std::size_t>(count * k), {-7, -7});
      k_nearest(queries, database, k, first, out, kernels);
      for (std::int64_t q = 0; q < count; ++q) {
        const std::vector<Neighbour> found(out.begin() + q * k, out.begin() + (q + 1) * k);
        ASSERT_TRUE(found == nearest_k(sorted[static_cast<std::size_t>(first + q)], k))
            << "k " << k << ", query " << first + q;
      }
    }
    for (const std::int64_t radius : radii) {
      const auto found = within_radius(queries, database, radius, first, count, kernels);
      ASSERT_EQ(found.size(), static_cast<std::size_t>(count));
      for (std::int64_t q = 0; q < count; ++q) {
        ASSERT_TRUE(found[static_cast<std::size_t>(q)] ==
                    within(sorted[static_cast<std::size_t>(first + q)], radius))
            << "radius " << radius << ", query " << first + q;
      }
    }
  }
}

std::vector<std::int64_t> from_to(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(last - first + 1));
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

TEST(Hamming, EveryKAndRadius) {
  for (const int bits : {1, 7, 63, 64, 65, 130}) {
    expect_right(test::random_codes(3, bits, 1), test::random_codes(101, bits, 2), from_to(1, 105),
                 from_to(0, bits + 1));
  }
}

// More rows than a block has, more queries than a group, and a last piece of each length.
TEST(Hamming, ManyRowsAndQueries) {
  for (const std::int64_t rows : {2047, 2048, 2049, 5003}) {
    expect_right(test::random_codes(2, 64, 1), test::random_codes(rows, 64, 2), {1, 100, 3000},
                 {0, 20, 32});
  }
  expect_right(test::random_codes(67, 16, 3), test::random_codes(700, 16, 4), {1, 10}, {2});
  expect_right(test::random_codes(4, 4096, 5), test::random_codes(131, 4096, 6), {1, 100},
               {1500, 4096});
  for (std::int64_t rows = 1; rows <= 70; ++rows) {
    expect_right(test::random_codes(1, 129, 7), test::random_codes(rows, 129, 8), {5}, {40});
  }
}

// What a search with a limit likes least: rows that come nearer and nearer, and rows that are
// equal.
TEST(Hamming, DescendingAndEqualDistances) {
  const PackedCodes query = empty_codes(1, 64);
  PackedCodes descending = empty_codes(6000, 64);
  for (std::size_t i = 0; i < 6000; ++i) {
    descending.words[i] = ~std::uint64_t{0} << (i * 64 / 6000);
  }
  expect_right(query, descending, {1, 7, 100, 6000}, {0, 1, 63, 64});
  PackedCodes opposite = empty_codes(3000, 64);
  std::fill(opposite.words.begin(), opposite.words.end(), ~std::uint64_t{0});
  expect_right(query, opposite, {1, 2999, 3001}, {63, 64});
  expect_right(query, empty_codes(3000, 64), {1, 2999, 3001}, {0});
}

TEST(Hamming, NoRowsAndNoQueries) {
  expect_right(empty_codes(2, 65), empty_codes(0, 65), {1, 3}, {0, 65});
  expect_right(empty_codes(0, 8), empty_codes(5, 8), {1}, {2});
}

// The loops alone, whatever the search makes of them: counts around the widths of registers.
TEST(HammingKernels, AgreeWithBits) {
  std::mt19937_64 random(5);
  std::vector<std::uint64_t> query(64), columns(64 * 67);
  for (std::uint64_t& word : query) word = random();
  for (std::uint64_t& word : columns) word = random();
  for (const HammingKernels& kernels : hamming_kernels()) {
    for (const std::size_t words : {1, 2, 3, 64}) {
      for (std::size_t count = 0; count <= 67; ++count) {
        std::vector<std::uint16_t> distances(count + 1, 0xabcd);
        kernels.distances(query.data(), words, columns.data(), 67, count, distances.data());
        for (std::size_t i = 0; i < count; ++i) {
          int expected = 0;
          for (std::size_t w = 0; w < words; ++w) {
            expected += std::popcount(query[w] ^ columns[w * 67 + i]);
          }
          ASSERT_EQ(distances[i], expected) << kernels.name << ' ' << words << ' ' << i;
        }
        ASSERT_EQ(distances[count], 0xabcd) << kernels.name << " wrote beyond " << count;
      }
    }
  }
}

TEST(HammingKernels, BelowIsStrictAndUnsigned) {
  std::vector<std::uint16_t> values(4 * kBelowStep);
  std::mt19937 random(6);
  for (std::uint16_t& value : values) value = static_cast<std::uint16_t>(random());
  for (std::size_t i = 0; i < kBelowStep; ++i) values[i] = static_cast<std::uint16_t>(i % 5);
  for (const HammingKernels& kernels : hamming_kernels()) {
    for (const int limit : {0, 1, 3, 4, 0x7fff, 0x8000, 0x8001, 0xffff}) {
      std::vector<std::uint32_t> expected, found(values.size());
      for (std::uint32_t i = 0; i < values.size(); ++i) {
        if (values[i] < limit) expected.push_back(i);
      }
      found.resize(kernels.below(values.data(), values.size(), static_cast<std::uint16_t>(limit),
                                 found.data()));
      ASSERT_EQ(found, expected) << kernels.name << " below " << limit;
    }
  }
}

}  // namespace
}  // namespace aesweep
