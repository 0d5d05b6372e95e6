#include "core/data/idx.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/checked.hpp"
#include "core/base/text.hpp"
#include "core/data/byte_order.hpp"
#include "core/data/gzip.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kMagicBytes = 4;

std::optional<IdxType> type_of(std::byte code) {
  for (const IdxType type :
       {IdxType::kU8, IdxType::kI8, IdxType::kI16, IdxType::kI32, IdxType::kF32, IdxType::kF64}) {
    if (code == static_cast<std::byte>(type)) return type;
  }
  return std::nullopt;
}

// Checks the first four bytes; gives type and number of dimensions.
Status parse_magic(std::span<const std::byte, kMagicBytes> magic, IdxHeader* header) {
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0}) {
    return Status::input("does not start with two zero bytes; it is no IDX file");
  }
  const std::optional<IdxType> type = type_of(magic[2]);
  if (!type) {
    return Status::input(text("IDX type code ", std::to_integer<int>(magic[2]),
                              " (byte 2) is not one of 8, 9, 11, 12, 13, 14"));
  }
  const auto dimensions = std::to_integer<std::size_t>(magic[3]);
  if (dimensions < 1 || dimensions > kIdxDimensionsMax) {
    return Status::input(
        text("declares ", dimensions, " dimensions (byte 3); expected 1 to ", kIdxDimensionsMax));
  }
  header->type = *type;
  header->dims.resize(dimensions);
  return {};
}

// Fills header->dims, whose number is known, and checks their product.
Status parse_dimensions(std::span<const std::byte> bytes, IdxHeader* header) {
  std::optional<std::uint64_t> payload = idx_type_bytes(header->type);
  for (std::size_t d = 0; d < header->dims.size(); ++d) {
    std::uint32_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      size = size << 8 | std::to_integer<std::uint32_t>(bytes[4 * d + i]);
    }
    if (size < 1 || size > kIdxDimensionMax) {
      return Status::input(text("dimension ", d, " is ", size, " (byte ", kMagicBytes + 4 * d,
                                "); expected 1 to ", kIdxDimensionMax));
    }
    header->dims[d] = size;
    if (payload) payload = checked_multiply(*payload, size);
  }
  if (!payload || *payload > kIdxBytesMax) {
    return Status::input(text("declares ", payload ? text(*payload) : "more than 2^64",
                              " bytes of elements; at most ", kIdxBytesMax, " are read"));
  }
  return {};
}

// The file as a sequence of bytes, decompressed if need be.
class ByteReader {
 public:
  ByteReader(const InputFile& file, bool gzip) : file_(&file) {
    if (gzip) gzip_.emplace(file);
  }

  [[nodiscard]] Status read(std::span<std::byte> out) {
    if (gzip_) return gzip_->read(out);
    AESWEEP_RETURN_IF_ERROR(file_->read_at(offset_, out));
    offset_ += out.size();
    return {};
  }

  [[nodiscard]] Status skip(std::uint64_t count) {
    if (!gzip_) {
      offset_ += count;
      return {};
    }
    std::vector<std::byte> scratch(std::min<std::uint64_t>(count, std::uint64_t{1} << 18));
    while (count > 0) {
      scratch.resize(std::min<std::uint64_t>(count, scratch.size()));
      AESWEEP_RETURN_IF_ERROR(gzip_->read(scratch));
      count -= scratch.size();
    }
    return {};
  }

  // Of plain files the length was compared before.
  [[nodiscard]] Status skip_to_end(std::uint64_t count) {
    AESWEEP_RETURN_IF_ERROR(skip(count));
    return gzip_ ? gzip_->expect_end() : Status();
  }

 private:
  const InputFile* file_;
  std::optional<GzipReader> gzip_;
  std::uint64_t offset_ = 0;
};

Status read_header(const InputFile& file, ByteReader* reader, IdxHeader* header) {
  std::array<std::byte, kMagicBytes> magic{};
  AESWEEP_RETURN_IF_ERROR(reader->read(magic));
  AESWEEP_RETURN_IF_ERROR(parse_magic(magic, header).in(file.path()));
  std::vector<std::byte> dimensions(4 * header->dims.size());
  AESWEEP_RETURN_IF_ERROR(reader->read(dimensions));
  return parse_dimensions(dimensions, header).in(file.path());
}

