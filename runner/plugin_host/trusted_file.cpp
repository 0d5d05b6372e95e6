#include "runner/plugin_host/trusted_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

std::string reason() { return std::strerror(errno); }

struct FreeText {
  void operator()(char* p) const { std::free(p); }
};

// The folder's absolute path without links.
Result<std::string> resolve_folder(const std::string& folder) {
  const std::unique_ptr<char, FreeText> resolved(::realpath(folder.c_str(), nullptr));
  if (!resolved) {
    return Status::input(
        text("its folder ", folder, " cannot be resolved: ", reason(), "; correct the path"));
  }
  return std::string(resolved.get());
}

// `folder` is resolved: every prefix of it is a folder, no link.
Status check_folders(const std::string& folder, const ProgramPlace& place) {
  std::size_t end = 0;
  do {
    end = folder.find('/', end + 1);
    const std::string prefix = end == std::string::npos ? folder : folder.substr(0, end);
    if (place.folder == prefix || place.folder.starts_with(prefix + '/')) continue;
    struct stat facts;
    if (::lstat(prefix.c_str(), &facts) != 0) {
      return Status::world(
          text("its folder ", prefix, " cannot be examined: ", reason(), "; make it readable"));
    }
    AESWEEP_RETURN_IF_ERROR(
        check_trusted_folder(facts, ::geteuid(), place.owner).in("its folder " + prefix));
  } while (end != std::string::npos);
  return {};
}

Status check_owner(const struct stat& facts, unsigned user, unsigned owner) {
  if (facts.st_uid == 0 || facts.st_uid == user || facts.st_uid == owner) return {};
  return Status::world(text("belongs to user ", facts.st_uid, ", expected root or user ", user,
                            ", who runs this program; copy the library to a folder of your own"));
}

std::string link_target(const std::string& path) {
  const std::unique_ptr<char, FreeText> resolved(::realpath(path.c_str(), nullptr));
  return resolved ? resolved.get() : "nothing";
}

Status open_failure(const std::string& path, int error) {
  if (error == ELOOP) {
    return Status::input(text("is a symbolic link to ", link_target(path),
                              ", which could be changed to another file; name that file itself"));
  }
  const std::string why = text("cannot be opened: ", std::strerror(error));
  if (error == ENOENT) return Status::input(why + "; correct the path, or build the plugin");
  return Status::world(why + "; make the file readable");
}

}  // namespace

Descriptor::~Descriptor() {
  // Only read from: a failed close loses nothing.
  if (number_ >= 0) static_cast<void>(::close(number_));
}

Result<TrustedFile> open_trusted_file(const std::string& path, std::uint64_t bytes_max,
                                      const ProgramPlace& place) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos) {
    return Status::input(text("'", path.c_str(),
                              "' is not an absolute path: files are neither"
                              " searched for nor taken from the working directory; write the"
                              " whole path"));
  }
  const std::size_t slash = path.rfind('/');
  const std::string name = path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") {
    return Status::input(text(path, ": names a folder, expected a file", "; write the whole path"));
  }
  const Result<std::string> folder = resolve_folder(slash == 0 ? "/" : path.substr(0, slash));
  if (!folder.ok()) return folder.status().in(path);
  AESWEEP_RETURN_IF_ERROR(check_folders(folder.value(), place).in(path));

  TrustedFile file;
  file.path = (folder.value() == "/" ? "" : folder.value()) + "/" + name;
  // Not blocking: the name may be a pipe.
  file.descriptor =
      Descriptor(::open(file.path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.descriptor.number() < 0) return open_failure(file.path, errno).in(file.path);
  struct stat facts;
  if (::fstat(file.descriptor.number(), &facts) != 0) {
    return Status::world(text(file.path, ": cannot be examined: ", reason()));
  }
  AESWEEP_RETURN_IF_ERROR(check_trusted(facts, ::geteuid(), bytes_max, place.owner).in(file.path));
  file.bytes = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

Status check_trusted(const struct stat& facts, unsigned user, std::uint64_t bytes_max,
                     unsigned owner) {
  if (!S_ISREG(facts.st_mode)) {
    return Status::world("is not a regular file; give a file's path");
  }
  AESWEEP_RETURN_IF_ERROR(check_owner(facts, user, owner));
  if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Status::world("is writable by others than its owner; run chmod go-w on it");
  }
  if (static_cast<std::uint64_t>(facts.st_size) > bytes_max) {
    return Status::world(text("has ", facts.st_size, " bytes, the limit is ", bytes_max,
                              "; this is not a plugin file"));
  }
  return {};
}

Status check_trusted_folder(const struct stat& facts, unsigned user, unsigned owner) {
  AESWEEP_RETURN_IF_ERROR(check_owner(facts, user, owner));
  if ((facts.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (facts.st_mode & S_ISVTX) != 0) return {};
  return Status::world(text("is writable by ",
                            (facts.st_mode & S_IWOTH) != 0 ? "everyone" : "its group",
                            ", so others could exchange the library; run chmod go-w on it"));
}

Status read_at(const TrustedFile& file, std::uint64_t offset, std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got =
        ::pread(file.descriptor.number(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::world(text("cannot be read: ", reason()));
    if (got == 0) return Status::world("became shorter while it was read; load it again");
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<std::string> hash_trusted_file(const TrustedFile& file) {
  constexpr std::size_t kPieceBytes = 1 << 20;
  std::vector<std::byte> piece(std::min<std::uint64_t>(kPieceBytes, file.bytes));
  Sha256 hash;
  for (std::uint64_t offset = 0; offset < file.bytes; offset += piece.size()) {
    piece.resize(std::min<std::uint64_t>(kPieceBytes, file.bytes - offset));
    AESWEEP_RETURN_IF_ERROR(read_at(file, offset, piece));
    hash.update(piece);
  }
  return hash.finish();
}

}  // namespace aesweep
