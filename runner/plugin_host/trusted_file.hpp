// TrustedFile: a file that is about to become code in this process, opened once and checked.
//
// Everything after open_trusted_file works on the descriptor, never on the name again, so the bytes
// that were checked are the bytes that are hashed and loaded. Any thread.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "core/base/status.hpp"

namespace aesweep {

// An owned file descriptor, closed at the end of its life unless released.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  [[nodiscard]] int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

struct TrustedFile {
  std::string path;  // Absolute; no link in it.
  Descriptor descriptor;
  std::uint64_t bytes = 0;
};

// What is trusted because this program came from there: for the built-in libraries. Whoever owns
// the program, or can write to a folder above it, could have changed the program itself. By default
// nothing is, beyond root's.
struct ProgramPlace {
  unsigned owner = 0;
  std::string folder;  // It and the folders above are not examined. Absolute, no links.
};

// Opens `path` for reading. The path must be absolute (a name is never searched for, and never
// relative to the working directory), its last part no symbolic link, the file regular, of at most
// `bytes_max` bytes, owned by root or the effective user, and writable by its owner only; the
// folders above it are root's or the user's too, and writable by others only if sticky. A failed
// name is an input fault, everything else a fault of the world.
[[nodiscard]] Result<TrustedFile> open_trusted_file(const std::string& path,
                                                    std::uint64_t bytes_max,
                                                    const ProgramPlace& place = {});

// The rules about one file's type, owner, mode and size, and about one folder's owner and mode, on
// what stat said; `user` is the effective user id, `owner` another who is trusted. Apart for tests,
// which cannot change owners.
[[nodiscard]] Status check_trusted(const struct stat& facts, unsigned user, std::uint64_t bytes_max,
                                   unsigned owner = 0);
[[nodiscard]] Status check_trusted_folder(const struct stat& facts, unsigned user,
                                          unsigned owner = 0);

// out = the file's bytes [offset, offset + out.size()); a short file is a fault.
[[nodiscard]] Status read_at(const TrustedFile& file, std::uint64_t offset,
                             std::span<std::byte> out);

// SHA-256 of all its bytes, lower-case hex.
[[nodiscard]] Result<std::string> hash_trusted_file(const TrustedFile& file);

}  // namespace aesweep
