// Replies: what the reader of HDF5, a process that nobody vouches for, tells the one that asked.
//
// A reply is kReplyBytes of fixed layout, in this machine's byte order, and then `length` bytes:
//   kArray  the data set's type and shape, and where its bytes lie; the first reply, length 0
//   kBlock  elements: kBlockBytesMax at a time, the last one shorter
//   kFault  why there is nothing more to come, one line
// A question is two words of 64 bits: the first element and how many. Whoever receives replies
// trusts none of them: each field is checked, and no more bytes are taken than were asked for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/base/status.hpp"
#include "core/data/array.hpp"

namespace aesweep {

inline constexpr std::size_t kBlockBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kFaultBytesMax = 4096;

enum class ReplyKind : std::uint32_t { kArray = 1, kBlock = 2, kFault = 3 };

struct Reply {
  ReplyKind kind = ReplyKind::kFault;
  std::uint32_t type = 0;  // Of an array: ArrayType.
  std::uint32_t dimensions = 0;
  std::uint32_t length = 0;
  std::array<std::int64_t, kArrayDimensionsMax> dims{};
  std::int64_t offset = -1;  // Of the elements in the file, as in memory; -1: not in one piece.
};

struct Question {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

inline constexpr std::size_t kReplyBytes = 96;
using ReplyBytes = std::array<std::byte, kReplyBytes>;

[[nodiscard]] ReplyBytes encode_reply(const Reply& reply);
// An input fault for what no reader of this version says.
[[nodiscard]] Result<Reply> decode_reply(const ReplyBytes& bytes);

// Where replies come from.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills `out`, or says why that is not possible.
  [[nodiscard]] virtual Status read(std::span<std::byte> out) = 0;
};

struct StoredArray {
  ArrayShape shape;
  std::optional<std::uint64_t> offset;  // As in Reply.
};

[[nodiscard]] Result<StoredArray> receive_array(ByteSource& source);
// All of `out`, whole elements, after a question for them. After a fault nothing more can be asked.
[[nodiscard]] Status receive_elements(ByteSource& source, std::span<std::byte> out);

}  // namespace aesweep
