// JournalFile: an append-only file of lines that survives being killed or losing power anywhere.
//
// A line is "CRC SEQUENCE SYNCED_TO PAYLOAD\n": CRC-32C (8 hexadecimal digits) of all that follows
// it, its number from 0, the offset up to which the file was known durable when the line was
// written, and a payload without line breaks. The first line's payload names the format.
//
// Damage at or past the largest synced_to of all intact lines, those after it included, is a torn
// tail: a line that a crash cut short, or that never reached the disk, and whatever follows.
// Readers ignore it; whoever opens the file to append cuts it off first, so that no line is ever
// appended to half a line. Damage before that offset, and an intact line out of its order, mean
// that the disk lost what it had promised: a fault. A file with nothing but part of its first line
// is one that was never begun: no lines, next_sequence 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.hpp"

namespace aesweep {

inline constexpr std::string_view kJournalFormat = "aesweep-journal 1";

// A million keys in one record fit.
inline constexpr std::size_t kJournalPayloadBytesMax = std::size_t{128} << 20;

struct JournalLines {
  std::vector<std::string> payloads;  // Intact ones, in order; the format's line left out.
  std::uint64_t bytes = 0;            // Of the intact part of the file.
  std::uint64_t torn_bytes = 0;       // Of the tail that does not count.
  std::uint64_t next_sequence = 0;
};

// Reads without changing anything; for any number of readers beside one writer. A fault of the
// world names file, offset and what is wrong there.
[[nodiscard]] Result<JournalLines> read_journal(const std::string& path);
// The same of bytes in memory; `path` is for messages.
[[nodiscard]] Result<JournalLines> parse_journal(std::string_view bytes, const std::string& path);

// The writer's end. One at a time per file: the lease sees to that. Appends come from one thread,
// syncs from one other; nothing is thrown. After the first failure of a write or sync every call
// fails with the same message and nothing is written any more: a failed fsync is never retried.
class JournalFile {
 public:
  // Creates the file, durably, with its first line, or begins one that was never begun.
  [[nodiscard]] static Result<JournalFile> create(const std::string& path);
  // Opens a file that read_journal has read as `lines`, cutting its torn tail off first. All of
  // `lines` is durable then.
  [[nodiscard]] static Result<JournalFile> open(const std::string& path, const JournalLines& lines);
  JournalFile(JournalFile&&) noexcept;
  JournalFile& operator=(JournalFile&&) = delete;
  ~JournalFile();  // Closes; does not sync.

  // Writes one line in one write call where the system allows it. The payload is not durable yet.
  [[nodiscard]] Status append(std::string_view payload);
  // Returns when all that was appended before the call is durable.
  [[nodiscard]] Status sync();
  // Bytes of the file; those known durable.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::uint64_t synced_to() const;

 private:
  struct Impl;
  explicit JournalFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aesweep
