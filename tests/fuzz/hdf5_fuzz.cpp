// Fuzz target: what the reader of HDF5 says, as the process that asked for an array takes it. The
// input is all that comes out of the reader: first what the data set is, then elements.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "core/base/check.hpp"
#include "runner/hdf5_reader/reply.hpp"
#include "tests/fuzz/array_checks.hpp"

namespace aesweep {
namespace {

constexpr std::string_view kEnd = "the end";

class Bytes final : public ByteSource {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] Status read(std::span<std::byte> out) override {
    AESWEEP_CHECK(out.size() <= kBlockBytesMax, "much is taken before it is known to be asked for");
    if (out.size() > bytes_.size()) return Status::input(std::string(kEnd));
    std::copy_n(bytes_.begin(), out.size(), out.begin());
    bytes_ = bytes_.subspan(out.size());
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
};

void check_reply(std::span<const std::byte> bytes) {
  if (bytes.size() < kReplyBytes) return;
  ReplyBytes given;
  std::copy_n(bytes.begin(), kReplyBytes, given.begin());
  const Result<Reply> reply = decode_reply(given);
  if (!reply.ok()) return check_refusal(reply.status(), "");
  AESWEEP_CHECK(encode_reply(reply.value()) == given, "a reply is another after it is encoded");
}

void run(std::span<const std::byte> bytes) {
  check_reply(bytes);
  Bytes source(bytes);
  const Result<StoredArray> array = receive_array(source);
  if (!array.ok()) return check_refusal(array.status(), "");
  const ArrayShape& shape = array.value().shape;
  AESWEEP_CHECK(check_array_shape(shape).ok(), "a shape got through that is refused elsewhere");
  AESWEEP_CHECK(!array.value().offset || *array.value().offset <= INT64_MAX, "a place nowhere");
  if (shape.bytes() > kFuzzReadBytesMax) return;
  std::vector<std::byte> elements(static_cast<std::size_t>(shape.bytes()));
  const Status status = receive_elements(source, elements);
  if (!status.ok()) return check_refusal(status, "");
  AESWEEP_CHECK(elements.size() < bytes.size(), "elements that nobody sent");
}

}  // namespace
}  // namespace aesweep

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  aesweep::run(std::as_bytes(std::span(data, size)));
  return 0;
}
