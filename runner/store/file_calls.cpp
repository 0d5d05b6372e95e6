#include "runner/store/file_calls.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "runner/store/descriptor.hpp"

namespace aesweep {

int write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return ENOSPC;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

ssize_t read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes) {
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t part =
        ::pread(fd, bytes.data() + got, bytes.size() - got, static_cast<off_t>(offset + got));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return -1;
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  return static_cast<ssize_t>(got);
}

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

int sync_all(int fd) {
  while (::fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int sync_folder(const std::string& path) {
  const Descriptor folder(open_file(path, O_RDONLY | O_DIRECTORY));
  if (folder.get() < 0) return errno;
  // Some file systems have no sync for folders, and say so with EINVAL.
  const int error = sync_all(folder.get());
  return error == EINVAL ? 0 : error;
}

std::string parent_folder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace aesweep
