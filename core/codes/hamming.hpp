// Hamming search: exact, by brute force over 64-bit words.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/codes/packed_codes.hpp"

namespace aesweep {

struct Neighbour {
  std::int64_t row = 0;  // Of the database.
  int distance = 0;
  bool operator==(const Neighbour&) const = default;
};

// distances[i] = Hamming distance of `query` (words_per_row words) to row first + i.
void hamming_distances(const std::uint64_t* query, const PackedCodes& database, std::int64_t first,
                       std::span<std::uint16_t> distances);

// The k nearest rows (all, if there are fewer), nearest first, among equals the lowest row first,
// of queries first, first + 1, ...: out[i * k, (i + 1) * k). Codes have as many bits. One thread.
void k_nearest(const PackedCodes& queries, const PackedCodes& database, std::int64_t k,
               std::int64_t first, std::span<Neighbour> out);

// All rows within `radius`, ordered as k_nearest does.
[[nodiscard]] std::vector<Neighbour> within_radius(const std::uint64_t* query,
                                                   const PackedCodes& database,
                                                   std::int64_t radius);

}  // namespace aesweep
