// IDX: the format of the published MNIST files, plain or gzip-compressed (found by content).
//
// Layout, all big-endian: two zero bytes, a type code, the number of dimensions, each dimension as
// u32, then the elements in row-major order and nothing else. The header is not trusted: sizes are
// checked against each other, against the file and against kIdxBytesMax before memory is taken.
// Every message starts with the path. Const functions may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/status.hpp"

namespace aesweep {

inline constexpr std::uint64_t kIdxBytesMax = std::uint64_t{8} << 30;  // Of the elements.
inline constexpr std::int64_t kIdxDimensionMax = std::int64_t{1} << 31;
inline constexpr std::size_t kIdxDimensionsMax = 4;

enum class IdxType : std::uint8_t {
  kU8 = 0x08,
  kI8 = 0x09,
  kI16 = 0x0B,
  kI32 = 0x0C,
  kF32 = 0x0D,
  kF64 = 0x0E
};

[[nodiscard]] std::size_t idx_type_bytes(IdxType type);
[[nodiscard]] std::string_view idx_type_name(IdxType type);  // "u8", ...

// dims has 1 to 4 entries in [1, 2^31]; their product times the element size is within the limit.
struct IdxHeader {
  IdxType type = IdxType::kU8;
  std::vector<std::int64_t> dims;

  [[nodiscard]] std::uint64_t header_bytes() const { return 4 + 4 * dims.size(); }
  [[nodiscard]] std::uint64_t element_count() const;
  [[nodiscard]] std::uint64_t payload_bytes() const;
  bool operator==(const IdxHeader&) const = default;
};

class IdxFile {
 public:
  // Reads and checks the header and compares it with the file's length; of a compressed file, with
  // the length that its last bytes claim.
  [[nodiscard]] static Result<IdxFile> open(const std::string& path);

  [[nodiscard]] const IdxHeader& header() const { return header_; }
  [[nodiscard]] const std::string& path() const { return file_.path(); }
  [[nodiscard]] bool compressed() const { return gzip_; }

  // Elements from number `first` on, in this machine's byte order; out holds whole elements, not
  // more than there are. A compressed file is read from its start to its end, so that its CRC
  // covers what was taken.
  [[nodiscard]] Status read(std::uint64_t first, std::span<std::byte> out) const;
  [[nodiscard]] Status read(std::span<std::byte> out) const { return read(0, out); }

 private:
  IdxFile(InputFile file, bool gzip, IdxHeader header);

  InputFile file_;
  bool gzip_ = false;
  IdxHeader header_;
};

}  // namespace aesweep