Status check_plain_length(const InputFile& file, const IdxHeader& header) {
  const std::uint64_t expected = header.header_bytes() + header.payload_bytes();
  if (file.size() == expected) return {};
  return Status::input(text(file.path(), ": has ", file.size(),
                            " bytes where its IDX header declares ", expected, ": it is ",
                            file.size() < expected ? "truncated" : "too long", ". Fetch it again"));
}

Status check_gzip_length(const InputFile& file, const IdxHeader& header) {
  const std::uint64_t expected = header.header_bytes() + header.payload_bytes();
  if (expected / kGzipRatioMax > file.size()) {
    return Status::input(text(file.path(), ": its IDX header declares ", expected,
                              " bytes, more than ", file.size(),
                              " bytes of gzip data can hold. Fetch it again"));
  }
  const Result<std::uint32_t> claimed = gzip_claimed_length(file);
  if (!claimed.ok()) return claimed.status();
  if (claimed.value() == static_cast<std::uint32_t>(expected)) return {};
  return Status::input(text(
      file.path(), ": its IDX header declares ", expected, " bytes, its gzip trailer ",
      claimed.value(), ": it is truncated, damaged or more than one gzip member. Fetch it again"));
}

}  // namespace

std::size_t idx_type_bytes(IdxType type) {
  switch (type) {
    case IdxType::kU8:
    case IdxType::kI8:
      return 1;
    case IdxType::kI16:
      return 2;
    case IdxType::kI32:
    case IdxType::kF32:
      return 4;
    case IdxType::kF64:
      return 8;
  }
  return 0;
}

std::string_view idx_type_name(IdxType type) {
  switch (type) {
    case IdxType::kU8:
      return "u8";
    case IdxType::kI8:
      return "i8";
    case IdxType::kI16:
      return "i16";
    case IdxType::kI32:
      return "i32";
    case IdxType::kF32:
      return "f32";
    case IdxType::kF64:
      return "f64";
  }
  return "";
}

std::uint64_t IdxHeader::element_count() const {
  std::uint64_t count = 1;
  for (const std::int64_t size : dims) count *= static_cast<std::uint64_t>(size);
  return count;
}

std::uint64_t IdxHeader::payload_bytes() const { return element_count() * idx_type_bytes(type); }

IdxFile::IdxFile(InputFile file, bool gzip, IdxHeader header)
    : file_(std::move(file)), gzip_(gzip), header_(std::move(header)) {}

Result<IdxFile> IdxFile::open(const std::string& path) {
  Result<InputFile> file = InputFile::open(path);
  if (!file.ok()) return file.status();
  if (file->size() == 0) {
    return Status::input(text(path, ": is empty; expected an IDX file. Fetch it again"));
  }
  const Result<bool> gzip = is_gzip(*file);
  if (!gzip.ok()) return gzip.status();
  IdxHeader header;
  ByteReader reader(*file, gzip.value());
  AESWEEP_RETURN_IF_ERROR(read_header(*file, &reader, &header));
  AESWEEP_RETURN_IF_ERROR(gzip.value() ? check_gzip_length(*file, header)
                                       : check_plain_length(*file, header));
  return IdxFile(std::move(file).value(), gzip.value(), std::move(header));
}

Status IdxFile::read(std::uint64_t first, std::span<std::byte> out) const {
  const std::size_t element = idx_type_bytes(header_.type);
  const std::uint64_t count = header_.element_count();
  AESWEEP_CHECK(
      out.size() % element == 0 && first <= count && out.size() / element <= count - first,
      "IdxFile::read of other than whole elements of the file");
  ByteReader reader(file_, gzip_);
  IdxHeader header;
  AESWEEP_RETURN_IF_ERROR(read_header(file_, &reader, &header));
  if (!(header == header_)) {
    return Status::input(text(path(), ": its IDX header changed while it was being read"));
  }
  AESWEEP_RETURN_IF_ERROR(reader.skip(first * element));
  AESWEEP_RETURN_IF_ERROR(reader.read(out));
  AESWEEP_RETURN_IF_ERROR(
      reader.skip_to_end(header.payload_bytes() - first * element - out.size()));
  swap_elements(out, element);
  return {};
}

}  // namespace aesweep
