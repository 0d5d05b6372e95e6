// Epoch order: in which order an epoch visits the samples.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

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

// As above if block_rows is 0. Otherwise an order for samples that are read from a file by blocks:
// of block_rows rows each, the last one perhaps shorter. The blocks are shuffled; so many of them
// after each other as have together at most pool_rows rows, at least one, are a pool (pool_rows 0:
// all are one); and the rows of each pool are shuffled. So what lies close together in the order
// lies in few blocks. Depends on (seed, epoch, n, block_rows, pool_rows) alone.
//
// Both shuffles are Fisher-Yates from the last place down with draws as above, of the key of
// purpose 1 for blocks (place i of the blocks draws from [0, i]) and of purpose 2 for rows (place i
// of the order draws from [first, i], first being the pool's first place). Part of the results.
void epoch_order(std::uint64_t seed, std::uint64_t epoch, bool shuffle, std::int64_t block_rows,
                 std::int64_t pool_rows, std::span<std::int64_t> rows);

// Where the pools of such an order lie, shuffled or not: pool p is the places [bounds[p],
// bounds[p + 1]) of `order`. `rows` is n; of another order, with fewer or repeated rows, the bounds
// cut it into pieces no longer than a pool. block_rows is at least 1.
[[nodiscard]] std::vector<std::int64_t> pool_bounds(std::span<const std::int64_t> order,
                                                    std::int64_t rows, std::int64_t block_rows,
                                                    std::int64_t pool_rows);

}  // namespace aesweep
