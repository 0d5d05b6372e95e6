// Reading of files that the journal vouches for: their bytes are compared with what it says before
// anything, libhdf5 above all, looks into them.
//
// Faults are of the world; they name the file, what was expected, what was found and the next step.
// Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/store/byte_sink.hpp"
#include "runner/store/descriptor.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/image_file.hpp"

namespace aesweep {

// A regular file opened to read.
class StoredFile {
 public:
  [[nodiscard]] static Result<StoredFile> open(const std::string& path);
  [[nodiscard]] std::uint64_t size() const { return size_; }  // When it was opened.
  [[nodiscard]] int fd() const { return descriptor_.get(); }
  // Fills `bytes` whole; a file that ends before is a fault.
  [[nodiscard]] Status read(std::uint64_t offset, std::span<std::byte> bytes) const;
  // Hands `bytes` bytes from `offset` on to `take`, a block at a time.
  [[nodiscard]] Status stream(std::uint64_t offset, std::uint64_t bytes,
                              const std::function<Status(std::span<const std::byte>)>& take) const;

 private:
  StoredFile(std::string path, Descriptor descriptor, std::uint64_t size)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), size_(size) {}

  std::string path_;
  Descriptor descriptor_;
  std::uint64_t size_;
};

// What is said of bytes that are not those expected; `what` names them.
[[nodiscard]] Status damaged(const std::string& what, const FileFacts& expected,
                             const FileFacts& found);

// Whether the file is there and its bytes are those expected. A fault: that cannot be found out.
[[nodiscard]] Result<bool> is_as_expected(const std::string& path, const FileFacts& expected);

// A whole file, or the part of it that begins at `offset`, to read through h5::open_image: in
// memory, or, above image_bytes_max, from the file. An empty hash in `expected`: not compared, and
// the whole file is meant. `what` names the bytes in messages.
[[nodiscard]] Result<std::unique_ptr<ByteSink>> open_verified(
    const std::string& path, const std::string& what, const FileFacts& expected,
    std::optional<std::uint64_t> offset = {}, std::uint64_t image_bytes_max = kImageBytesMax);

}  // namespace aesweep
