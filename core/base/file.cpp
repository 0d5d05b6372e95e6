#include "core/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

// Linux transfers at most this much per call anyway; a constant keeps ssize_t from overflowing.
constexpr std::size_t kReadBytesMax = std::size_t{1} << 30;

// What the system said about `path`. A machine that is out of something is the world's fault, a
// path that leads nowhere is the input's.
Status system_status(const std::string& path, const char* verb, int error) {
  const bool world = error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM ||
                     error == ESTALE || error == ETIMEDOUT;
  return Status::of(world ? Fault::kWorld : Fault::kInput,
                    text(path, ": cannot ", verb, ": ", std::generic_category().message(error)));
}

const char* type_name(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "a folder";
    case S_IFIFO:
      return "a pipe";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
      return "a character device";
    case S_IFBLK:
      return "a block device";
    default:
      return "of an unknown type";
  }
}

int open_for_reading(const char* path) {
  int descriptor = -1;
  do {
    // O_NONBLOCK: opening a pipe without a writer returns at once; regular files ignore it.
    descriptor = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

}  // namespace

InputFile::InputFile(std::string path, int descriptor, std::uint64_t size)
    : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(std::exchange(other.size_, 0)) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

InputFile::~InputFile() {
  // Nothing was written, so a failing close loses nothing; there is nobody to tell.
  if (descriptor_ >= 0) static_cast<void>(::close(descriptor_));
}

Result<InputFile> InputFile::open(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    return Status::input(text(path.c_str(), ": the path goes on after a zero byte"));
  }
  InputFile file(path, open_for_reading(path.c_str()), 0);
  if (file.descriptor_ < 0) return system_status(path, "open", errno);
  struct stat facts {};
  if (::fstat(file.descriptor_, &facts) != 0) return system_status(path, "inspect", errno);
  if (!S_ISREG(facts.st_mode)) {
    return Status::input(
        text(path, ": is ", type_name(facts.st_mode), "; expected a regular file"));
  }
  file.size_ = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

Result<FileState> InputFile::state() const {
  struct stat facts {};
  if (::fstat(descriptor_, &facts) != 0) return system_status(path_, "inspect", errno);
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return FileState{facts.st_dev, facts.st_ino, static_cast<std::uint64_t>(facts.st_size),
                   facts.st_mtim.tv_sec * kNanoseconds + facts.st_mtim.tv_nsec};
}

Status InputFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::size_t wanted = std::min(out.size() - done, kReadBytesMax);
    const ssize_t got =
        ::pread(descriptor_, out.data() + done, wanted, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_status(path_, "read", errno);
    if (got == 0) {
      return Status::input(text(path_, ": ends at byte ", offset + done, " where byte ",
                                offset + out.size(), " was expected"));
    }
    done += static_cast<std::size_t>(got);
  }
  return {};
}

Result<std::vector<std::byte>> read_file(const std::string& path, std::uint64_t bytes_max) {
  Result<InputFile> file = InputFile::open(path);
  if (!file.ok()) return file.status();
  if (file->size() > bytes_max) {
    return Status::input(
        text(path, ": has ", file->size(), " bytes; at most ", bytes_max, " are read"));
  }
  std::vector<std::byte> bytes(file->size());
  AESWEEP_RETURN_IF_ERROR(file->read_at(0, bytes));
  return bytes;
}

}  // namespace aesweep
