#include "core/data/pool_reader.hpp"

#include <signal.h>

#include <algorithm>
#include <exception>
#include <system_error>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/data/order.hpp"
#include "core/data/stream_file.hpp"

namespace aesweep {

void PoolReader::start(const Split& split, std::span<const std::int64_t> order,
                       std::span<const RowRange> ranges) {
  stop();
  AESWEEP_CHECK(split.stream != nullptr && split.block_rows > 0, "the split is not streamed");
  AESWEEP_CHECK(split.stream->row_bytes() ==
                        static_cast<std::uint64_t>(split.cols) * element_bytes(split.element) &&
                    split.stream->rows() >= split.rows,
                "the split is not that of its file");
  split_ = split;
  order_ = order;
  ranges_ = ranges;
  share_out(pool_bounds(order, split.rows, split.block_rows, split.pool_rows));
  take_memory();
  pool_ = 0;
  taken_ = 0;
  met_ = {};
  free_pools_ = 0;
  stop_ = false;
  fault_ = {};
  if (shares_.empty()) return;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  // The thread inherits it: signals are for the threads that work.
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    fault_ = Status::world(text("data: cannot start a thread that reads: ", error.what()));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void PoolReader::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// Which of the wanted places lie in which pool; both ascend.
void PoolReader::share_out(std::span<const std::int64_t> bounds) {
  shares_.clear();
  std::size_t range = 0;
  std::int64_t skip = 0;
  for (std::size_t p = 0; p + 1 < bounds.size(); ++p) {
    Share share = {range, skip, 0};
    while (range < ranges_.size()) {
      const RowRange& wanted = ranges_[range];
      AESWEEP_CHECK(
          wanted.first >= 0 && wanted.count >= 0 && wanted.first + wanted.count <= bounds.back(),
          "a range outside of the order");
      const std::int64_t left = wanted.count - skip;
      const std::int64_t here =
          std::clamp<std::int64_t>(bounds[p + 1] - (wanted.first + skip), 0, left);
      share.count += here;
      skip += here;
      if (here < left) break;
      ++range;
      skip = 0;
    }
    if (share.count > 0) shares_.push_back(share);
  }
}

void PoolReader::take_memory() {
  std::int64_t count_max = 0;
  for (const Share& share : shares_) count_max = std::max(count_max, share.count);
  const auto bytes = static_cast<std::size_t>(count_max) * split_.stream->row_bytes();
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    Rows& rows = rows_[i];
    rows.is_planned = false;
    rows.filled = 0;
    if (i >= shares_.size()) continue;
    if (rows.bytes_size < bytes) {
      rows.bytes.reset();
      rows.bytes = std::make_unique_for_overwrite<std::byte[]>(bytes);
      rows.bytes_size = bytes;
    }
    rows.slots.resize(std::max(rows.slots.size(), static_cast<std::size_t>(count_max)));
  }
  picker_.reset();
  if (count_max > 0) picker_.emplace(*split_.stream, split_.block_rows, count_max);
}

void PoolReader::run() {
  Status fault;
  try {
    fault = split_.stream->check_unchanged();
    if (fault.ok()) fault = read_pools();
  } catch (const std::exception& error) {
    fault = Status::world(text("data: cannot read ahead: ", error.what()));
  }
  if (fault.ok()) return;
  {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
  }
  changed_.notify_all();
}

Status PoolReader::read_pools() {
  for (std::size_t pool = 0; pool < shares_.size(); ++pool) {
    if (!wait_for_room(pool)) return {};
    AESWEEP_RETURN_IF_ERROR(read_pool(shares_[pool], rows_[pool % rows_.size()]));
  }
  return {};
}

// False: the reading is to stop.
bool PoolReader::wait_for_room(std::size_t pool) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stop_ || pool < free_pools_ + rows_.size(); });
  return !stop_;
}

Status PoolReader::read_pool(const Share& share, Rows& rows) {
  const auto slots = std::span(rows.slots).first(static_cast<std::size_t>(share.count));
  write_wanted(share, slots);
  picker_->plan(slots);
  rows.count = share.count;
  for (std::size_t i = 0; i <= picker_->block_count(); ++i) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return {};
      rows.is_planned = true;
      rows.filled = i == 0 ? 0 : picker_->places_end(i - 1);
    }
    changed_.notify_all();
    if (i < picker_->block_count()) {
      AESWEEP_RETURN_IF_ERROR(picker_->read(i, rows.bytes.get()));
    }
  }
  return {};
}

void PoolReader::write_wanted(const Share& share, std::span<std::int64_t> wanted) const {
  std::size_t range = share.range;
  std::int64_t skip = share.skip;
  while (!wanted.empty()) {
    const RowRange& from = ranges_[range++];
    const auto count = std::min(static_cast<std::size_t>(from.count - skip), wanted.size());
    const auto rows = order_.subspan(static_cast<std::size_t>(from.first + skip), count);
    std::copy(rows.begin(), rows.end(), wanted.begin());
    wanted = wanted.subspan(count);
    skip = 0;
  }
}

// Until the rows for `count` wanted places from the first-th of the pool on are there.
Status PoolReader::wait_for_rows(const Rows& rows, std::int64_t first, std::int64_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return rows.is_planned || !fault_.ok(); });
  if (!rows.is_planned) return fault_;
  const auto slots = std::span(rows.slots)
                         .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  const std::int64_t last = *std::max_element(slots.begin(), slots.end());
  changed_.wait(lock, [&] { return rows.filled > last || !fault_.ok(); });
  return rows.filled > last ? Status() : fault_;
}

template <class T>
Status PoolReader::take(std::int64_t count, T* out, std::int64_t row_stride) {
  while (count > 0) {
    AESWEEP_CHECK(pool_ < shares_.size(), "more rows are taken than are wanted");
    Rows& rows = rows_[pool_ % rows_.size()];
    const std::int64_t pool_count = shares_[pool_].count;
    const std::int64_t here = std::min(count, pool_count - taken_);
    if (met_.ok()) met_ = wait_for_rows(rows, taken_, here);
    if (!met_.ok()) return met_;
    Split pool = split_;
    pool.samples = rows.bytes.get();
    pool.rows = pool_count;
    gather(pool,
           std::span(rows.slots)
               .subspan(static_cast<std::size_t>(taken_), static_cast<std::size_t>(here)),
           out, row_stride);
    out += here * row_stride;
    count -= here;
    taken_ += here;
    if (taken_ < pool_count) continue;
    taken_ = 0;
    ++pool_;
    {
      const std::lock_guard lock(mutex_);
      rows.is_planned = false;
      rows.filled = 0;
      free_pools_ = pool_;
    }
    changed_.notify_all();
  }
  return {};
}

template Status PoolReader::take(std::int64_t, float*, std::int64_t);
template Status PoolReader::take(std::int64_t, double*, std::int64_t);

}  // namespace aesweep
