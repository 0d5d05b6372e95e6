// Buffer: an owned, zero-filled array of numbers that starts on a 64-byte line.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace aesweep {

inline constexpr std::size_t kLineBytes = 64;

// `count` rounded up to whole 64-byte lines of T.
template <class T>
[[nodiscard]] constexpr std::size_t padded_to_line(std::size_t count) {
  constexpr std::size_t per_line = kLineBytes / sizeof(T);
  return (count + per_line - 1) / per_line * per_line;
}

// Movable, not copyable. Its size never changes after construction, so pointers into it stay valid.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t count)
      : data_(count == 0 ? nullptr
                         : static_cast<T*>(::operator new(padded_to_line<T>(count) * sizeof(T),
                                                          std::align_val_t(kLineBytes)))),
        size_(count) {
    if (count != 0) {
      std::memset(static_cast<void*>(data_.get()), 0, padded_to_line<T>(count) * sizeof(T));
    }
  }

  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return size_ * sizeof(T); }
  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }
  [[nodiscard]] std::span<T> span() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const T> span() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete(p, std::align_val_t(kLineBytes)); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace aesweep
