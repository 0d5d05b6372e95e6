// The active set of one shard's matrix, between guards. Internal to this folder.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "core/conformance/grid.hpp"
#include "core/conformance/live.hpp"

namespace aesweep::conformance {

template <class T>
class ActiveSet {
 public:
  ActiveSet(std::int64_t rows, std::int64_t capacity)
      : offsets_(static_cast<std::size_t>(rows + 1) + 2 * kGuard, kMark),
        columns_(static_cast<std::size_t>(capacity) + 2 * kGuard, kMark),
        values_(1, capacity) {
    set_.value.capacity = capacity;
    set_.value.row_offsets = offsets_.data() + kGuard;
    set_.value.columns = columns_.data() + kGuard;
    set_.value.values = values_.data();
  }
  // Copies would share the first one's arrays.
  ActiveSet(ActiveSet&&) noexcept = default;
  ActiveSet(const ActiveSet&) = delete;
  ActiveSet& operator=(const ActiveSet&) = delete;

  [[nodiscard]] typename Abi<T>::Active* get() { return &set_.value; }
  [[nodiscard]] const typename Abi<T>::Active* get() const { return &set_.value; }

  // Takes the non-zeros of a matrix.
  void take(const typename Abi<T>::ConstMatrix& m) {
    std::int64_t entry = 0;
    for (std::int64_t i = 0; i < m.rows; ++i) {
      set_.value.row_offsets[i] = entry;
      for (std::int64_t j = 0; j < m.cols; ++j) {
        const T value = m.data[i * m.row_stride + j];
        if (value == T(0)) continue;
        set_.value.columns[entry] = static_cast<std::int32_t>(j);
        set_.value.values[entry++] = value;
      }
    }
    set_.value.row_offsets[m.rows] = entry;
  }

  // The positions that the set does not list: NaN, which nobody may read; or 0.
  void poison_others(const typename Abi<T>::Matrix& m) const {
    set_others(m, std::numeric_limits<T>::quiet_NaN());
  }
  void clear_others(const typename Abi<T>::Matrix& m) const { set_others(m, T(0)); }

  // Holds the ABI's promises about a set that was filled beside `m`.
  void require_consistent(const typename Abi<T>::ConstMatrix& m, std::int64_t per_row) const {
    require_guards();
    const auto& a = set_.value;
    if (a.row_offsets[0] != 0) fail("active set: row_offsets[0] is ", a.row_offsets[0], ", not 0");
    for (std::int64_t i = 0; i < m.rows; ++i) {
      const std::int64_t begin = a.row_offsets[i];
      const std::int64_t end = a.row_offsets[i + 1];
      if (begin > end || end > a.capacity || end - begin > per_row) {
        fail("active set: row ", i, " has entries [", begin, ", ", end, "), at most ", per_row,
             " a row and ", a.capacity, " in all were declared");
      }
      require_row(m, i, begin, end);
    }
  }

 private:
  static constexpr std::size_t kGuard = 8;
  static constexpr std::int32_t kMark = -12345;

  void set_others(const typename Abi<T>::Matrix& m, T value) const {
    const auto& a = set_.value;
    for (std::int64_t i = 0; i < m.rows; ++i) {
      std::int64_t entry = a.row_offsets[i];
      for (std::int64_t j = 0; j < m.cols; ++j) {
        if (entry < a.row_offsets[i + 1] && a.columns[entry] == j) {
          ++entry;
        } else {
          m.data[i * m.row_stride + j] = value;
        }
      }
    }
  }

  void require_row(const typename Abi<T>::ConstMatrix& m, std::int64_t i, std::int64_t begin,
                   std::int64_t end) const {
    const auto& a = set_.value;
    std::int64_t entry = begin;
    std::int32_t last = -1;
    for (std::int64_t e = begin; e < end; ++e) {
      if (a.columns[e] <= last || a.columns[e] >= m.cols) {
        fail("active set: row ", i, " lists column ", a.columns[e], " after ", last,
             "; columns rise within [0, ", m.cols, ")");
      }
      last = a.columns[e];
    }
    for (std::int64_t j = 0; j < m.cols; ++j) {
      const T dense = m.data[i * m.row_stride + j];
      const bool listed = entry < end && a.columns[entry] == j;
      const T expected = listed ? a.values[entry] : T(0);
      if (listed) ++entry;
      if (std::memcmp(&dense, &expected, sizeof dense) != 0 && !(dense == expected)) {
        fail("active set: y(", i, ", ", j, ") is ", dense, " in the matrix and ", expected,
             listed ? " in the set" : ", unlisted, in the set");
      }
    }
  }

  void require_guards() const {
    bool intact = values_.canaries_intact() && set_.tail_intact();
    for (std::size_t i = 0; i < kGuard; ++i) {
      intact = intact && columns_[i] == kMark && columns_[columns_.size() - 1 - i] == kMark &&
               offsets_[i] == kMark && offsets_[offsets_.size() - 1 - i] == kMark;
    }
    if (!intact) fail("forward writes outside of the active set's arrays");
  }

  Extended<typename Abi<T>::Active> set_{false};
  std::vector<std::int64_t> offsets_;
  std::vector<std::int32_t> columns_;
  Grid<T> values_;
};

}  // namespace aesweep::conformance
