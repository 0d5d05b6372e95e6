#include "core/data/stream_file.hpp"

#include <optional>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/checked.hpp"
#include "core/base/text.hpp"

namespace aesweep {

Result<StreamFile> StreamFile::open(const std::string& path, std::uint64_t offset,
                                    std::uint64_t row_bytes, std::int64_t rows,
                                    const std::optional<FileState>& seen) {
  AESWEEP_CHECK(row_bytes > 0 && rows >= 0, "a StreamFile needs rows that have bytes");
  Result<InputFile> file = InputFile::open(path);
  if (!file.ok()) return file.status();
  const auto bytes = checked_multiply(static_cast<std::uint64_t>(rows), row_bytes);
  const auto end = bytes ? checked_add(offset, *bytes) : std::nullopt;
  if (!end || *end > file->size()) {
    return Status::input(text(path, ": has ", file->size(), " bytes; ", rows, " samples of ",
                              row_bytes, " bytes from byte ", offset, " on need more"));
  }
  const Result<FileState> state = file->state();
  AESWEEP_RETURN_IF_ERROR(state.status());
  if (seen && *seen != state.value()) {
    return Status::input(text(path,
                              ": changed since its header was read; samples are streamed from a "
                              "file that must stay as it is during a run"));
  }
  return StreamFile(std::move(file).value(), state.value(), offset, row_bytes, rows);
}

Status StreamFile::check_unchanged() const {
  const Result<FileState> state = file_.state();
  if (!state.ok()) return Status::world(state.status().message());
  if (state.value() == opened_) return {};
  return Status::world(text(file_.path(),
                            ": changed since it was opened; samples are streamed from a file that "
                            "must stay as it is during a run"));
}

Status StreamFile::read_rows(std::int64_t first, std::span<std::byte> out) const {
  const std::uint64_t count = out.size() / row_bytes_;
  AESWEEP_CHECK(count * row_bytes_ == out.size() && first >= 0 && first <= rows_ &&
                    count <= static_cast<std::uint64_t>(rows_ - first),
                "read_rows of other than whole rows that are there");
  const std::uint64_t offset = offset_ + static_cast<std::uint64_t>(first) * row_bytes_;
  const Status status = file_.read_at(offset, out);
  if (status.ok()) return status;
  // Once it was as long as it had to be, whatever happens to the file is not the input's fault.
  return Status::world(text(status.message(), "; samples ", first, " to ",
                            first + static_cast<std::int64_t>(count) - 1,
                            " were being read, of a file that must stay as it is during a run"));
}

}  // namespace aesweep
