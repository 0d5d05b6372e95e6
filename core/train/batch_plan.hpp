// BatchPlan: how a batch of a given size is cut into shards, who computes which, and along which
// tree their results are merged. Made once per batch size; immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/math/tree.hpp"

namespace aesweep {

struct Shard {
  std::int64_t first_row = 0;  // In the global batch.
  std::int64_t rows = 0;
};

struct BatchPlan {
  std::int64_t rows = 0;           // N, rows of the global batch.
  std::vector<Shard> shards;       // All of them, in row order.
  LeafRange mine;                  // This rank's shards; may be empty.
  std::vector<LeafRange> parts;    // The merged subtrees of all ranks, in leaf order.
  std::vector<int> parts_of_rank;  // How many of them each rank holds.
  MergeOrder local;                // Merging this rank's shards into its parts.
  MergeOrder global;               // Merging all parts into the whole.

  [[nodiscard]] int my_parts(int rank) const {
    return parts_of_rank[static_cast<std::size_t>(rank)];
  }
  // Rows before and in this rank's range.
  [[nodiscard]] std::int64_t local_first_row() const;
  [[nodiscard]] std::int64_t local_rows() const;
};

// ceil(rows / shard_rows) shards whose sizes differ by at most one, the longer first; shared out to
// `ranks` ranks as contiguous ranges. A rank beyond the shard count gets none.
[[nodiscard]] BatchPlan make_batch_plan(std::int64_t rows, std::int64_t shard_rows, int rank,
                                        int ranks);

}  // namespace aesweep
