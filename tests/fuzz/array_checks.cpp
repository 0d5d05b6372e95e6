#include "tests/fuzz/array_checks.hpp"

#include <algorithm>

#include "core/base/check.hpp"
#include "core/base/file.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kMessageBytesMax = 16384;

void check_shape(const ArrayShape& shape) {
  AESWEEP_CHECK(shape.dims.size() <= kArrayDimensionsMax, "too many dimensions got through");
  AESWEEP_CHECK(check_array_shape(shape).ok(), "a shape got through that is refused elsewhere");
}

void check_raw(const ArrayFile& array, std::span<const std::byte> elements) {
  const std::optional<RawBytes> raw = array.raw();
  if (!raw) return;
  const Result<InputFile> file = InputFile::open(raw->path);
  AESWEEP_CHECK(file.ok(), "raw() leads nowhere");
  std::vector<std::byte> stored(elements.size());
  AESWEEP_CHECK(file.value().read_at(raw->offset, stored).ok(), "raw() leads out of the file");
  AESWEEP_CHECK(std::equal(stored.begin(), stored.end(), elements.begin()),
                "raw() leads to other bytes than read()");
}

}  // namespace

void check_refusal(const Status& status, const std::string& path) {
  AESWEEP_CHECK(status.fault() == Fault::kInput, "not an input fault: " + status.message());
  AESWEEP_CHECK(status.message().starts_with(path), "no path in front: " + status.message());
  AESWEEP_CHECK(status.message().size() <= kMessageBytesMax, "an endless message");
  const bool line = std::none_of(status.message().begin(), status.message().end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  AESWEEP_CHECK(line, "more than a line: " + status.message());
}

std::optional<std::vector<std::byte>> check_array(const ArrayFile& array, const std::string& path,
                                                  std::uint64_t stored_bytes,
                                                  std::uint64_t expansion) {
  const ArrayShape& shape = array.shape();
  check_shape(shape);
  AESWEEP_CHECK(array.name().starts_with(path), "an array whose name is not its path");
  AESWEEP_CHECK(shape.bytes() / expansion <= stored_bytes, "more bytes than the file can hold");
  if (shape.bytes() > kFuzzReadBytesMax) return std::nullopt;
  std::vector<std::byte> whole(shape.bytes());
  if (const Status status = array.read(0, whole); !status.ok()) {
    check_refusal(status, path);
    return std::nullopt;
  }
  check_raw(array, whole);
  // The second half again, by itself, and nothing at all at the end.
  const std::size_t element = array_type_bytes(shape.type);
  const std::uint64_t half = shape.element_count() / 2;
  std::vector<std::byte> part((shape.element_count() - half) * element);
  AESWEEP_CHECK(array.read(half, part).ok(), "a part cannot be read where the whole can");
  AESWEEP_CHECK(std::equal(part.begin(), part.end(), whole.begin() + half * element),
                "a part differs from the whole");
  AESWEEP_CHECK(array.read(shape.element_count(), {}).ok(), "no elements cannot be read");
  return whole;
}

void check_recognised(const std::string& path, const std::string& dataset,
                      const Result<std::unique_ptr<ArrayFile>>& own) {
  const Result<std::unique_ptr<ArrayFile>> any = open_array({path, dataset});
  if (!any.ok()) {
    check_refusal(any.status(), path);
    AESWEEP_CHECK(!own.ok(), "open_array does not know its own format");
    return;
  }
  // Bytes that this format refuses may be another's.
  if (own.ok()) {
    AESWEEP_CHECK(any.value()->shape() == own.value()->shape(), "open_array sees another array");
  }
}

}  // namespace aesweep
