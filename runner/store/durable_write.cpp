#include "runner/store/durable_write.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/store/descriptor.hpp"
#include "runner/store/file_calls.hpp"

namespace aesweep {
namespace {

// What a person can do about the common reasons.
struct NextStep {
  int error_number;
  const char* text;
};
constexpr std::array<NextStep, 12> kNextSteps = {{
    {ENOSPC, "free that much space there, or choose a folder on another disk"},
    {EDQUOT, "raise the quota or free space, or choose a folder on another disk"},
    {EFBIG, "raise the file size limit (ulimit -f)"},
    {EACCES, "choose a folder that you may write to"},
    {EPERM, "choose a folder that you may write to"},
    {EROFS, "choose a folder on a disk that is not read-only"},
    {ENOENT, "create its folder first"},
    {ENOTDIR, "one part of its path is a file: choose another folder"},
    {EISDIR, "a folder has that name: choose another"},
    {EMFILE, "raise the limit of open files (ulimit -n)"},
    {EIO, "the disk reports an error: look at the system's log before writing there again"},
    {ENAMETOOLONG, "choose a shorter name"},
}};

const char* next_step(int error_number) {
  for (const NextStep& step : kNextSteps) {
    if (step.error_number == error_number) return step.text;
  }
  return "look at the folder and its file system";
}

// Whether two files hold the same bytes. One that cannot be read is not the same.
bool same_bytes(const std::string& left, const std::string& right) {
  const Descriptor a(open_file(left, O_RDONLY));
  const Descriptor b(open_file(right, O_RDONLY));
  if (a.get() < 0 || b.get() < 0) return false;
  std::vector<std::byte> block_a(std::size_t{1} << 16), block_b(std::size_t{1} << 16);
  for (std::uint64_t offset = 0;; offset += block_a.size()) {
    const ssize_t count_a = read_at(a.get(), offset, block_a);
    const ssize_t count_b = read_at(b.get(), offset, block_b);
    if (count_a < 0 || count_a != count_b) return false;
    if (count_a == 0) return true;
    if (std::memcmp(block_a.data(), block_b.data(), static_cast<std::size_t>(count_a)) != 0) {
      return false;
    }
  }
}

}  // namespace

Status write_fault(const std::string& path, int error_number, std::uint64_t bytes) {
  const std::string size = bytes == 0 ? "" : text(" (", bytes, " bytes)");
  return Status::world(text("cannot write ", path, size, ": ",
                            std::generic_category().message(error_number), "; ",
                            next_step(error_number)));
}

namespace internal {

int place_by_link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) return errno;
  return ::unlink(from.c_str()) == 0 ? 0 : errno;
}

int place_over(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

int place_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  // The file system, or the kernel, does not know the flag.
  if (errno == EINVAL || errno == ENOSYS) return place_by_link(from, to);
  return errno;
}

}  // namespace internal

PendingFile::PendingFile(std::string target, std::string temporary, int fd)
    : target_(std::move(target)), temporary_(std::move(temporary)), fd_(fd) {}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

PendingFile::~PendingFile() {
  // Reached with open ends only when the write is given up, for a reason already reported.
  if (fd_ >= 0) static_cast<void>(::close(fd_));
  if (!temporary_.empty()) static_cast<void>(::unlink(temporary_.c_str()));
}

Result<PendingFile> PendingFile::create(const std::string& target) {
  // Process and counter keep the writers of one machine apart; O_EXCL settles the rest.
  static std::atomic<unsigned> counter{0};
  const std::string folder = parent_folder(target);
  const std::string name = target.substr(target.rfind('/') + 1);  // npos + 1 is 0.
  if (name.empty()) return write_fault(target, EISDIR, 0);
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string temporary = text(folder, "/.", name, ".", ::getpid(), ".", counter++, ".tmp");
    const int fd = open_file(temporary, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (fd >= 0) return PendingFile(target, std::move(temporary), fd);
    if (errno != EEXIST && errno != EINTR) return write_fault(target, errno, 0);
  }
  return Status::world(text("cannot write ", target,
                            ": 100 names for its temporary file are taken; ", "remove the files ",
                            folder, "/.", name, ".*.tmp"));
}

Status PendingFile::reserve(std::uint64_t bytes) {
  if (bytes == 0) return {};
  while (::fallocate(fd_, 0, 0, static_cast<off_t>(bytes)) != 0) {
    if (errno == EINTR) continue;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
      return write_fault(target_, errno, bytes);
    }
    break;  // Not offered by this file system: the write itself will tell.
  }
  return {};
}

Status PendingFile::append(std::span<const std::byte> bytes) {
  const int error = write_all(fd_, bytes);
  return error == 0 ? Status() : write_fault(target_, error, bytes.size());
}

Result<FileFacts> PendingFile::facts() const {
  FileFacts facts;
  Sha256 hash;
  std::vector<std::byte> block(std::size_t{1} << 20);
  while (true) {
    const ssize_t got = read_at(fd_, facts.bytes, block);
    if (got < 0) return write_fault(target_, errno, facts.bytes);
    if (got == 0) break;
    hash.update(std::span(block).first(static_cast<std::size_t>(got)));
    facts.bytes += static_cast<std::uint64_t>(got);
  }
  facts.sha256 = hash.finish();
  return facts;
}

Status PendingFile::commit(WriteMode mode) {
  struct stat info {};
  const bool known = ::fstat(fd_, &info) == 0;
  const std::uint64_t bytes = known ? static_cast<std::uint64_t>(info.st_size) : 0;
  if (const int failed = sync_all(fd_); failed != 0) return write_fault(target_, failed, bytes);
  if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) {
    return write_fault(target_, errno, bytes);
  }
  const int placed = mode == WriteMode::kReplace ? internal::place_over(temporary_, target_)
                                                 : internal::place_new(temporary_, target_);
  if (placed == 0) {
    temporary_.clear();
  } else if (mode == WriteMode::kCreate && placed == EEXIST) {
    AESWEEP_RETURN_IF_ERROR(adopt(bytes));
  } else {
    return write_fault(target_, placed, bytes);
  }
  const int failed = sync_folder(parent_folder(target_));
  return failed == 0 ? Status() : write_fault(target_, failed, bytes);
}

Status PendingFile::adopt(std::uint64_t bytes) const {
  if (!same_bytes(temporary_, target_)) {
    return Status::world(text("cannot create ", target_, ": it exists with other contents; ",
                              "choose another folder, or move that file away"));
  }
  // Whoever wrote it may have died before the end of its own syncs.
  const Descriptor opened(open_file(target_, O_RDONLY));
  const int failed = opened.get() < 0 ? errno : sync_all(opened.get());
  return failed == 0 ? Status() : write_fault(target_, failed, bytes);
}

FileFacts facts_of(std::span<const std::byte> bytes) { return {bytes.size(), sha256_hex(bytes)}; }

Status durable_write(const std::string& path, std::span<const std::byte> bytes, WriteMode mode) {
  Result<PendingFile> file = PendingFile::create(path);
  if (!file.ok()) return file.status();
  AESWEEP_RETURN_IF_ERROR(file->append(bytes));
  return file->commit(mode);
}

}  // namespace aesweep
