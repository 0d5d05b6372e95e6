#include "runner/store/byte_sink.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace aesweep {

void MemorySink::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (error() != 0) return;
  if (offset + bytes.size() > bytes_.size()) truncate(offset + bytes.size());
  if (error() == 0 && !bytes.empty()) {
    std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
  }
}

void MemorySink::read(std::uint64_t offset, std::span<std::byte> bytes) {
  std::fill(bytes.begin(), bytes.end(), std::byte{0});
  if (offset >= bytes_.size() || bytes.empty()) return;
  const std::uint64_t count = std::min<std::uint64_t>(bytes.size(), bytes_.size() - offset);
  std::memcpy(bytes.data(), bytes_.data() + offset, count);
}

void MemorySink::truncate(std::uint64_t size) {
  if (error() != 0) return;
  try {  // Called from inside libhdf5, which no exception may cross.
    bytes_.resize(size);
  } catch (const std::bad_alloc&) {
    fail(ENOMEM);
  }
}

void FileSink::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (error() == 0 && !bytes.empty()) {
    const std::size_t part = std::min<std::size_t>(bytes.size(), std::size_t{1} << 30);
    const ssize_t written = ::pwrite(fd_, bytes.data(), part, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
    size_ = std::max(size_, offset);
  }
}

void FileSink::read(std::uint64_t offset, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(errno);
    if (got <= 0) break;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  std::fill(bytes.begin(), bytes.end(), std::byte{0});
}

void FileSink::truncate(std::uint64_t size) {
  if (error() != 0) return;
  int rc = 0;
  do {
    rc = ::ftruncate(fd_, static_cast<off_t>(size));
  } while (rc != 0 && errno == EINTR);
  if (rc != 0) return fail(errno);
  size_ = size;
}

}  // namespace aesweep
