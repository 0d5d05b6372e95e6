#include "core/data/npy.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/data/byte_order.hpp"
#include "core/data/plain_array.hpp"
#include "core/data/text_cursor.hpp"

namespace aesweep {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kHeaderAlignment = 64;

struct TypeCode {
  std::string_view code;  // Kind and size: what follows the byte order in descr.
  ArrayType type;
};
constexpr TypeCode kTypeCodes[] = {
    {"b1", ArrayType::kBool}, {"u1", ArrayType::kU8},  {"i1", ArrayType::kI8},
    {"i2", ArrayType::kI16},  {"i4", ArrayType::kI32}, {"i8", ArrayType::kI64},
    {"f2", ArrayType::kF16},  {"f4", ArrayType::kF32}, {"f8", ArrayType::kF64},
};

struct Header {
  ArrayShape shape;
  bool swapped = false;
  bool fortran = false;
};

Status parse_descr(std::string_view descr, Header* header) {
  const char order = descr.empty() ? '\0' : descr[0];
  if (descr.find('O') != std::string_view::npos) {
    return Status::input(
        text("holds Python objects (descr ", quoted(descr),
             "), which are not read. Save numbers: numpy.save('x.npy', array.astype('f4'))"));
  }
  for (const TypeCode& entry : kTypeCodes) {
    const bool one_byte = array_type_bytes(entry.type) == 1;
    const bool order_fits = order == '<' || order == '>' || (order == '|' && one_byte);
    if (!order_fits || descr.substr(1) != entry.code) continue;
    header->shape.type = entry.type;
    header->swapped = order == '>' && !one_byte;
    return {};
  }
  return Status::input(text("descr ", quoted(descr),
                            " is not read; expected b1, u1, i1, i2, i4, i8, f2, f4 or f8. Convert "
                            "it: numpy.save('x.npy', array.astype('f4'))"));
}

// A Python string without escapes.
Result<std::string_view> parse_string(TextCursor* cursor, std::string_view all,
                                      std::uint64_t origin, const char* what) {
  cursor->skip_spaces();
  const char quote = cursor->peek();
  if (quote != '\'' && quote != '"') return cursor->unexpected(what);
  cursor->advance();
  const std::size_t first = cursor->position() - origin;
  while (!cursor->at_end() && cursor->peek() != quote) {
    if (cursor->peek() == '\\' || cursor->peek() == '\n') return cursor->unexpected(what);
    cursor->advance();
  }
  const std::size_t last = cursor->position() - origin;
  AESWEEP_RETURN_IF_ERROR(cursor->expect(quote, "at the end of a string"));
  return all.substr(first, last - first);
}

Status parse_shape(TextCursor* cursor, ArrayShape* shape) {
  AESWEEP_RETURN_IF_ERROR(cursor->expect('(', "before the dimensions of 'shape'"));
  bool comma = true;  // A tuple of one has a comma; without one (3) is a number.
  while (!cursor->accept(')')) {
    if (!comma) return cursor->unexpected("',' or ')' after a dimension of 'shape'");
    if (shape->dims.size() == kArrayDimensionsMax) {
      return Status::input(text("has more than ", kArrayDimensionsMax, " dimensions"));
    }
    const Result<std::uint64_t> size =
        cursor->number(static_cast<std::uint64_t>(kArrayDimensionMax), "a dimension of 'shape'");
    if (!size.ok()) return size.status();
    shape->dims.push_back(static_cast<std::int64_t>(size.value()));
    comma = cursor->accept(',');
  }
  if (shape->dims.size() == 1 && !comma) {
    return Status::input("'shape' is a number in parentheses; expected a tuple such as (3,)");
  }
  return {};
}

// The three keys, in any order, each once.
class HeaderParser {
 public:
  HeaderParser(std::string_view header, std::uint64_t origin)
      : text_(header), origin_(origin), cursor_(header, origin) {}

