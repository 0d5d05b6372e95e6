// StreamFile: the rows of a split that stay in their file and are read when they are needed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/base/file.hpp"
#include "core/base/status.hpp"

namespace aesweep {

// Raw rows, one after another, in this machine's byte order. Any thread.
class StreamFile {
 public:
  // Rows of row_bytes from byte `offset` on; the file has at least rows * row_bytes from there. An
  // input fault: that is not so, or the file is not in the state that it was `seen` in.
  [[nodiscard]] static Result<StreamFile> open(const std::string& path, std::uint64_t offset,
                                               std::uint64_t row_bytes, std::int64_t rows,
                                               const std::optional<FileState>& seen = {});

  [[nodiscard]] std::uint64_t row_bytes() const { return row_bytes_; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  // A fault of the world if the file was written to since it was opened.
  [[nodiscard]] Status check_unchanged() const;
  // Rows [first, first + out.size() / row_bytes()).
  [[nodiscard]] Status read_rows(std::int64_t first, std::span<std::byte> out) const;

 private:
  StreamFile(InputFile file, const FileState& opened, std::uint64_t offset, std::uint64_t row_bytes,
             std::int64_t rows)
      : file_(std::move(file)),
        opened_(opened),
        offset_(offset),
        row_bytes_(row_bytes),
        rows_(rows) {}

  InputFile file_;
  FileState opened_;
  std::uint64_t offset_;
  std::uint64_t row_bytes_;
  std::int64_t rows_;
};

}  // namespace aesweep
