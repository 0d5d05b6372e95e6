// durable_write: puts bytes into a file such that every reader, and every crash, finds either the
// whole new file or what was there before.
//
// How: a temporary name in the same folder, a full write, fsync (file_calls.hpp), rename, fsync of
// the folder. Whatever fails, the temporary file is removed and the target is as before; only after
// a failed fsync of the folder is the target in place without the promise that it survives a power
// cut.
//
// Threads: any number of calls at once, on different targets. Failures are Fault::kWorld; the
// message names the target, the system's reason, the bytes needed and the next step. The process
// should ignore SIGXFSZ, else a file size limit ends it before it can say so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

enum class WriteMode {
  kCreate,  // The target must not exist. One that holds the same bytes is adopted: success.
  kReplace  // The target, if any, is replaced atomically.
};

// What identifies a file's bytes.
struct FileFacts {
  std::uint64_t bytes = 0;
  std::string sha256;  // 64 hexadecimal digits.
  bool operator==(const FileFacts&) const = default;
};

[[nodiscard]] FileFacts facts_of(std::span<const std::byte> bytes);

[[nodiscard]] Status durable_write(const std::string& path, std::span<const std::byte> bytes,
                                   WriteMode mode);

// The temporary file of a durable write whose bytes someone else writes, to fd(). Ends in commit(),
// or in its destructor, which removes it. Movable.
class PendingFile {
 public:
  // `target` is the name that the file will have.
  [[nodiscard]] static Result<PendingFile> create(const std::string& target);
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  ~PendingFile();

  [[nodiscard]] int fd() const { return fd_; }

  // Takes room for `bytes` on the disk where the file system can do that, so that a full disk is
  // noticed before the work. The writer cuts the file to its size at the end.
  [[nodiscard]] Status reserve(std::uint64_t bytes);

  // Writes after what was appended before. For writers in order; others write to fd().
  [[nodiscard]] Status append(std::span<const std::byte> bytes);

  // Of what it holds now, read back: for writers who wrote out of order.
  [[nodiscard]] Result<FileFacts> facts() const;

  // fsync, rename, fsync of the folder. No call may follow.
  [[nodiscard]] Status commit(WriteMode mode);

 private:
  PendingFile(std::string target, std::string temporary, int fd);

  // The target exists: success, durably, where it holds the bytes of the temporary file.
  [[nodiscard]] Status adopt(std::uint64_t bytes) const;

  std::string target_;
  std::string temporary_;  // Empty once it no longer exists.
  int fd_ = -1;
};

// What a failed write of `path` says: the reason that `error_number` stands for, the bytes needed
// and what to do. `bytes` is 0 where the size is not known.
[[nodiscard]] Status write_fault(const std::string& path, int error_number, std::uint64_t bytes);

namespace internal {

// Give the file `from` the name `to`; 0 or errno. place_over replaces, place_new gives EEXIST where
// `to` exists; place_by_link is its way on file systems without RENAME_NOREPLACE.
[[nodiscard]] int place_over(const std::string& from, const std::string& to);
[[nodiscard]] int place_new(const std::string& from, const std::string& to);
[[nodiscard]] int place_by_link(const std::string& from, const std::string& to);

}  // namespace internal
}  // namespace aesweep
