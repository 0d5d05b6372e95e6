// PoolReader: reads a streamed split's rows ahead of their use, in a thread of its own.
//
// The places of an order are cut into pools (order.hpp). While the rows of one pool are taken, the
// thread reads those of the next. One thread calls; the reading thread blocks all signals.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"
#include "core/data/row_feed.hpp"
#include "core/data/row_picker.hpp"

namespace aesweep {

class PoolReader {
 public:
  PoolReader() = default;
  ~PoolReader() { stop(); }
  PoolReader(const PoolReader&) = delete;
  PoolReader& operator=(const PoolReader&) = delete;

  // From now on take() gives the rows at the places of `ranges`, one after another. The split is
  // streamed by blocks. All arguments, and what they point to, stay as they are until stop();
  // whatever was going on is given up.
  void start(const Split& split, std::span<const std::int64_t> order,
             std::span<const RowRange> ranges);

  // Gives up. Returns when the thread has ended, at most a block's reading later.
  void stop();

  // The next `count` rows, of those that are left, converted as gather() does. A fault of the
  // reading is the world's, and is met where the rows are that could not be read; then it stays.
  template <class T>
  [[nodiscard]] Status take(std::int64_t count, T* out, std::int64_t row_stride);

 private:
  // The wanted places of a pool: `count` of them from place `skip` of range `range` on.
  struct Share {
    std::size_t range = 0;
    std::int64_t skip = 0;
    std::int64_t count = 0;
  };
  // The wanted rows of a pool.
  struct Rows {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t bytes_size = 0;
    std::vector<std::int64_t> slots;  // Per wanted place of the order: which row of `bytes`.
    std::int64_t count = 0;
    // Guarded by the mutex, as all of the above is handed over by `is_planned`.
    bool is_planned = false;
    std::int64_t filled = 0;  // Rows [0, filled) are there.
  };

  void share_out(std::span<const std::int64_t> bounds);
  void take_memory();
  void run();
  [[nodiscard]] Status read_pools();
  [[nodiscard]] bool wait_for_room(std::size_t pool);
  [[nodiscard]] Status read_pool(const Share& share, Rows& rows);
  void write_wanted(const Share& share, std::span<std::int64_t> wanted) const;
  [[nodiscard]] Status wait_for_rows(const Rows& rows, std::int64_t first, std::int64_t count);

  Split split_;
  std::span<const std::int64_t> order_;
  std::span<const RowRange> ranges_;
  std::vector<Share> shares_;        // Of the pools that have wanted places, one after another.
  std::array<Rows, 2> rows_;         // Of shares 0, 2, 4, ...; of shares 1, 3, 5, ...
  std::optional<RowPicker> picker_;  // The reading thread's.
  std::size_t pool_ = 0;             // From which the caller takes,
  std::int64_t taken_ = 0;           // and how many rows of it were taken.
  Status met_;                       // The fault that take() gave.

  std::mutex mutex_;  // Guards these, too.
  std::condition_variable changed_;
  std::size_t free_pools_ = 0;  // Pools of which all rows have been taken.
  bool stop_ = false;
  Status fault_;
  std::thread thread_;
};

}  // namespace aesweep
