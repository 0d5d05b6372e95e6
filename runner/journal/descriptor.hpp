// Descriptor: a file descriptor that closes itself, and reading and writing of all that is asked
// for.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace aesweep {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// Writes at the end of a file that was opened to append: in one call unless the system cuts it
// short. 0 or errno; part of the bytes may be there then.
[[nodiscard]] int write_all(int fd, std::span<const std::byte> bytes);

// Reads from `offset` on; the bytes read, fewer than asked for only at the end of the file, or -1.
[[nodiscard]] ssize_t read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes);

// The system's words for an errno.
[[nodiscard]] std::string errno_text(int error_number);

// fsync; 0 or errno. An interrupted one is no failed one: it is made again.
[[nodiscard]] int sync_all(int fd);

// Syncs a folder's entries; 0 or errno.
[[nodiscard]] int sync_folder(const std::string& path);

// "." for a bare name.
[[nodiscard]] std::string folder_of(const std::string& path);

}  // namespace aesweep
