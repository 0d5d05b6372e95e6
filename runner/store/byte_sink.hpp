// ByteSink: where libhdf5's bytes go: a growing buffer, or a file that is already open.
//
// libhdf5 1.10 must never see a failed write: it leaves its caches dirty and crashes when the file
// is closed or the program ends (seen with a full disk). So a sink takes every call, remembers the
// first error, drops what follows, and its owner asks error() before it believes the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace aesweep {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  virtual void write(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  // Bytes never written, or beyond the end, are zero.
  virtual void read(std::uint64_t offset, std::span<std::byte> bytes) = 0;
  virtual void truncate(std::uint64_t size) = 0;
  // errno of the first failure; 0: none.
  [[nodiscard]] int error() const { return error_; }

 protected:
  void fail(int error) { error_ = error_ == 0 ? error : error_; }

 private:
  int error_ = 0;
};

class MemorySink final : public ByteSink {
 public:
  MemorySink() = default;
  explicit MemorySink(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  void write(std::uint64_t offset, std::span<const std::byte> bytes) override;
  void read(std::uint64_t offset, std::span<std::byte> bytes) override;
  void truncate(std::uint64_t size) override;
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

// Does not own the descriptor, which must stay open and be readable and writable.
class FileSink final : public ByteSink {
 public:
  explicit FileSink(int fd) : fd_(fd) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  void write(std::uint64_t offset, std::span<const std::byte> bytes) override;
  void read(std::uint64_t offset, std::span<std::byte> bytes) override;
  void truncate(std::uint64_t size) override;

 private:
  int fd_;
  std::uint64_t size_ = 0;
};

}  // namespace aesweep
