#include "runner/store/code_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/data/npy.hpp"
#include "runner/store/byte_sink.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/faiss_file.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/h5_checked.hpp"
#include "runner/store/image_file.hpp"
#include "runner/store/verified_file.hpp"

namespace aesweep {
namespace {

static_assert(std::endian::native == std::endian::little, "codes are stored as they lie in words");

constexpr const char* kFormat = "aesweep codes";
constexpr const char* kFormatVersion = "1.0";
constexpr std::string_view kFormatMajor = "1.";  // Minor versions add what older programs ignore.
constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr std::string_view kH5Magic = "\x89HDF";
constexpr std::string_view kFaissMagic = "IBxF";

std::size_t bytes_per_row(int bits) { return (static_cast<std::size_t>(bits) + 7) / 8; }

h5::CellType real_cell(Scalar scalar) {
  return scalar == Scalar::kF32 ? h5::CellType::kF4 : h5::CellType::kF8;
}

std::vector<std::byte> npy_file(const StoredCodes& codes) {
  ArrayShape shape{ArrayType::kU8, {}};
  std::vector<std::byte> data;
  if (codes.packed) {
    shape.dims = {codes.packed->rows, static_cast<std::int64_t>(bytes_per_row(codes.packed->bits))};
    data = packed_bytes(*codes.packed);
  } else {
    shape = {codes.real.scalar == Scalar::kF32 ? ArrayType::kF32 : ArrayType::kF64,
             codes.real.shape};
    data = codes.real.bytes;
  }
  const std::string file = npy_bytes(shape, data);
  const auto bytes = std::as_bytes(std::span(file));
  return {bytes.begin(), bytes.end()};
}

Status write_h5_contents(const h5::Node& file, const StoredCodes& codes) {
  const auto attribute = [&](const char* name, const auto& value) {
    return h5::set_attribute(file, ".", name, value);
  };
  AESWEEP_RETURN_IF_ERROR(attribute("format", std::string_view(kFormat)));
  AESWEEP_RETURN_IF_ERROR(attribute("format_version", std::string_view(kFormatVersion)));
  AESWEEP_RETURN_IF_ERROR(attribute("run", std::string_view(codes.origin.run)));
  AESWEEP_RETURN_IF_ERROR(attribute("trial", codes.origin.trial));
  AESWEEP_RETURN_IF_ERROR(attribute("key", std::string_view(codes.origin.key)));
  AESWEEP_RETURN_IF_ERROR(attribute("binarization", std::string_view(codes.origin.binarization)));
  if (codes.packed) {
    const std::int64_t shape[] = {codes.packed->rows,
                                  static_cast<std::int64_t>(bytes_per_row(codes.packed->bits))};
    const std::int64_t bits = codes.packed->bits;
    AESWEEP_RETURN_IF_ERROR(h5::write_array(file, "packed", {"", h5::CellType::kU1}, shape,
                                            packed_bytes(*codes.packed)));
    AESWEEP_RETURN_IF_ERROR(h5::write_array(file, "bits", {"", h5::CellType::kI8}, {},
                                            std::as_bytes(std::span(&bits, 1))));
  } else {
    AESWEEP_RETURN_IF_ERROR(h5::write_array(file, "codes", {"", real_cell(codes.real.scalar)},
                                            codes.real.shape, codes.real.bytes));
  }
  if (codes.labels.empty()) return {};
  const std::int64_t shape[] = {static_cast<std::int64_t>(codes.labels.size())};
  return h5::write_array(file, "labels", {"", h5::CellType::kI4}, shape,
                         std::as_bytes(std::span(codes.labels)));
}

Result<std::vector<std::byte>> h5_file(const std::string& path, const StoredCodes& codes) {
  const std::size_t bytes = codes.packed ? codes.packed->words.size() * 8 : codes.real.bytes.size();
  return h5_image(path, bytes + codes.labels.size() * sizeof(std::int32_t),
                  [&](const auto& file) { return write_h5_contents(file, codes); });
}

Status not_codes(const std::string& path, const std::string& found) {
  return Status::input(text(path,
                            ": expected codes: f4 or f8 [sample, unit], or bits as u1 "
                            "[sample, bytes] of at most ",
                            kCodeBitsMax / 8, "; found ", found));
}

Result<StoredCodes> read_npy_codes(const std::string& path) {
  Result<std::unique_ptr<ArrayFile>> array = open_npy(path);
  if (!array.ok()) return array.status();
  const ArrayShape& shape = (*array)->shape();
  const bool real = shape.type == ArrayType::kF32 || shape.type == ArrayType::kF64;
  if (shape.dims.size() != 2 || !(real || shape.type == ArrayType::kU8) ||
      (!real && shape.dims[1] > kCodeBitsMax / 8)) {
    return not_codes(path, shape_text(shape));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(shape.bytes()));
  AESWEEP_RETURN_IF_ERROR((*array)->read(0, bytes));
  StoredCodes codes;
  if (real) {
    const Scalar scalar = shape.type == ArrayType::kF32 ? Scalar::kF32 : Scalar::kF64;
    codes.real = {"codes", shape.dims, scalar, std::move(bytes)};
    return codes;
  }
  Result<PackedCodes> packed =
      unpacked_codes(bytes, shape.dims[0], static_cast<int>(8 * shape.dims[1]));
  if (!packed.ok()) return packed.status().in(path);
  codes.packed = std::move(*packed);
  return codes;
}

Status read_h5_bits(const h5::Node& file, std::uint64_t bytes_max, StoredCodes& codes) {
  Result<h5::Array> packed = h5::read_checked_array(file, "packed", bytes_max);
  if (!packed.ok()) return packed.status();
  Result<h5::Array> stored = h5::read_checked_array(file, "bits", bytes_max);
  if (!stored.ok()) return stored.status();
  std::int64_t bits = 0;
  if (stored->type == h5::CellType::kI8 && stored->bytes.size() == sizeof bits) {
    std::memcpy(&bits, stored->bytes.data(), sizeof bits);
  }
  if (packed->type != h5::CellType::kU1 || packed->shape.size() != 2 || bits < 1 ||
      bits > kCodeBitsMax ||
      packed->shape[1] != static_cast<std::int64_t>(bytes_per_row(static_cast<int>(bits)))) {
    return not_codes(file.where, text("other shapes of packed and bits, bits ", bits));
  }
  Result<PackedCodes> unpacked =
      unpacked_codes(packed->bytes, packed->shape[0], static_cast<int>(bits));
  if (!unpacked.ok()) return unpacked.status().in(file.where);
  codes.packed = std::move(*unpacked);
  return {};
}

Status read_h5_reals(const h5::Node& file, std::uint64_t bytes_max, StoredCodes& codes) {
  Result<h5::Array> array = h5::read_checked_array(file, "codes", bytes_max);
  if (!array.ok()) return array.status();
  const bool f4 = array->type == h5::CellType::kF4;
  if (array->shape.size() != 2 || !(f4 || array->type == h5::CellType::kF8)) {
    return not_codes(file.where, "codes of another type or shape");
  }
  codes.real = {"codes", array->shape, f4 ? Scalar::kF32 : Scalar::kF64, std::move(array->bytes)};
  return {};
}

Result<StoredCodes> read_h5_contents(const h5::Node& file, std::uint64_t bytes_max) {
  Result<std::string> format = h5::checked_attribute(file, "format", bytes_max);
  if (!format.ok() || *format != kFormat) {
    return not_codes(file.where,
                     "an HDF5 file without the attribute format = " + std::string(kFormat));
  }
  Result<std::string> version = h5::checked_attribute(file, "format_version", bytes_max);
  if (!version.ok()) return version.status();
  if (!version->starts_with(kFormatMajor)) {
    return not_codes(file.where, text("format_version ", *version, ", of another aesweep"));
  }
  StoredCodes codes;
  for (const auto& [name, value] : {std::pair("run", &codes.origin.run),
                                    {"key", &codes.origin.key},
                                    {"binarization", &codes.origin.binarization}}) {
    Result<std::string> attribute = h5::checked_attribute(file, name, bytes_max);
    if (!attribute.ok()) return attribute.status();
    *value = std::move(*attribute);
  }
  Result<bool> binary = h5::has(file, "packed");
  if (!binary.ok()) return binary.status();
  AESWEEP_RETURN_IF_ERROR(*binary ? read_h5_bits(file, bytes_max, codes)
                                  : read_h5_reals(file, bytes_max, codes));
  Result<bool> labelled = h5::has(file, "labels");
  if (!labelled.ok()) return labelled.status();
  if (!*labelled) return codes;
  Result<h5::Array> labels = h5::read_checked_array(file, "labels", bytes_max);
  if (!labels.ok()) return labels.status();
  const std::int64_t rows = codes.packed ? codes.packed->rows : codes.real.shape[0];
  if (labels->type != h5::CellType::kI4 || labels->shape != std::vector<std::int64_t>{rows}) {
    return not_codes(file.where, text("labels that are not i4 [", rows, "]"));
  }
  codes.labels.resize(static_cast<std::size_t>(rows));
  if (rows > 0) std::memcpy(codes.labels.data(), labels->bytes.data(), labels->bytes.size());
  return codes;
}

Result<StoredCodes> read_h5_codes(const std::string& path) {
  Result<std::unique_ptr<ByteSink>> image = open_verified(path, path, {});
  if (!image.ok()) return image.status();
  const auto read = [&]() -> Result<StoredCodes> {
    const h5::Session session;
    Result<h5::Node> file = h5::open_image(**image, path);
    if (!file.ok()) return file.status();
    Result<StoredCodes> codes = read_h5_contents(*file, (*image)->size());
    const Status closed = file->close();
    if (codes.ok() && !closed.ok()) return closed;
    return codes;
  };
  Result<StoredCodes> codes = read();
  if ((*image)->error() != 0) return Status::world(path + ": cannot be read to its end");
  if (codes.ok()) return codes;
  return Status::input(codes.status().message());
}

Result<StoredCodes> read_any_codes(const std::string& path) {
  Result<InputFile> file = InputFile::open(path);
  if (!file.ok()) return file.status();
  std::array<char, 8> start{};
  const std::size_t length = std::min<std::size_t>(start.size(), file->size());
  AESWEEP_RETURN_IF_ERROR(file->read_at(0, std::as_writable_bytes(std::span(start).first(length))));
  const std::string_view magic(start.data(), length);
  if (magic.starts_with(kNpyMagic)) return read_npy_codes(path);
  if (magic.starts_with(kH5Magic)) return read_h5_codes(path);
  if (magic.starts_with(kFaissMagic)) {
    Result<PackedCodes> packed = read_faiss(*file);
    if (!packed.ok()) return packed.status();
    StoredCodes codes;
    codes.packed = std::move(*packed);
    return codes;
  }
  return not_codes(path, "neither .npy nor .h5 nor .faiss");
}

}  // namespace

std::vector<std::byte> packed_bytes(const PackedCodes& codes) {
  const std::size_t per_row = bytes_per_row(codes.bits);
  std::vector<std::byte> bytes(static_cast<std::size_t>(codes.rows) * per_row);
  for (std::int64_t i = 0; i < codes.rows; ++i) {
    std::memcpy(bytes.data() + static_cast<std::size_t>(i) * per_row, codes.row(i), per_row);
  }
  return bytes;
}

Result<PackedCodes> unpacked_codes(std::span<const std::byte> bytes, std::int64_t rows, int bits) {
  const std::size_t per_row = bytes_per_row(bits);
  AESWEEP_CHECK(bytes.size() == static_cast<std::size_t>(rows) * per_row, "rows of whole bytes");
  PackedCodes codes = empty_codes(rows, bits);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::uint64_t* row = codes.words.data() + static_cast<std::size_t>(i) * codes.words_per_row();
    const std::byte* from = bytes.data() + static_cast<std::size_t>(i) * per_row;
    std::memcpy(row, from, per_row);
    if (bits % 8 != 0 && (std::to_integer<int>(from[per_row - 1]) >> (bits % 8)) != 0) {
      return Status::input(text("code ", i, " has a bit above its ", bits, " bits"));
    }
  }
  return codes;
}

