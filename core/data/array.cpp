#include "core/data/array.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "core/base/check.hpp"
#include "core/base/checked.hpp"
#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/data/idx_array.hpp"
#include "core/data/npy.hpp"
#include "core/data/safetensors.hpp"
#include "core/data/text_cursor.hpp"

namespace aesweep {
namespace {

using std::string_view_literals::operator""sv;

enum class Format { kUnknown, kIdx, kNpy, kSafetensors, kHdf5, kZip };

constexpr std::string_view kHdf5Magic = "\x89HDF\r\n\x1a\n"sv;
// An HDF5 file may begin with bytes of somebody else's (MATLAB's do): a power of two, 512 at least.
constexpr std::uint64_t kHdf5UserBlockMin = 512;
constexpr std::uint64_t kHdf5UserBlockMax = 1 << 20;

// Whether bytes 2 and 3 can be those of an IDX file: a type code, a number of dimensions. As the
// length of a safetensors header they would be above its limit.
bool looks_like_idx(std::string_view head) {
  return head.starts_with("\0\0"sv) && head.size() >= 4 && head[2] >= 0x08 && head[2] <= 0x0E &&
         head[3] >= 1 && head[3] <= 4;
}

Format format_of(std::string_view head) {
  if (head.starts_with("\x93NUMPY"sv)) return Format::kNpy;
  if (head.starts_with(kHdf5Magic)) return Format::kHdf5;
  if (head.starts_with("\x1f\x8b"sv)) return Format::kIdx;  // Compressed; what else may be in it?
  if (head.starts_with("PK\x03\x04"sv)) return Format::kZip;
  if (looks_like_idx(head)) return Format::kIdx;
  if (head.size() > 8 && head[8] == '{') return Format::kSafetensors;
  return Format::kUnknown;
}

Result<bool> has_hdf5_after_user_block(const InputFile& file) {
  std::array<char, kHdf5Magic.size()> bytes{};
  for (std::uint64_t at = kHdf5UserBlockMin; at <= kHdf5UserBlockMax; at *= 2) {
    if (file.size() < at + bytes.size()) return false;
    AESWEEP_RETURN_IF_ERROR(file.read_at(at, std::as_writable_bytes(std::span(bytes))));
    if (std::string_view(bytes.data(), bytes.size()) == kHdf5Magic) return true;
  }
  return false;
}

// The format, or a message that says what the file may be instead.
Result<Format> recognise(const std::string& path) {
  Result<InputFile> file = InputFile::open(path);
  if (!file.ok()) return file.status();
  if (file->size() == 0) return Status::input(text(path, ": is empty; expected an array"));
  std::array<char, 16> bytes{};
  const std::size_t count = std::min<std::uint64_t>(bytes.size(), file->size());
  AESWEEP_RETURN_IF_ERROR(file->read_at(0, std::as_writable_bytes(std::span(bytes)).first(count)));
  const std::string_view head(bytes.data(), count);
  const Format format = format_of(head);
  if (format == Format::kZip) {
    return Status::input(text(path,
                              ": is a zip archive (.npz or .pt), which is not read. Save the array "
                              "alone: numpy.save('x.npy', numpy.load('x.npz')['name'])"));
  }
  if (format != Format::kUnknown) return format;
  const Result<bool> hdf5 = has_hdf5_after_user_block(*file);
  if (!hdf5.ok()) return hdf5.status();
  if (hdf5.value()) return Format::kHdf5;
  if (head.starts_with("\0\0"sv)) return Format::kIdx;  // Its reader says what is wrong.
  return Status::input(text(path, ": starts with ", quoted(head.substr(0, 8)),
                            ", which is neither IDX, .npy, safetensors nor HDF5"));
}

Status expect_no_dataset(const ArrayRef& ref, const char* format) {
  if (ref.dataset.empty()) return {};
  return Status::input(
      text(ref.path, ": is ", format, ", whose only array has no name; leave out #", ref.dataset));
}

}  // namespace

std::size_t array_type_bytes(ArrayType type) {
  switch (type) {
    case ArrayType::kBool:
    case ArrayType::kU8:
    case ArrayType::kI8:
      return 1;
    case ArrayType::kI16:
    case ArrayType::kF16:
    case ArrayType::kBf16:
      return 2;
    case ArrayType::kI32:
    case ArrayType::kF32:
      return 4;
    case ArrayType::kI64:
    case ArrayType::kF64:
      return 8;
  }
  return 0;
}

std::string_view array_type_name(ArrayType type) {
  switch (type) {
    case ArrayType::kBool:
      return "bool";
    case ArrayType::kU8:
      return "u8";
    case ArrayType::kI8:
      return "i8";
    case ArrayType::kI16:
      return "i16";
    case ArrayType::kI32:
      return "i32";
    case ArrayType::kI64:
      return "i64";
    case ArrayType::kF16:
      return "f16";
    case ArrayType::kBf16:
      return "bf16";
    case ArrayType::kF32:
      return "f32";
    case ArrayType::kF64:
      return "f64";
  }
  return "";
}

std::uint64_t ArrayShape::element_count() const {
  std::uint64_t count = 1;
  for (const std::int64_t size : dims) count *= static_cast<std::uint64_t>(size);
  return count;
}

std::uint64_t ArrayShape::bytes() const { return element_count() * array_type_bytes(type); }

Status check_array_shape(const ArrayShape& shape) {
  if (shape.dims.size() > kArrayDimensionsMax) {
    return Status::input(
        text("has ", shape.dims.size(), " dimensions; at most ", kArrayDimensionsMax, " are read"));
  }
  std::optional<std::uint64_t> bytes = array_type_bytes(shape.type);
  for (std::size_t d = 0; d < shape.dims.size(); ++d) {
    const std::int64_t size = shape.dims[d];
    if (size == 0) return Status::input(text("dimension ", d, " is 0: it holds no elements"));
    if (size < 0 || size > kArrayDimensionMax) {
      return Status::input(
          text("dimension ", d, " is ", size, "; expected 1 to ", kArrayDimensionMax));
    }
    if (bytes) bytes = checked_multiply(*bytes, static_cast<std::uint64_t>(size));
  }
  if (bytes && *bytes <= static_cast<std::uint64_t>(INT64_MAX)) return {};
  return Status::input("its dimensions declare 2^63 bytes or more");
}

void check_array_range(const ArrayShape& shape, std::uint64_t first, std::size_t out_bytes) {
  const std::size_t element = array_type_bytes(shape.type);
  const std::uint64_t count = shape.element_count();
  AESWEEP_CHECK(out_bytes % element == 0 && first <= count && out_bytes / element <= count - first,
                "ArrayFile::read of other than whole elements of the array");
}

std::string shape_text(const ArrayShape& shape) {
  std::string dims;
  for (const std::int64_t size : shape.dims) dims += text(dims.empty() ? "" : ", ", size);
  return text(array_type_name(shape.type), " [", dims, "]");
}

ArrayRef parse_array_ref(const std::string& text) {
  const std::size_t mark = text.rfind('#');
  if (mark == std::string::npos || mark == 0 || mark + 1 == text.size()) return {text, ""};
  std::error_code error;  // What cannot be looked at cannot be opened either; open says why.
  if (std::filesystem::exists(text, error)) return {text, ""};
  return {text.substr(0, mark), text.substr(mark + 1)};
}

Result<std::unique_ptr<ArrayFile>> open_array(const ArrayRef& ref, const ArrayOpener& open_hdf5) {
  const Result<Format> format = recognise(ref.path);
  if (!format.ok()) return format.status();
  switch (format.value()) {
    case Format::kIdx:
      AESWEEP_RETURN_IF_ERROR(expect_no_dataset(ref, "an IDX file"));
      return open_idx(ref.path);
    case Format::kNpy:
      AESWEEP_RETURN_IF_ERROR(expect_no_dataset(ref, "a .npy file"));
      return open_npy(ref.path);
    case Format::kSafetensors:
      return open_safetensors(ref);
    case Format::kHdf5:
      if (open_hdf5) return open_hdf5(ref);
      return Status::input(
          text(ref.path, ": is an HDF5 file, which is not read here. Write the array as .npy"));
    case Format::kZip:
    case Format::kUnknown:
      break;
  }
  return Status::input(text(ref.path, ": is in no known format"));
}

}  // namespace aesweep
