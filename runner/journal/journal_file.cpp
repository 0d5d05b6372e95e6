#include "runner/journal/journal_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "core/base/text.hpp"
#include "runner/journal/crc32c.hpp"
#include "runner/store/descriptor.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/file_calls.hpp"

namespace aesweep {
namespace {

constexpr const char* kNextStep =
    "; the disk lost or changed what it had promised to keep: look at it, and put a copy of the "
    "file from before in its place, or run the experiment in another folder";

std::string make_line(std::uint64_t sequence, std::uint64_t synced_to, std::string_view payload) {
  std::string rest = std::to_string(sequence);
  rest.append(" ").append(std::to_string(synced_to)).append(" ").append(payload);
  std::string line = crc32c_hex(rest);
  line.append(" ").append(rest).append("\n");
  return line;
}

const std::string& first_line() {
  static const std::string line = make_line(0, 0, kJournalFormat);
  return line;
}

struct Line {
  std::uint64_t sequence = 0;
  std::uint64_t synced_to = 0;
  std::string_view payload;
};

// Takes a decimal number as make_line writes it, and the space after it, off the front of `rest`.
bool take_number(std::string_view& rest, std::uint64_t& value) {
  const char* end = rest.data() + rest.size();
  const auto [stop, error] = std::from_chars(rest.data(), end, value);
  if (error != std::errc() || stop == end || *stop != ' ') return false;
  rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()) + 1);
  return true;
}

// A line without its line break; nothing where it is damaged.
std::optional<Line> read_line(std::string_view bytes) {
  if (bytes.size() < 9 || bytes[8] != ' ') return {};
  std::string_view rest = bytes.substr(9);
  if (crc32c_hex(rest) != bytes.substr(0, 8)) return {};
  Line line;
  if (!take_number(rest, line.sequence) || !take_number(rest, line.synced_to)) return {};
  line.payload = rest;
  return line;
}

Status damaged(const std::string& path, std::uint64_t offset, const std::string& what) {
  return Status::world(text(path, ": damaged at byte ", offset, ": ", what, kNextStep));
}

// The end of the line that starts at `at`: where its line break is, or npos.
std::size_t line_end(std::string_view bytes, std::size_t at) { return bytes.find('\n', at); }

// Whether the damage at `damage` is a torn tail: no intact line says that it was durable. Lines
// before it cannot: none promises more than what lies before itself.
Status check_tail(std::string_view bytes, std::size_t damage, std::uint64_t sequence,
                  const std::string& path) {
  for (std::size_t at = damage; at < bytes.size();) {
    const std::size_t end = line_end(bytes, at);
    if (end == std::string_view::npos) break;
    const std::optional<Line> line = read_line(bytes.substr(at, end - at));
    if (line && line->synced_to > damage) {
      return damaged(path, damage, text("line ", sequence, " is not as it was written"));
    }
    at = end + 1;
  }
  return {};
}

// A file that holds part of its first line, or zeros in its place, was never begun.
bool never_begun(std::string_view bytes) {
  if (bytes.size() > first_line().size()) return false;
  return first_line().starts_with(bytes) ||
         std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == '\0'; });
}

Result<JournalLines> parse(std::string_view bytes, const std::string& path) {
  JournalLines lines;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t end = line_end(bytes, at);
    std::optional<Line> line;
    if (end != std::string_view::npos) line = read_line(bytes.substr(at, end - at));
    if (!line) break;
    if (line->sequence != lines.next_sequence) {
      return damaged(
          path, at, text("line ", line->sequence, " where line ", lines.next_sequence, " belongs"));
    }
    if (line->synced_to > at) {
      return damaged(path, at,
                     text("line ", line->sequence, " was written when ", line->synced_to,
                          " bytes were durable before it"));
    }
    if (lines.next_sequence > 0) {
      lines.payloads.emplace_back(line->payload);
    } else if (line->payload != kJournalFormat) {
      return Status::world(text(path, ": its format is '", line->payload.substr(0, 40),
                                "' and this version reads '", kJournalFormat,
                                "'; use the version that wrote it"));
    }
    ++lines.next_sequence;
    at = end + 1;
  }
  lines.bytes = at;
  lines.torn_bytes = bytes.size() - at;
  if (lines.torn_bytes == 0) return lines;
  if (at == 0 && !never_begun(bytes)) return damaged(path, 0, "its first line is not a journal's");
  AESWEEP_RETURN_IF_ERROR(check_tail(bytes, at, lines.next_sequence, path));
  return lines;
}

Status read_fault(const std::string& path) {
  return Status::world(text("cannot read ", path, ": ", errno_text(errno)));
}

Result<std::string> read_all(const std::string& path) {
  const Descriptor file(open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) return read_fault(path);
  if (!S_ISREG(info.st_mode)) return Status::world(path + ": is not a regular file");
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  // What the writer appends meanwhile is left for the next reading.
  const ssize_t got = read_at(file.get(), 0, std::as_writable_bytes(std::span(bytes)));
  if (got < 0) return read_fault(path);
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

}  // namespace