Result<CodeFormat> code_format(const std::string& path) {
  if (path.ends_with(".npy")) return CodeFormat::kNpy;
  if (path.ends_with(".h5")) return CodeFormat::kH5;
  if (path.ends_with(".faiss")) return CodeFormat::kFaiss;
  return Status::input(path + ": codes are written as .h5, .npy or .faiss; end the name so");
}

Status write_codes(const std::string& path, const StoredCodes& codes) {
  Result<CodeFormat> format = code_format(path);
  if (!format.ok()) return format.status();
  if (*format == CodeFormat::kNpy) return durable_write(path, npy_file(codes), WriteMode::kReplace);
  if (*format == CodeFormat::kFaiss && !codes.packed) {
    return Status::input(path + ": .faiss holds binary codes; binarize them, or write .npy or .h5");
  }
  Result<std::vector<std::byte>> bytes =
      *format == CodeFormat::kFaiss ? faiss_bytes(*codes.packed) : h5_file(path, codes);
  if (!bytes.ok()) return bytes.status().in(path);
  return durable_write(path, *bytes, WriteMode::kReplace);
}

Result<StoredCodes> read_codes(const std::string& path) {
  return fenced(
      path, [&] { return read_any_codes(path); }, "split the file of codes");
}

}  // namespace aesweep
