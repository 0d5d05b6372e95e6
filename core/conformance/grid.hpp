// Grid and Scratch: memory for one call, as awkward as the ABI allows, between canaries.
//
// What lies outside of the elements (before, after, and between the rows) holds a NaN of its own
// bits: who reads it gets NaN, who writes it is found out.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/model/abi_types.hpp"

namespace aesweep::conformance {

// A matrix that starts `offset` elements after a 64-byte line, with `padding` elements between its
// rows. Elements are the canary, too, until they are set: an output that is not written stays NaN.
template <class T>
class Grid {
 public:
  Grid() = default;
  Grid(std::int64_t rows, std::int64_t cols, std::int64_t padding = 0, std::int64_t offset = 0)
      : rows_(rows),
        cols_(cols),
        stride_(cols + padding),
        begin_(kGuard + offset),
        memory_(static_cast<std::size_t>(begin_ + rows * stride_ + kGuard)) {
    for (T& element : memory_.span()) element = canary();
  }

  void set(const std::vector<double>& values) {
    for (std::int64_t i = 0; i < rows_; ++i) {
      for (std::int64_t j = 0; j < cols_; ++j) {
        row(i)[j] = static_cast<T>(values[static_cast<std::size_t>(i * cols_ + j)]);
      }
    }
  }
  void fill(double value) {
    for (std::int64_t i = 0; i < rows_; ++i) {
      for (std::int64_t j = 0; j < cols_; ++j) row(i)[j] = static_cast<T>(value);
    }
  }

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t cols() const { return cols_; }
  [[nodiscard]] T* row(std::int64_t i) { return memory_.data() + begin_ + i * stride_; }
  [[nodiscard]] const T* row(std::int64_t i) const { return memory_.data() + begin_ + i * stride_; }
  [[nodiscard]] T* data() { return row(0); }
  [[nodiscard]] const T* data() const { return row(0); }

  // Rows [first, first + count) as a matrix of their own.
  [[nodiscard]] typename Abi<T>::Matrix out(std::int64_t first, std::int64_t count) {
    return {row(first), nullptr, count, cols_, stride_};
  }
  [[nodiscard]] typename Abi<T>::ConstMatrix in(std::int64_t first, std::int64_t count) const {
    return {row(first), nullptr, count, cols_, stride_};
  }

  [[nodiscard]] std::vector<double> values() const {
    std::vector<double> all;
    all.reserve(static_cast<std::size_t>(rows_ * cols_));
    for (std::int64_t i = 0; i < rows_; ++i) {
      for (std::int64_t j = 0; j < cols_; ++j) all.push_back(static_cast<double>(row(i)[j]));
    }
    return all;
  }

  // Whether every element outside of the rows still has its bits.
  [[nodiscard]] bool canaries_intact() const {
    const T expected = canary();
    for (std::int64_t k = 0; k < static_cast<std::int64_t>(memory_.size()); ++k) {
      const std::int64_t inside = k - begin_;
      if (inside >= 0 && inside < rows_ * stride_ && inside % stride_ < cols_) continue;
      if (std::memcmp(&memory_[static_cast<std::size_t>(k)], &expected, sizeof expected) != 0) {
        return false;
      }
    }
    return true;
  }

  // The bytes of everything, to compare before and after a call that may not write.
  [[nodiscard]] bool same_bytes(const Grid& other) const {
    return memory_.size() == other.memory_.size() &&
           (memory_.size() == 0 ||
            std::memcmp(memory_.data(), other.memory_.data(), memory_.bytes()) == 0);
  }
  [[nodiscard]] Grid copy() const {
    Grid twin;
    twin.rows_ = rows_;
    twin.cols_ = cols_;
    twin.stride_ = stride_;
    twin.begin_ = begin_;
    twin.memory_ = Buffer<T>(memory_.size());
    if (memory_.size() > 0) std::memcpy(twin.memory_.data(), memory_.data(), memory_.bytes());
    return twin;
  }

 private:
  static constexpr std::int64_t kGuard = 16;
  static T canary() { return static_cast<T>(std::nan("0x5a5")); }

  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  std::int64_t stride_ = 0;
  std::int64_t begin_ = 0;
  Buffer<T> memory_;
};

// `bytes` of scratch memory on a 64-byte line, full of `garbage`, with a guard behind.
class Scratch {
 public:
  Scratch(std::uint64_t bytes, unsigned char garbage)
      : bytes_(bytes), garbage_(garbage), memory_(bytes + kGuard) {
    refill();
    std::memset(memory_.data() + bytes_, kMark, kGuard);
  }
  void refill() { std::memset(memory_.data(), garbage_, bytes_); }
  [[nodiscard]] void* data() { return memory_.data(); }
  [[nodiscard]] bool guard_intact() const {
    for (std::size_t i = bytes_; i < memory_.size(); ++i) {
      if (memory_[i] != kMark) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr unsigned char kMark = 0xA5;

  std::uint64_t bytes_;
  unsigned char garbage_;
  Buffer<unsigned char> memory_;
};

}  // namespace aesweep::conformance
