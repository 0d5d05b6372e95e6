// System calls on open files, made whole: interrupted and short ones are continued.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace aesweep {

// Writes at the end of a file that was opened to append: in one call unless the system cuts it
// short. 0 or errno; part of the bytes may be there then.
[[nodiscard]] int write_all(int fd, std::span<const std::byte> bytes);

// Reads from `offset` on; the bytes read, fewer than asked for only at the end of the file, or -1.
[[nodiscard]] ssize_t read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes);

// The system's words for an errno.
[[nodiscard]] std::string errno_text(int error_number);

// fsync; 0 or errno. An interrupted one is no failed one: it is made again.
[[nodiscard]] int sync_all(int fd);

// Syncs a folder's entries; 0 or errno.
[[nodiscard]] int sync_folder(const std::string& path);

// "." for a bare name.
[[nodiscard]] std::string parent_folder(const std::string& path);

}  // namespace aesweep
