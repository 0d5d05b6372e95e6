// Fuzz target: the IDX reader, on the input as it is, and on the same bytes as a gzip member, so
// that hostile headers reach it through the decompressor, too.
#include <zlib.h>

#include <cstdint>
#include <span>

#include "core/base/check.hpp"
#include "core/data/gzip.hpp"
#include "core/data/idx_array.hpp"
#include "tests/fuzz/array_checks.hpp"
#include "tests/fuzz/fuzz_file.hpp"

namespace aesweep {
namespace {

std::vector<std::byte> compressed(std::span<const std::byte> bytes) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS;
  AESWEEP_CHECK(deflateInit2(&stream, 1, Z_DEFLATED, kGzip, 1, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
  std::vector<std::byte> out(deflateBound(&stream, bytes.size()) + 64);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  AESWEEP_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib");
  out.resize(stream.total_out);
  AESWEEP_CHECK(deflateEnd(&stream) == Z_OK, "zlib");
  return out;
}

// The elements, if they are let through.
std::optional<std::vector<std::byte>> try_file(std::span<const std::byte> bytes) {
  const FuzzFile file(bytes);
  const Result<std::unique_ptr<ArrayFile>> array = open_idx(file.path());
  check_recognised(file.path(), "", array);
  if (array.ok()) return check_array(*array.value(), file.path(), bytes.size(), kGzipRatioMax);
  check_refusal(array.status(), file.path());
  return std::nullopt;
}

void run(std::span<const std::byte> bytes) {
  const auto plain = try_file(bytes);
  const bool gzip = bytes.size() > 1 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
  if (gzip) return;  // What is compressed twice is no IDX file.
  const auto packed = try_file(compressed(bytes));
  AESWEEP_CHECK(plain == packed, "compressed elements differ from plain ones");
}

}  // namespace
}  // namespace aesweep

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  aesweep::run(std::as_bytes(std::span(data, size)));
  return 0;
}
