// System calls on open files, made whole: interrupted and short ones are continued. For all that is
// written durably, files of runner/store as well as the journal.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace aesweep {

// Writes where the file stands, in one call unless the system cuts it short. 0 or errno; part of
// the bytes may be there then.
[[nodiscard]] int write_all(int fd, std::span<const std::byte> bytes);

// Reads from `offset` on; the bytes read, fewer than asked for only at the end of the file, or -1.
[[nodiscard]] ssize_t read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes);

// The system's words for an errno.
[[nodiscard]] std::string errno_text(int error_number);

// fsync; 0 or errno. A failed one is not tried again, because the kernel may have dropped the pages
// that it could not write; an interrupted one is no failed one, and is made again.
[[nodiscard]] int sync_all(int fd);

// Syncs a folder's entries; 0 or errno.
[[nodiscard]] int sync_folder(const std::string& path);

// "." for a bare name.
[[nodiscard]] std::string parent_folder(const std::string& path);

}  // namespace aesweep