Result<JournalLines> parse_journal(std::string_view bytes, const std::string& path) {
  return fenced(path, [&]() -> Result<JournalLines> { return parse(bytes, path); });
}

Result<JournalLines> read_journal(const std::string& path) {
  return fenced(path, [&]() -> Result<JournalLines> {
    Result<std::string> bytes = read_all(path);
    if (!bytes.ok()) return bytes.status();
    return parse(*bytes, path);
  });
}

struct JournalFile::Impl {
  Impl(std::string name, int fd, std::uint64_t bytes, std::uint64_t next)
      : path(std::move(name)), file(fd), size(bytes), synced_to(bytes), sequence(next) {}

  Status failure() {
    const std::scoped_lock lock(mutex);
    return failed;
  }
  // Remembers the first failure, which is what every later call says, too.
  Status fail(Status status) {
    const std::scoped_lock lock(mutex);
    if (failed.ok()) failed = std::move(status);
    return failed;
  }

  const std::string path;
  const Descriptor file;
  std::atomic<std::uint64_t> size;
  std::atomic<std::uint64_t> synced_to;
  std::uint64_t sequence;  // Of the appending thread.
  std::mutex mutex;
  Status failed;  // Guarded by mutex.
};

JournalFile::JournalFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JournalFile::JournalFile(JournalFile&&) noexcept = default;
JournalFile::~JournalFile() = default;

Result<JournalFile> JournalFile::create(const std::string& path) {
  // One that a job left behind before its first line was whole may be replaced; no other.
  WriteMode mode = WriteMode::kCreate;
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    const Result<JournalLines> there = read_journal(path);
    if (!there.ok()) return there.status();
    if (there->next_sequence > 0) {
      return Status::world(text("cannot create ", path, ": it exists; choose another folder, or ",
                                "go on with the run by --resume"));
    }
    mode = WriteMode::kReplace;
  }
  AESWEEP_RETURN_IF_ERROR(durable_write(path, std::as_bytes(std::span(first_line())), mode));
  JournalLines lines;
  lines.bytes = first_line().size();
  lines.next_sequence = 1;
  return open(path, lines);
}

Result<JournalFile> JournalFile::open(const std::string& path, const JournalLines& lines) {
  if (lines.next_sequence == 0) return create(path);
  const int fd = open_file(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return write_fault(path, errno, 0);
  auto impl = std::make_unique<Impl>(path, fd, lines.bytes, lines.next_sequence);
  struct stat info {};
  if (::fstat(fd, &info) != 0) return write_fault(path, errno, 0);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size != lines.bytes + lines.torn_bytes) {
    return Status::world(text(path, ": has ", size, " bytes and had ",
                              lines.bytes + lines.torn_bytes, " when it was read; is another job ",
                              "at work on the folder?"));
  }
  if (lines.torn_bytes > 0) {
    while (::ftruncate(fd, static_cast<off_t>(lines.bytes)) != 0) {
      if (errno != EINTR) return write_fault(path, errno, 0);
    }
  }
  // Not only the cut: whoever appended the last lines may have died before he synced them, and
  // from here on they count as durable.
  if (const int error = sync_all(fd); error != 0) return write_fault(path, error, 0);
  return JournalFile(std::move(impl));
}

Status JournalFile::append(std::string_view payload) {
  AESWEEP_RETURN_IF_ERROR(impl_->failure());
  if (payload.size() > kJournalPayloadBytesMax) {
    return Status::world(text(impl_->path, ": a record of ", payload.size(), " bytes; at most ",
                              kJournalPayloadBytesMax, " fit into a line"));
  }
  AESWEEP_CHECK(payload.find('\n') == std::string_view::npos, "a record with a line break");
  return fenced(impl_->path, [&]() -> Status {
    const std::string line = make_line(impl_->sequence, impl_->synced_to, payload);
    // What is written in part stays a torn line: nothing may follow it.
    if (const int error = write_all(impl_->file.get(), std::as_bytes(std::span(line)))) {
      return impl_->fail(write_fault(impl_->path, error, line.size()));
    }
    ++impl_->sequence;
    impl_->size += line.size();
    return {};
  });
}

Status JournalFile::sync() {
  AESWEEP_RETURN_IF_ERROR(impl_->failure());
  const std::uint64_t size = impl_->size;
  if (size == impl_->synced_to) return {};
  while (::fdatasync(impl_->file.get()) != 0) {
    if (errno != EINTR) return impl_->fail(write_fault(impl_->path, errno, 0));
  }
  impl_->synced_to = size;
  return {};
}

std::uint64_t JournalFile::size() const { return impl_->size; }
std::uint64_t JournalFile::synced_to() const { return impl_->synced_to; }

}  // namespace aesweep
