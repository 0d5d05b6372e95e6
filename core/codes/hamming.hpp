// Hamming search: exact, by brute force over 64-bit words. Queries have as many bits as the
// database.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/codes/hamming_kernels.hpp"
#include "core/codes/packed_codes.hpp"

namespace aesweep {

struct Neighbour {
  std::int64_t row = 0;  // Of the database.
  int distance = 0;
  bool operator==(const Neighbour&) const = default;
};

// The k nearest rows, nearest first, among equals the lowest row first, of queries first,
// first + 1, ...: out[i * k, (i + 1) * k), with {-1, -1} at the end where the database has fewer
// rows. k is at least 1. Equal results with all kernels. One thread.
void k_nearest(const PackedCodes& queries, const PackedCodes& database, std::int64_t k,
               std::int64_t first, std::span<Neighbour> out,
               const HammingKernels& kernels = hamming_kernels().front());

// All rows within `radius`, ordered as k_nearest does, of queries [first, first + count).
[[nodiscard]] std::vector<std::vector<Neighbour>> within_radius(
    const PackedCodes& queries, const PackedCodes& database, std::int64_t radius,
    std::int64_t first, std::int64_t count,
    const HammingKernels& kernels = hamming_kernels().front());

}  // namespace aesweep
