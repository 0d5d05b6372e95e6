// RowFeed: hands a rank the samples of its batches, one batch after another, from memory or from
// the file that a split is streamed from.
//
// A streamed split is read ahead by a thread of its own, pool by pool (order.hpp): while the rows
// of one pool are used, the blocks of the next are read in the order of the file and of each row
// that this rank will use one copy is kept. Memory: two pools' rows of this rank, and one block.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"

namespace aesweep {

// Places [first, first + count) of the order; count may be 0.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

class RowFeed {
 public:
  RowFeed();
  ~RowFeed();
  RowFeed(const RowFeed&) = delete;
  RowFeed& operator=(const RowFeed&) = delete;

  // From now on next() gives `ranges` of `order`, one after another. Ranges ascend and do not
  // overlap; a range's rows fit in memory. The split, with all it points to, and `order` must stay
  // as they are until the next begin() or the end; whatever was going on is given up.
  void begin(const Split& split, std::span<const std::int64_t> order, std::vector<RowRange> ranges);

  // The next range's rows into out, as gather() does. A fault of the world: the file cannot be
  // read, or is no longer as long as it was.
  template <class T>
  [[nodiscard]] Status next(T* out, std::int64_t row_stride);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What a rank uses of a split: one run of at most `mine` rows of every batch, of which the last,
// shorter or not, has tail_rows rows, at most tail_mine of them this rank's.
struct FeedShare {
  std::int64_t batch_rows = 1;
  std::int64_t mine = 0;
  std::int64_t tail_rows = 0;
  std::int64_t tail_mine = 0;
};

// Bytes of memory that a feed of the split takes on such a rank at most.
[[nodiscard]] std::uint64_t row_feed_bytes(const Split& split, const FeedShare& share);

}  // namespace aesweep
