#include "runner/store/verified_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/store/fence.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr const char* kNextStep = "; run `aesweep validate` on the run's folder";

Status unreadable(const std::string& path, int error_number) {
  return Status::world(
      text("cannot read ", path, ": ", std::generic_category().message(error_number), kNextStep));
}

// Bytes of a file that were compared already.
class FileRegion final : public ByteSink {
 public:
  FileRegion(StoredFile file, std::uint64_t offset, std::uint64_t bytes)
      : file_(std::move(file)), offset_(offset), bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_; }
  void write(std::uint64_t, std::span<const std::byte>) override { fail(EROFS); }
  void truncate(std::uint64_t) override { fail(EROFS); }
  void read(std::uint64_t offset, std::span<std::byte> bytes) override {
    const std::uint64_t left = offset < bytes_ ? bytes_ - offset : 0;
    const std::span<std::byte> inside = bytes.first(std::min<std::uint64_t>(bytes.size(), left));
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    if (!file_.read(offset_ + offset, inside).ok()) fail(EIO);
  }

 private:
  StoredFile file_;
  std::uint64_t offset_;
  std::uint64_t bytes_;
};

Result<FileFacts> facts_of_region(const StoredFile& file, std::uint64_t offset,
                                  std::uint64_t bytes) {
  Sha256 hash;
  AESWEEP_RETURN_IF_ERROR(file.stream(offset, bytes, [&](std::span<const std::byte> block) {
    hash.update(block);
    return Status();
  }));
  return FileFacts{bytes, hash.finish()};
}

}  // namespace

Result<StoredFile> StoredFile::open(const std::string& path) {
  Descriptor descriptor(open_file(path, O_RDONLY));
  struct stat info {};
  if (descriptor.get() < 0 || ::fstat(descriptor.get(), &info) != 0) {
    return unreadable(path, errno);
  }
  if (!S_ISREG(info.st_mode)) {
    return Status::world(text("cannot read ", path, ": it is not a regular file", kNextStep));
  }
  return StoredFile(path, std::move(descriptor), static_cast<std::uint64_t>(info.st_size));
}

Status StoredFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got =
        ::pread(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path_, errno);
    if (got == 0) {
      return Status::world(text("cannot read ", path_, ": it ends after ", offset, " bytes, and ",
                                bytes.size(), " more were expected", kNextStep));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Status StoredFile::stream(std::uint64_t offset, std::uint64_t bytes,
                          const std::function<Status(std::span<const std::byte>)>& take) const {
  std::vector<std::byte> block(std::min<std::uint64_t>(bytes, kBlockBytes));
  while (bytes > 0) {
    const std::span<std::byte> part =
        std::span(block).first(std::min<std::uint64_t>(bytes, block.size()));
    AESWEEP_RETURN_IF_ERROR(read(offset, part));
    AESWEEP_RETURN_IF_ERROR(take(part));
    offset += part.size();
    bytes -= part.size();
  }
  return {};
}

Status damaged(const std::string& what, const FileFacts& expected, const FileFacts& found) {
  const std::string found_hash = found.sha256.empty() ? "" : " with SHA-256 " + found.sha256;
  return Status::world(text(what, " is damaged or another file: expected ", expected.bytes,
                            " bytes with SHA-256 ", expected.sha256, ", found ", found.bytes,
                            " bytes", found_hash, kNextStep));
}

Result<bool> is_as_expected(const std::string& path, const FileFacts& expected) {
  return fenced(path, [&]() -> Result<bool> {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) return false;
    Result<StoredFile> file = StoredFile::open(path);
    if (!file.ok()) return file.status();
    if (file->size() != expected.bytes) return false;
    Result<FileFacts> found = facts_of_region(*file, 0, file->size());
    if (!found.ok()) return found.status();
    return *found == expected;
  });
}

Result<std::unique_ptr<ByteSink>> open_verified(const std::string& path, const std::string& what,
                                                const FileFacts& expected,
                                                std::optional<std::uint64_t> offset,
                                                std::uint64_t image_bytes_max) {
  return fenced(what, [&]() -> Result<std::unique_ptr<ByteSink>> {
    Result<StoredFile> file = StoredFile::open(path);
    if (!file.ok()) return file.status();
    const bool compared = !expected.sha256.empty();
    const std::uint64_t start = offset.value_or(0);
    const std::uint64_t bytes = offset.has_value() ? expected.bytes : file->size();
    if (compared && bytes != expected.bytes) return damaged(what, expected, {bytes, ""});
    if (start > file->size() || bytes > file->size() - start) {
      return damaged(what, expected, {file->size() - std::min(start, file->size()), ""});
    }
    if (bytes > image_bytes_max) {
      if (compared) {
        Result<FileFacts> found = facts_of_region(*file, start, bytes);
        if (!found.ok()) return found.status();
        if (*found != expected) return damaged(what, expected, *found);
      }
      return std::unique_ptr<ByteSink>(
          std::make_unique<FileRegion>(std::move(*file), start, bytes));
    }
    std::vector<std::byte> image(bytes);
    AESWEEP_RETURN_IF_ERROR(file->read(start, image));
    if (compared) {
      const FileFacts found = facts_of(image);
      if (found != expected) return damaged(what, expected, found);
    }
    return std::unique_ptr<ByteSink>(std::make_unique<MemorySink>(std::move(image)));
  });
}

}  // namespace aesweep
