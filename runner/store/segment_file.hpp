// A segment: many finished trials' files in one, so that a large sweep leaves few files. Immutable;
// equal members give equal bytes.
//
// Layout: the line "aesweep-segment 1\n"; the members' bytes one after another, each as its own
// file had them (or, where weights are left out, as trial_without_weights gives them); a table, one
// line "NUMBER ATTEMPT OFFSET BYTES SHA256\n" each, in order; and a last line of 64 bytes, "table
// OFFSET HASH", spaces and "\n", with the first 16 digits of the table's SHA-256.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/store/durable_write.hpp"

namespace aesweep {

struct SegmentSource {
  std::string path;  // A trial's file.
  std::int64_t number = 0;
  int attempt = 1;
  FileFacts expected;
  bool weights = true;  // False: they are left out, samples and all else stay.
};

struct SegmentMember {
  std::int64_t number = 0;
  int attempt = 1;
  std::uint64_t offset = 0;
  FileFacts facts;  // Of the member's bytes.
};

struct SegmentFacts {
  FileFacts file;
  std::vector<SegmentMember> members;  // In the order of the sources.
};

// Creates the segment durably (kCreate). A source whose bytes are not those expected, or an attempt
// given twice, is a fault that names it; nothing is created then. Memory: one member at a time.
[[nodiscard]] Result<SegmentFacts> write_segment(const std::string& path,
                                                 std::span<const SegmentSource> sources);

// The table of a segment, its own checksum verified; members' bytes are not read.
[[nodiscard]] Result<std::vector<SegmentMember>> read_segment(const std::string& path);

// One member's bytes, compared with its hash.
[[nodiscard]] Result<std::vector<std::byte>> read_member(const std::string& path,
                                                         const SegmentMember& member);

}  // namespace aesweep
