#include "runner/store/segment_file.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
#include <sstream>
#include <utility>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/trial_file.hpp"
#include "runner/store/verified_file.hpp"

namespace aesweep {
namespace {

constexpr std::string_view kFirstLine = "aesweep-segment 1\n";
constexpr std::size_t kLastLineBytes = 64;

std::span<const std::byte> bytes_of(std::string_view characters) {
  return std::as_bytes(std::span(characters.data(), characters.size()));
}

std::string member_name(const std::string& path, std::int64_t number, int attempt) {
  return text(path, ", trial ", number, " attempt ", attempt);
}

std::string table_of(std::span<const SegmentMember> members) {
  std::string table;
  for (const SegmentMember& member : members) {
    table += text(member.number, " ", member.attempt, " ", member.offset, " ", member.facts.bytes,
                  " ", member.facts.sha256, "\n");
  }
  return table;
}

std::string last_line(std::uint64_t table_offset, const std::string& table) {
  std::string line = text("table ", table_offset, " ", sha256_hex(table).substr(0, 16));
  line.resize(kLastLineBytes - 1, ' ');
  return line + "\n";
}

// The segment's bytes as they come, in order, and their hash.
class SegmentWriter {
 public:
  explicit SegmentWriter(PendingFile file) : file_(std::move(file)) {}

  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  Status append(std::span<const std::byte> bytes) {
    hash_.update(bytes);
    offset_ += bytes.size();
    return file_.append(bytes);
  }

  Result<FileFacts> commit() {
    AESWEEP_RETURN_IF_ERROR(file_.commit(WriteMode::kCreate));
    return FileFacts{offset_, hash_.finish()};
  }

