// Superposition: synthetic samples that are sparse non-negative sums of a known random dictionary.
//
//   x[r, :] = sum_k c[r, k] d[k, :] + noise * n[r, :]
//
// d[k, :] is a Gaussian vector scaled to unit length; c[r, k] is non-zero with probability
// active_mean / atoms, then uniform in [amplitude_min, amplitude_max); n is standard normal. Sums
// are in double, over k in order; samples are stored as f32, the dictionary as f64.
//
// Every number is a function of (seed, split, its own indices) alone, by Philox4x32-10: the key is
// stream_key(stream_hash(seed, "data/superposition", 0), purpose) with the purposes of
// superposition.cpp, the counter batch_counter(0, row, unit) of core/sdk/philox.hpp:
//   d[k, c], n[r, c]   row k or r, unit c: the block's standard normal c % 4;
//   c[r, k]            row r, units 2k and 2k + 1: uniform numbers that say whether it is active
//   and
//                      how strong it is.
// This is part of the data's definition: a change of it changes every fingerprint.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/status.hpp"
#include "core/data/source.hpp"

namespace aesweep {

// Whether the numbers make sense: each in its range, and the whole within kSuperpositionBytesMax.
[[nodiscard]] Status check_superposition(const SuperpositionSpec& spec);

inline constexpr std::uint64_t kSuperpositionBytesMax = std::uint64_t{8} << 30;

// atoms[spec.atoms, spec.cols]
void superposition_atoms(const SuperpositionSpec& spec, std::span<double> atoms);

enum class SuperpositionSplit { kTrain, kTest };

// samples[rows, spec.cols] = rows first_row, first_row + 1, ... of the split. The result does not
// depend on how a split is cut into calls, nor on the number of rows that the spec gives it.
void superposition_rows(const SuperpositionSpec& spec, std::span<const double> atoms,
                        SuperpositionSplit split, std::int64_t first_row, std::span<float> samples);

}  // namespace aesweep