  [[nodiscard]] Result<Header> run() {
    AESWEEP_RETURN_IF_ERROR(cursor_.expect('{', "at the start of the header"));
    bool comma = true;
    while (!cursor_.accept('}')) {
      if (!comma) return cursor_.unexpected("',' or '}' after a value");
      const Result<std::string_view> key =
          parse_string(&cursor_, text_, origin_, "a key of the header");
      if (!key.ok()) return key.status();
      AESWEEP_RETURN_IF_ERROR(cursor_.expect(':', "after a key of the header"));
      AESWEEP_RETURN_IF_ERROR(parse_value(key.value()));
      comma = cursor_.accept(',');
    }
    cursor_.skip_spaces();
    if (!cursor_.at_end()) return cursor_.unexpected("nothing more after the header's '}'");
    for (const auto& [name, seen] :
         {std::pair("descr", has_descr_), std::pair("fortran_order", has_order_),
          std::pair("shape", has_shape_)}) {
      if (!seen) return Status::input(text("its header has no '", name, "'"));
    }
    return std::move(header_);
  }

 private:
  [[nodiscard]] Status parse_value(std::string_view key) {
    if (key == "descr") {
      AESWEEP_RETURN_IF_ERROR(once(key, &has_descr_));
      if (cursor_.accept('[')) {
        return Status::input(
            "holds a structured type, which is not read. Save one field: numpy.save('x.npy', "
            "array['field'])");
      }
      const Result<std::string_view> descr =
          parse_string(&cursor_, text_, origin_, "a string for 'descr'");
      return descr.ok() ? parse_descr(descr.value(), &header_) : descr.status();
    }
    if (key == "fortran_order") {
      AESWEEP_RETURN_IF_ERROR(once(key, &has_order_));
      header_.fortran = cursor_.accept("True");
      if (header_.fortran || cursor_.accept("False")) return {};
      return cursor_.unexpected("True or False for 'fortran_order'");
    }
    if (key == "shape") {
      AESWEEP_RETURN_IF_ERROR(once(key, &has_shape_));
      return parse_shape(&cursor_, &header_.shape);
    }
    return Status::input(text("its header has a key ", quoted(key),
                              "; expected 'descr', 'fortran_order' and 'shape'"));
  }

  [[nodiscard]] static Status once(std::string_view key, bool* seen) {
    if (std::exchange(*seen, true)) {
      return Status::input(text("its header has the key ", quoted(key), " twice"));
    }
    return {};
  }