 private:
  PendingFile file_;
  Sha256 hash_;
  std::uint64_t offset_ = 0;
};

// The member's bytes as they are, compared on the way.
Result<FileFacts> append_file(const SegmentSource& source, SegmentWriter& segment) {
  Result<StoredFile> file = StoredFile::open(source.path);
  if (!file.ok()) return file.status();
  if (file->size() != source.expected.bytes) {
    return damaged(source.path, source.expected, {file->size(), ""});
  }
  Sha256 hash;
  AESWEEP_RETURN_IF_ERROR(file->stream(0, file->size(), [&](std::span<const std::byte> block) {
    hash.update(block);
    return segment.append(block);
  }));
  FileFacts found{file->size(), hash.finish()};
  if (found != source.expected) return damaged(source.path, source.expected, found);
  return found;
}

Result<FileFacts> append_without_weights(const SegmentSource& source, SegmentWriter& segment) {
  Result<std::unique_ptr<ByteSink>> image =
      open_verified(source.path, source.path, source.expected);
  if (!image.ok()) return image.status();
  Result<std::vector<std::byte>> bytes = trial_without_weights(**image, source.path);
  if (!bytes.ok()) return bytes.status();
  AESWEEP_RETURN_IF_ERROR(segment.append(*bytes));
  return facts_of(*bytes);
}

Status check_sources(const std::string& path, std::span<const SegmentSource> sources) {
  std::set<std::pair<std::int64_t, int>> seen;
  for (const SegmentSource& source : sources) {
    if (!seen.emplace(source.number, source.attempt).second) {
      return Status::world(text("cannot write ", path, ": attempt ", source.attempt, " of trial ",
                                source.number, " is given twice; give each once"));
    }
  }
  return {};
}

Status damaged_table(const std::string& path, const std::string& what) {
  return Status::world(text(path, ": damaged, or no segment of this version: ", what,
                            "; run `aesweep validate` on the run's folder"));
}

// Reads one whole number and the character after it; false if they are not there.
template <class T>
bool take(std::string_view& line, char end, T& value) {
  const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  const std::size_t used = static_cast<std::size_t>(rest - line.data());
  if (error != std::errc() || used >= line.size() || *rest != end) return false;
  line.remove_prefix(used + 1);
  return true;
}

// Members must fill the file from its first line to the table, without gap.
Result<std::vector<SegmentMember>> parse_table(const std::string& path, std::string_view table,
                                               std::uint64_t table_offset) {
  std::vector<SegmentMember> members;
  std::set<std::pair<std::int64_t, int>> seen;
  std::uint64_t offset = kFirstLine.size();
  for (std::string_view rest = table; !rest.empty();) {
    SegmentMember member;
    const bool parsed = take(rest, ' ', member.number) && take(rest, ' ', member.attempt) &&
                        take(rest, ' ', member.offset) && take(rest, ' ', member.facts.bytes) &&
                        rest.size() > 64 && rest[64] == '\n';
    if (!parsed) {
      return damaged_table(path, text("line ", members.size() + 1, " of its table is not one"));
    }
    member.facts.sha256 = rest.substr(0, 64);
    rest.remove_prefix(65);
    if (member.offset != offset || member.facts.bytes > table_offset - offset ||
        !seen.emplace(member.number, member.attempt).second) {
      return damaged_table(path, text("line ", members.size() + 1, " of its table, trial ",
                                      member.number, ", contradicts those before it"));
    }
    offset += member.facts.bytes;
    members.push_back(std::move(member));
  }
  if (offset == table_offset) return members;
  return damaged_table(path, "its members end before its table begins");
}

}  // namespace

Result<SegmentFacts> write_segment(const std::string& path,
                                   std::span<const SegmentSource> sources) {
  AESWEEP_RETURN_IF_ERROR(check_sources(path, sources));
  return fenced(path, [&]() -> Result<SegmentFacts> {
    Result<PendingFile> file = PendingFile::create(path);
    if (!file.ok()) return file.status();
    SegmentWriter segment(std::move(*file));
    SegmentFacts facts;
    AESWEEP_RETURN_IF_ERROR(segment.append(bytes_of(kFirstLine)));
    for (const SegmentSource& source : sources) {
      const std::uint64_t offset = segment.offset();
      Result<FileFacts> member =
          source.weights ? append_file(source, segment) : append_without_weights(source, segment);
      if (!member.ok()) {
        return member.status().in(text("trial ", source.number, " attempt ", source.attempt));
      }
      facts.members.push_back({source.number, source.attempt, offset, std::move(*member)});
    }
    const std::string table = table_of(facts.members);
    const std::string last = last_line(segment.offset(), table);
    AESWEEP_RETURN_IF_ERROR(segment.append(bytes_of(table)));
    AESWEEP_RETURN_IF_ERROR(segment.append(bytes_of(last)));
    Result<FileFacts> whole = segment.commit();
    if (!whole.ok()) return whole.status();
    facts.file = std::move(*whole);
    return facts;
  });
}

Result<std::vector<SegmentMember>> read_segment(const std::string& path) {
  return fenced(path, [&]() -> Result<std::vector<SegmentMember>> {
    Result<StoredFile> file = StoredFile::open(path);
    if (!file.ok()) return file.status();
    if (file->size() < kFirstLine.size() + kLastLineBytes) {
      return damaged_table(path, text("it has ", file->size(), " bytes only"));
    }
    std::string first(kFirstLine.size(), '\0'), last(kLastLineBytes, '\0');
    AESWEEP_RETURN_IF_ERROR(file->read(0, std::as_writable_bytes(std::span(first))));
    if (first != kFirstLine) return damaged_table(path, "its first line is another");
    const std::uint64_t table_end = file->size() - kLastLineBytes;
    AESWEEP_RETURN_IF_ERROR(file->read(table_end, std::as_writable_bytes(std::span(last))));
    std::uint64_t table_offset = 0;
    std::string_view rest = last;
    if (!rest.starts_with("table ")) return damaged_table(path, "its last line is another");
    rest.remove_prefix(6);
    if (!take(rest, ' ', table_offset) || table_offset < kFirstLine.size() ||
        table_offset > table_end) {
      return damaged_table(path, "its last line gives no place of a table");
    }
    std::string table(table_end - table_offset, '\0');
    AESWEEP_RETURN_IF_ERROR(file->read(table_offset, std::as_writable_bytes(std::span(table))));
    if (last != last_line(table_offset, table)) {
      return damaged_table(path, "its table and its last line do not fit");
    }
    return parse_table(path, table, table_offset);
  });
}

Result<std::vector<std::byte>> read_member(const std::string& path, const SegmentMember& member) {
  const std::string what = member_name(path, member.number, member.attempt);
  return fenced(what, [&]() -> Result<std::vector<std::byte>> {
    Result<StoredFile> file = StoredFile::open(path);
    if (!file.ok()) return file.status();
    if (member.offset > file->size() || member.facts.bytes > file->size() - member.offset) {
      const std::uint64_t there = file->size() - std::min(member.offset, file->size());
      return damaged(what, member.facts, {there, ""});
    }
    std::vector<std::byte> bytes(member.facts.bytes);
    AESWEEP_RETURN_IF_ERROR(file->read(member.offset, bytes));
    const FileFacts found = facts_of(bytes);
    if (found != member.facts) return damaged(what, member.facts, found);
    return bytes;
  });
}

}  // namespace aesweep
