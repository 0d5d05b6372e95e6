// Proves that replies come back as they were sent and that untrue ones are refused with a reason:
// by a table of changed fields, and by sources that end anywhere.
#include "runner/hdf5_reader/reply.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>

namespace aesweep {
namespace {

// Bytes in memory; the end is a fault.
class Bytes final : public ByteSource {
 public:
  explicit Bytes(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] Status read(std::span<std::byte> out) override {
    if (out.size() > bytes_.size() - at_) return Status::input("over");
    std::memcpy(out.data(), bytes_.data() + at_, out.size());
    at_ += out.size();
    return {};
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }

 private:
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
};

void append(std::vector<std::byte>& all, std::span<const std::byte> more) {
  all.insert(all.end(), more.begin(), more.end());
}

Reply images() {
  Reply reply;
  reply.kind = ReplyKind::kArray;
  reply.type = static_cast<std::uint32_t>(ArrayType::kF32);
  reply.dimensions = 2;
  reply.dims = {7, 5};
  reply.offset = 2048;
  return reply;
}

Result<StoredArray> received(const ReplyBytes& bytes) {
  Bytes source({bytes.begin(), bytes.end()});
  return receive_array(source);
}

TEST(ReplyTest, AnArrayComesBack) {
  const Result<StoredArray> array = received(encode_reply(images()));
  ASSERT_TRUE(array.ok()) << array.status().message();
  EXPECT_EQ(array.value().shape, (ArrayShape{ArrayType::kF32, {7, 5}}));
  EXPECT_EQ(array.value().offset, 2048u);
  Reply scattered = images();
  scattered.offset = -1;
  EXPECT_EQ(received(encode_reply(scattered)).value().offset, std::nullopt);
}

TEST(ReplyTest, UntrueArraysAreRefused) {
  const std::vector<std::function<void(Reply&)>> changes = {
      [](Reply& r) { r.type = 10; },
      [](Reply& r) { r.type = 0xFFFFFFFF; },
      [](Reply& r) { r.dimensions = 9; },
      [](Reply& r) { r.dimensions = 0xFFFFFFFF; },
      [](Reply& r) { r.length = 1; },
      [](Reply& r) { r.offset = -2; },
      [](Reply& r) { r.offset = INT64_MIN; },
      [](Reply& r) { r.dims[0] = 0; },
      [](Reply& r) { r.dims[1] = -1; },
      [](Reply& r) { r.dims[0] = kArrayDimensionMax + 1; },
      [](Reply& r) {
        r.dims = {kArrayDimensionMax, kArrayDimensionMax};
      },
      [](Reply& r) { r.kind = ReplyKind::kBlock; },
      [](Reply& r) { r.kind = static_cast<ReplyKind>(0); },
      [](Reply& r) { r.kind = static_cast<ReplyKind>(4); }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Reply reply = images();
    changes[i](reply);
    const Result<StoredArray> array = received(encode_reply(reply));
    EXPECT_FALSE(array.ok()) << "change " << i;
    EXPECT_EQ(array.status().fault(), Fault::kInput) << "change " << i;
  }
  ReplyBytes other = encode_reply(images());
  other[0] ^= std::byte{1};
  EXPECT_FALSE(received(other).ok());
}

// 2.5 blocks of elements as a reader sends them.
std::vector<std::byte> blocks(std::span<const std::byte> elements) {
  std::vector<std::byte> all;
  while (!elements.empty()) {
    Reply reply;
    reply.kind = ReplyKind::kBlock;
    const std::size_t size = std::min(elements.size(), kBlockBytesMax);
    reply.length = static_cast<std::uint32_t>(size);
    append(all, encode_reply(reply));
    append(all, elements.first(size));
    elements = elements.subspan(size);
  }
  return all;
}

std::vector<std::byte> numbers(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 2654435761U >> 24);
  return bytes;
}

TEST(ReplyTest, ElementsComeInBlocksAndNoMoreIsTaken) {
  const std::vector<std::byte> elements = numbers(kBlockBytesMax * 5 / 2);
  std::vector<std::byte> sent = blocks(elements);
  append(sent, numbers(13));
  Bytes source(sent);
  std::vector<std::byte> out(elements.size());
  ASSERT_TRUE(receive_elements(source, out).ok());
  EXPECT_EQ(out, elements);
  EXPECT_EQ(source.left(), 13u);
}

TEST(ReplyTest, BlocksOfAnotherLengthAreRefused) {
  for (const std::size_t length : {0u, 1u, 36u, 38u}) {
    Bytes source(blocks(numbers(length)));
    std::vector<std::byte> out(37);
    EXPECT_FALSE(receive_elements(source, out).ok()) << length;
  }
  Reply huge;
  huge.kind = ReplyKind::kBlock;
  huge.length = kBlockBytesMax + 1;
  EXPECT_FALSE(decode_reply(encode_reply(huge)).ok());
}

TEST(ReplyTest, AFaultsWordsBecomeOneLine) {
  const std::string words = "has no x\n\x7f\x1b[31m";
  Reply reply;
  reply.length = static_cast<std::uint32_t>(words.size());
  std::vector<std::byte> sent;
  append(sent, encode_reply(reply));
  append(sent, std::as_bytes(std::span(words)));
  for (const bool first : {true, false}) {
    Bytes source(sent);
    std::vector<std::byte> out(5);
    const Status status = first ? receive_array(source).status() : receive_elements(source, out);
    EXPECT_EQ(status.message(), "has no x   [31m");
  }
  reply.length = kFaultBytesMax + 1;
  EXPECT_FALSE(decode_reply(encode_reply(reply)).ok());
}

TEST(ReplyTest, EveryEndInTheMiddleIsAFault) {
  const std::vector<std::byte> whole = blocks(numbers(37));
  for (std::size_t end = 0; end < whole.size(); ++end) {
    Bytes source({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(end)});
    std::vector<std::byte> out(37);
    EXPECT_FALSE(receive_elements(source, out).ok()) << end;
  }
}

}  // namespace
}  // namespace aesweep
