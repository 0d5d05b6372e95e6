// Epoch order: in which order an epoch visits the samples.
#pragma once

#include <cstdint>
#include <span>

namespace aesweep {

// Fills rows[0..n) with the numbers 0..n-1: in order, or, if `shuffle`, in a random order in which
// all n! orders are equally likely and that depends on (seed, epoch, n) alone. n is below 2^32.
//
// Fisher-Yates from the last place down: place i takes what lies at a place j drawn from [0, i].
// j is D. Lemire's unbiased bounded integer ("Fast random integer generation in an interval", ACM
// TOMACS 29, 2019) of the first fitting word of the Philox blocks with key
// stream_key(stream_hash(seed, "data/order", 0), 0) and counters (epoch low, epoch high, i, 0),
// (..., 1), and so on. Part of the results: a change of it changes every shuffled trial.
void epoch_order(std::uint64_t seed, std::uint64_t epoch, bool shuffle,
                 std::span<std::int64_t> rows);

}  // namespace aesweep
