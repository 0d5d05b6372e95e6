// Line: a line of text put together in place, for signal handlers and for threads that must not
// wait for the allocator. What does not fit is cut.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace aesweep {

class Line {
 public:
  Line& operator<<(const char* words) {
    const std::size_t count = std::min(std::strlen(words), kBytes - size_);
    std::memcpy(bytes_ + size_, words, count);
    size_ += count;
    bytes_[size_] = '\0';
    return *this;
  }
  Line& operator<<(std::uint64_t number) {
    char digits[21];
    char* at = digits + sizeof digits - 1;
    *at = '\0';
    do {
      *--at = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return *this << at;
  }

  void clear() {
    size_ = 0;
    bytes_[0] = '\0';
  }
  // Up to the next change.
  [[nodiscard]] const char* c_str() const { return bytes_; }

  // To stderr, with whatever it takes; a stderr that takes nothing is given up.
  void write() const {
    const char* from = bytes_;
    std::size_t left = size_;
    while (left > 0) {
      const ssize_t count = ::write(STDERR_FILENO, from, left);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      from += count;
      left -= static_cast<std::size_t>(count);
    }
  }

 private:
  static constexpr std::size_t kBytes = 8192;  // Above any path.
  char bytes_[kBytes + 1] = {};
  std::size_t size_ = 0;
};

}  // namespace aesweep
