// InputFile: a regular file open for reading, whose size is known before its first byte is read.
//
// Pipes, folders and devices are refused without waiting for them. Owns its descriptor; movable.
// Const functions may be called from any thread. Every message starts with the path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"

namespace aesweep {

// Which file it is and when it was last written to: stays equal while nothing is.
struct FileState {
  std::uint64_t device;
  std::uint64_t inode;
  std::uint64_t size;
  std::int64_t modified;  // In ns.
  bool operator==(const FileState&) const = default;
};

class InputFile {
 public:
  // A path that does not lead to a readable regular file is an input fault. Symbolic links are
  // followed.
  [[nodiscard]] static Result<InputFile> open(const std::string& path);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }  // When it was opened.

  // As it is now.
  [[nodiscard]] Result<FileState> state() const;

  // Fills `out` from byte `offset` on. An end of file before that is an input fault; what `out`
  // holds then is undefined.
  [[nodiscard]] Status read_at(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  InputFile(std::string path, int descriptor, std::uint64_t size);

  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

// All bytes of a regular file. One that is larger than bytes_max is an input fault, found before
// anything is allocated.
[[nodiscard]] Result<std::vector<std::byte>> read_file(const std::string& path,
                                                       std::uint64_t bytes_max);

}  // namespace aesweep
