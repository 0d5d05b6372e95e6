#include "runner/hdf5_reader/reply.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

constexpr std::string_view kMagic = "AESWH5R1";

// Reads or writes the fields one after another.
class Fields {
 public:
  explicit Fields(std::byte* at) : at_(at) {}
  template <class T>
  void put(const T& value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  template <class T>
  void take(T& value) {
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
  }

 private:
  std::byte* at_;
};

Status nonsense(const std::string& what) {
  return Status::input(
      text("the reader of HDF5 answered with ", what, ": the file is damaged or hostile"));
}

Status check_array_reply(const Reply& reply) {
  if (reply.type > static_cast<std::uint32_t>(ArrayType::kF64)) {
    return nonsense(text("type ", reply.type));
  }
  if (reply.dimensions > kArrayDimensionsMax) {
    return nonsense(text(reply.dimensions, " dimensions"));
  }
  if (reply.length != 0 || reply.offset < -1) return nonsense("a place that cannot be");
  return {};
}

ArrayShape shape_of(const Reply& reply) {
  return {static_cast<ArrayType>(reply.type),
          {reply.dims.begin(), reply.dims.begin() + reply.dimensions}};
}

Result<Reply> receive_reply(ByteSource& source) {
  ReplyBytes bytes;
  AESWEEP_RETURN_IF_ERROR(source.read(bytes));
  return decode_reply(bytes);
}

// The reader's words, whatever they are, as one line.
Status receive_fault(ByteSource& source, std::uint32_t length) {
  std::string words(length, '\0');
  AESWEEP_RETURN_IF_ERROR(source.read(std::as_writable_bytes(std::span(words))));
  for (char& c : words) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return Status::input(words);
}

}  // namespace

ReplyBytes encode_reply(const Reply& reply) {
  ReplyBytes bytes{};
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  Fields fields(bytes.data() + kMagic.size());
  fields.put(reply.kind);
  fields.put(reply.type);
  fields.put(reply.dimensions);
  fields.put(reply.length);
  fields.put(reply.dims);
  fields.put(reply.offset);
  return bytes;
}

Result<Reply> decode_reply(const ReplyBytes& given) {
  static_assert(sizeof(Reply::dims) + sizeof(Reply::offset) + 4 * sizeof(std::uint32_t) +
                    kMagic.size() ==
                kReplyBytes);
  ReplyBytes bytes = given;
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return nonsense("other bytes than its own");
  }
  Fields fields(bytes.data() + kMagic.size());
  Reply reply;
  std::uint32_t kind = 0;
  fields.take(kind);
  fields.take(reply.type);
  fields.take(reply.dimensions);
  fields.take(reply.length);
  fields.take(reply.dims);
  fields.take(reply.offset);
  reply.kind = static_cast<ReplyKind>(kind);
  switch (reply.kind) {
    case ReplyKind::kArray:
      AESWEEP_RETURN_IF_ERROR(check_array_reply(reply));
      return reply;
    case ReplyKind::kBlock:
      if (reply.length > kBlockBytesMax) return nonsense(text(reply.length, " bytes at once"));
      return reply;
    case ReplyKind::kFault:
      if (reply.length > kFaultBytesMax) return nonsense(text(reply.length, " bytes of words"));
      return reply;
  }
  return nonsense(text("a reply of kind ", kind));
}

Result<StoredArray> receive_array(ByteSource& source) {
  const Result<Reply> reply = receive_reply(source);
  if (!reply.ok()) return reply.status();
  if (reply->kind == ReplyKind::kFault) return receive_fault(source, reply->length);
  if (reply->kind != ReplyKind::kArray) return nonsense("elements before their type");
  StoredArray array;
  array.shape = shape_of(reply.value());
  AESWEEP_RETURN_IF_ERROR(check_array_shape(array.shape));
  if (reply->offset >= 0) array.offset = static_cast<std::uint64_t>(reply->offset);
  return array;
}

Status receive_elements(ByteSource& source, std::span<std::byte> out) {
  while (!out.empty()) {
    const Result<Reply> reply = receive_reply(source);
    if (!reply.ok()) return reply.status();
    if (reply->kind == ReplyKind::kFault) return receive_fault(source, reply->length);
    const std::size_t expected = std::min(out.size(), kBlockBytesMax);
    if (reply->kind != ReplyKind::kBlock || reply->length != expected) {
      return nonsense(text(reply->length, " bytes where ", expected, " were asked for"));
    }
    AESWEEP_RETURN_IF_ERROR(source.read(out.first(expected)));
    out = out.subspan(expected);
  }
  return {};
}

}  // namespace aesweep
