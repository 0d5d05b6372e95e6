#include "runner/store/faiss_file.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/base/text.hpp"
#include "runner/store/code_file.hpp"

namespace aesweep {
namespace {

constexpr char kFourCc[4] = {'I', 'B', 'x', 'F'};
constexpr std::int32_t kMetric = 1;
constexpr std::size_t kHeaderBytes = 33;

template <class V>
void append(std::vector<std::byte>& out, const V& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class V>
V take(std::span<const std::byte> bytes, std::size_t offset) {
  V value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

Result<std::vector<std::byte>> faiss_bytes(const PackedCodes& codes) {
  if (codes.bits % 8 != 0) {
    return Status::input(text(codes.bits,
                              " bits: faiss has binary codes of a multiple of 8 bits; "
                              "write .npy or .h5"));
  }
  const std::vector<std::byte> body = packed_bytes(codes);
  std::vector<std::byte> file;
  file.reserve(kHeaderBytes + body.size());
  append(file, kFourCc);
  append(file, static_cast<std::int32_t>(codes.bits));
  append(file, static_cast<std::int32_t>(codes.bits / 8));
  append(file, codes.rows);
  append(file, std::uint8_t{1});
  append(file, kMetric);
  append(file, static_cast<std::uint64_t>(body.size()));
  file.insert(file.end(), body.begin(), body.end());
  return file;
}

Result<PackedCodes> read_faiss(const InputFile& file) {
  std::array<std::byte, kHeaderBytes> header;
  if (file.size() < kHeaderBytes) {
    return Status::input(text(file.path(), ": ", file.size(), " bytes are less than the ",
                              kHeaderBytes, " of the header of a binary index of faiss"));
  }
  AESWEEP_RETURN_IF_ERROR(file.read_at(0, header));
  const auto bits = take<std::int32_t>(header, 4);
  const auto code_bytes = take<std::int32_t>(header, 8);
  const auto rows = take<std::int64_t>(header, 12);
  const auto bytes = take<std::uint64_t>(header, 25);
  const std::uint64_t there = file.size() - kHeaderBytes;
  if (std::memcmp(header.data(), kFourCc, sizeof kFourCc) != 0 || bits < 8 || bits % 8 != 0 ||
      bits > kCodeBitsMax || code_bytes != bits / 8) {
    return Status::input(text(file.path(),
                              ": expected an IndexBinaryFlat of faiss (IBxF) of a "
                              "multiple of 8 bits up to ",
                              kCodeBitsMax, "; found ", bits, " bits in ", code_bytes, " bytes"));
  }
  // The file's size bounds the rows, so that the product cannot overflow.
  if (rows < 1 || bytes != there || static_cast<std::uint64_t>(rows) > there ||
      static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(code_bytes) != there) {
    return Status::input(text(file.path(), ": ", rows, " codes of ", code_bytes,
                              " bytes are not the ", there, " bytes after the header"));
  }
  std::vector<std::byte> body(static_cast<std::size_t>(there));
  AESWEEP_RETURN_IF_ERROR(file.read_at(kHeaderBytes, body));
  return unpacked_codes(body, rows, bits);
}

}  // namespace aesweep