  std::string_view text_;
  std::uint64_t origin_;
  TextCursor cursor_;
  Header header_;
  bool has_descr_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

// An array with at most one dimension above 1 lies the same in either order.
bool order_matters(const ArrayShape& shape) {
  return std::count_if(shape.dims.begin(), shape.dims.end(), [](auto size) { return size > 1; }) >
         1;
}

Result<Header> parse_header(std::string_view bytes, std::uint64_t origin) {
  Result<Header> header = HeaderParser(bytes, origin).run();
  if (!header.ok()) return header;
  AESWEEP_RETURN_IF_ERROR(check_array_shape(header->shape));
  if (header->fortran && order_matters(header->shape)) {
    return Status::input(
        "is in Fortran order, which is not read. Save it in C order: numpy.save('x.npy', "
        "numpy.ascontiguousarray(array))");
  }
  return header;
}

struct Layout {
  Header header;
  std::uint64_t offset = 0;  // Of the elements.
};

Result<Layout> read_layout(const InputFile& file) {
  std::array<std::byte, 12> start{};  // Magic, version, a length of two or four bytes.
  if (file.size() < start.size()) {
    return Status::input(text("has ", file.size(), " bytes; a .npy file has more"));
  }
  AESWEEP_RETURN_IF_ERROR(file.read_at(0, start));
  if (!std::equal(kMagic.begin(), kMagic.end(), start.begin(),
                  [](char a, std::byte b) { return static_cast<std::byte>(a) == b; })) {
    return Status::input("does not start with \\x93NUMPY; it is no .npy file");
  }
  const int major = std::to_integer<int>(start[6]);
  const int minor = std::to_integer<int>(start[7]);
  if (major < 1 || major > 3 || minor != 0) {
    return Status::input(text("is .npy version ", major, ".", minor, "; expected 1.0, 2.0 or 3.0"));
  }
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::uint64_t length = little_endian(std::span(start).subspan(8, length_bytes));
  const std::uint64_t origin = 8 + length_bytes;
  if (length > kNpyHeaderBytesMax || length > file.size() - origin) {
    return Status::input(text("declares a header of ", length, " bytes (byte 8); at most ",
                              std::min(kNpyHeaderBytesMax, file.size() - origin), " are possible"));
  }
  std::string bytes(length, '\0');
  AESWEEP_RETURN_IF_ERROR(file.read_at(origin, std::as_writable_bytes(std::span(bytes))));
  Result<Header> header = parse_header(bytes, origin);
  if (!header.ok()) return header.status();
  const std::uint64_t expected = header->shape.bytes();
  const std::uint64_t found = file.size() - origin - length;
  if (found != expected) {
    return Status::input(text("has ", found, " bytes after its header, which declares ",
                              shape_text(header->shape), ", ", expected, " bytes: it is ",
                              found < expected ? "truncated" : "too long", ". Write it again"));
  }
  return Layout{std::move(header).value(), origin + length};
}

}  // namespace

Result<std::unique_ptr<ArrayFile>> open_npy(const std::string& path) {
  Result<InputFile> opened = InputFile::open(path);
  if (!opened.ok()) return opened.status();
  const auto file = std::make_shared<const InputFile>(std::move(opened).value());
  Result<Layout> layout = read_layout(*file);
  if (!layout.ok()) return layout.status().in(path);
  return std::unique_ptr<ArrayFile>(std::make_unique<PlainArray>(PlainArraySpec{
      file, layout->offset, std::move(layout->header.shape), layout->header.swapped, path}));
}

std::string npy_header(const ArrayShape& shape) {
  AESWEEP_CHECK(check_array_shape(shape).ok(), "npy_header of a shape that no file may have");
  const auto entry = std::find_if(std::begin(kTypeCodes), std::end(kTypeCodes),
                                  [&](const TypeCode& code) { return code.type == shape.type; });
  AESWEEP_CHECK(entry != std::end(kTypeCodes), "npy_header of a type that NumPy does not have");
  std::string dims;
  for (const std::int64_t size : shape.dims) dims += text(dims.empty() ? "" : ", ", size);
  if (shape.dims.size() == 1) dims += ',';
  std::string literal = text("{'descr': '", array_type_bytes(shape.type) == 1 ? '|' : '<',
                             entry->code, "', 'fortran_order': False, 'shape': (", dims, "), }");
  const std::size_t before = kMagic.size() + 4;
  const std::size_t used = (before + literal.size() + 1) % kHeaderAlignment;
  literal.append(used == 0 ? 0 : kHeaderAlignment - used, ' ');
  literal += '\n';
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(literal.size() & 0xff),
             static_cast<char>(literal.size() >> 8)};
  return header + literal;
}

std::string npy_bytes(const ArrayShape& shape, std::span<const std::byte> data) {
  AESWEEP_CHECK(data.size() == shape.bytes(), "npy_bytes of other than its shape's bytes");
  std::string bytes = npy_header(shape);
  bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
  return bytes;
}

Result<std::vector<NpyFolderEntry>> list_npy_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<NpyFolderEntry> entries;
  std::size_t seen = 0;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (++seen > kFolderEntriesMax) {
      return Status::input(text(folder, ": holds more than ", kFolderEntriesMax,
                                " files; expected .npy files alone"));
    }
    // Layers hold tensors and nothing deeper. A link to a folder is not followed.
    if (entry.depth() > 0) entry.disable_recursion_pending();
    if (entry->path().extension() != ".npy") continue;
    const std::string name = entry->path().lexically_relative(folder).replace_extension().string();
    entries.push_back({name, entry->path().string()});
  }
  if (error) return Status::input(text(folder, ": cannot list: ", error.message()));
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

}  // namespace aesweep
