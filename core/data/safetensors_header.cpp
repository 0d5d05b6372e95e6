#include "core/data/safetensors_header.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/checked.hpp"
#include "core/base/text.hpp"
#include "core/data/text_cursor.hpp"

namespace aesweep {
namespace {

constexpr std::uint64_t kNumberMax = std::numeric_limits<std::uint64_t>::max();

struct Dtype {
  std::string_view name;
  std::uint64_t bits;
  std::optional<ArrayType> type;
};
constexpr Dtype kDtypes[] = {
    {"BOOL", 8, ArrayType::kBool}, {"U8", 8, ArrayType::kU8},      {"I8", 8, ArrayType::kI8},
    {"I16", 16, ArrayType::kI16},  {"I32", 32, ArrayType::kI32},   {"I64", 64, ArrayType::kI64},
    {"F16", 16, ArrayType::kF16},  {"BF16", 16, ArrayType::kBf16}, {"F32", 32, ArrayType::kF32},
    {"F64", 64, ArrayType::kF64},  {"U16", 16, std::nullopt},      {"U32", 32, std::nullopt},
    {"U64", 64, std::nullopt},     {"C64", 64, std::nullopt},      {"F8_E5M2", 8, std::nullopt},
    {"F8_E4M3", 8, std::nullopt},  {"F8_E8M0", 8, std::nullopt},   {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt},  {"F4", 4, std::nullopt},
};

const Dtype* find_dtype(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                         [&](const Dtype& dtype) { return dtype.name == name; });
  return found == std::end(kDtypes) ? nullptr : found;
}

void append_utf8(std::uint32_t code, std::string* out) {
  const auto tail = [&](int shift) { *out += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    *out += static_cast<char>(code);
  } else if (code < 0x800) {
    *out += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    *out += static_cast<char>(0xe0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    *out += static_cast<char>(0xf0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

// Four hexadecimal digits.
Result<std::uint32_t> parse_hex(TextCursor* cursor) {
  std::uint32_t code = 0;
  for (int i = 0; i < 4; ++i, cursor->advance()) {
    const char c = cursor->peek();
    const bool digit = c >= '0' && c <= '9';
    const bool lower = c >= 'a' && c <= 'f';
    const bool upper = c >= 'A' && c <= 'F';
    if (!digit && !lower && !upper) return cursor->unexpected("four hexadecimal digits after \\u");
    code = code << 4 | static_cast<std::uint32_t>(digit ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return code;
}

// What follows \u: one code point, of one escape or of a pair of surrogates.
Status parse_code_point(TextCursor* cursor, std::string* out) {
  const Result<std::uint32_t> first = parse_hex(cursor);
  if (!first.ok()) return first.status();
  std::uint32_t code = first.value();
  if (code >= 0xd800 && code < 0xdc00 && cursor->peek() == '\\') {
    cursor->advance();
    if (cursor->peek() != 'u') return cursor->unexpected("the second half of a surrogate pair");
    cursor->advance();
    const Result<std::uint32_t> second = parse_hex(cursor);
    if (!second.ok()) return second.status();
    if (second.value() < 0xdc00 || second.value() > 0xdfff) {
      return cursor->unexpected("the second half of a surrogate pair");
    }
    code = 0x10000 + ((code - 0xd800) << 10) + (second.value() - 0xdc00);
  }
  if (code >= 0xd800 && code <= 0xdfff) return cursor->unexpected("a whole surrogate pair");
  append_utf8(code, out);
  return {};
}

Status parse_escape(TextCursor* cursor, std::string* out) {
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char c = cursor->peek();
  if (c == 'u') {
    cursor->advance();
    return parse_code_point(cursor, out);
  }
  const std::size_t which = kEscapes.find(c);
  if (which == std::string_view::npos) return cursor->unexpected("an escape of JSON");
  *out += kMeanings[which];
  cursor->advance();
  return {};
}

Result<std::string> parse_string(TextCursor* cursor, const char* what) {
  cursor->skip_spaces();
  if (cursor->peek() != '"') return cursor->unexpected(what);
  cursor->advance();
  std::string out;
  while (cursor->peek() != '"') {
    const char c = cursor->peek();
    if (static_cast<unsigned char>(c) < 0x20) return cursor->unexpected("the end of a string");
    cursor->advance();
    if (c == '\\') {
      AESWEEP_RETURN_IF_ERROR(parse_escape(cursor, &out));
    } else {
      out += c;
    }
  }
  cursor->advance();
  return out;
}

// The members of an object whose '{' comes next: calls member(key) after each "key":.
template <class Member>
Status parse_object(TextCursor* cursor, const char* what, const Member& member) {
  AESWEEP_RETURN_IF_ERROR(cursor->expect('{', what));
  if (cursor->accept('}')) return {};
  do {
    Result<std::string> key = parse_string(cursor, "a key in quotes");
    if (!key.ok()) return key.status();
    AESWEEP_RETURN_IF_ERROR(cursor->expect(':', "after a key"));
    AESWEEP_RETURN_IF_ERROR(member(std::move(key).value()));
  } while (cursor->accept(','));
  return cursor->expect('}', "or ',' after a value");
}

// An array of numbers whose '[' comes next.
Status parse_numbers(TextCursor* cursor, const char* what, std::size_t count_max,
                     std::vector<std::uint64_t>* out) {
  AESWEEP_RETURN_IF_ERROR(cursor->expect('[', what));
  if (cursor->accept(']')) return {};
  do {
    if (out->size() == count_max) {
      return cursor->unexpected(text("no more than ", count_max, " numbers in ", what));
    }
    const Result<std::uint64_t> number = cursor->number(kNumberMax, what);
    if (!number.ok()) return number.status();
    out->push_back(number.value());
  } while (cursor->accept(','));
  return cursor->expect(']', "or ',' after a number");
}

// A tensor's object as it stands.
struct Description {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> offsets;
  bool has_dtype = false;
  bool has_shape = false;
  bool has_offsets = false;
};

Result<Description> parse_description(TextCursor* cursor) {
  Description description;
  const auto member = [&](const std::string& key) -> Status {
    bool* const seen = key == "dtype"          ? &description.has_dtype
                       : key == "shape"        ? &description.has_shape
                       : key == "data_offsets" ? &description.has_offsets
                                               : nullptr;
    if (seen == nullptr) {
      return Status::input(
          text("unknown field ", quoted(key), "; expected dtype, shape and data_offsets"));
    }
    if (std::exchange(*seen, true)) return Status::input(text("has its ", key, " twice"));
    if (seen == &description.has_shape) {
      return parse_numbers(cursor, "a shape", kArrayDimensionsMax, &description.shape);
    }
    if (seen == &description.has_offsets) {
      return parse_numbers(cursor, "data_offsets", 2, &description.offsets);
    }
    Result<std::string> dtype = parse_string(cursor, "a dtype in quotes");
    if (!dtype.ok()) return dtype.status();
    description.dtype = std::move(dtype).value();
    return {};
  };
  AESWEEP_RETURN_IF_ERROR(parse_object(cursor, "before a tensor's fields", member));
  if (!description.has_dtype) return Status::input("has no dtype");
  if (!description.has_shape) return Status::input("has no shape");
  if (description.offsets.size() != 2) return Status::input("has no two data_offsets");
  return description;
}

// Checks what can be checked of one tensor alone.
Status check_description(const Description& description, SafetensorsTensor* tensor) {
  const Dtype* const dtype = find_dtype(description.dtype);
  if (dtype == nullptr) {
    return Status::input(text("unknown dtype ", quoted(description.dtype)));
  }
  tensor->dtype = dtype->name;
  tensor->type = dtype->type;
  std::optional<std::uint64_t> bits = dtype->bits;
  for (const std::uint64_t size : description.shape) {
    if (size > static_cast<std::uint64_t>(kArrayDimensionMax)) {
      return Status::input(text("a dimension is ", size, "; at most ", kArrayDimensionMax));
    }
    tensor->dims.push_back(static_cast<std::int64_t>(size));
    if (bits) bits = checked_multiply(*bits, size);
  }
  if (!bits) return Status::input("its shape declares more than 2^64 bits");
  if (*bits % 8 != 0) return Status::input(text("its shape declares ", *bits, " bits, no bytes"));
  const std::uint64_t begin = description.offsets[0];
  const std::uint64_t end = description.offsets[1];
  if (begin > end || end - begin != *bits / 8) {
    return Status::input(text("data_offsets [", begin, ", ", end, "] do not hold the ", *bits / 8,
                              " bytes that its shape declares"));
  }
  tensor->begin = begin;
  tensor->bytes = end - begin;
  return {};
}

Status check_name(const std::string& name) {
  const bool control = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (name.empty() || control || name.size() > kSafetensorsNameBytesMax) {
    return Status::input(text("the tensor's name ", quoted(name), " is empty, longer than ",
                              kSafetensorsNameBytesMax, " bytes or has control characters"));
  }
  return {};
}

Status check_unique(std::vector<std::string> keys, const char* what) {
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice == keys.end()) return {};
  return Status::input(text(what, " ", quoted(*twice), " is there twice"));
}

// Strings by name, which nothing here uses.
Status parse_metadata(TextCursor* cursor) {
  std::vector<std::string> keys;
  const auto member = [&](std::string key) -> Status {
    if (keys.size() == kSafetensorsEntriesMax) {
      return Status::input(text("has more than ", kSafetensorsEntriesMax, " entries"));
    }
    keys.push_back(std::move(key));
    const Result<std::string> value = parse_string(cursor, "a string in quotes");
    return value.ok() ? Status() : value.status();
  };
  AESWEEP_RETURN_IF_ERROR(parse_object(cursor, "before the metadata", member));
  return check_unique(std::move(keys), "the key");
}

Status parse_tensor(TextCursor* cursor, SafetensorsTensor* tensor) {
  AESWEEP_RETURN_IF_ERROR(check_name(tensor->name));
  const Result<Description> description = parse_description(cursor);
  const Status status =
      description.ok() ? check_description(description.value(), tensor) : description.status();
  return status.in("tensor " + quoted(tensor->name));
}

Result<std::vector<SafetensorsTensor>> parse_tensors(TextCursor* cursor) {
  std::vector<SafetensorsTensor> tensors;
  bool has_metadata = false;
  const auto member = [&](std::string key) -> Status {
    if (key == kSafetensorsMetadata) {
      if (std::exchange(has_metadata, true)) {
        return Status::input(text(kSafetensorsMetadata, " is there twice"));
      }
      return parse_metadata(cursor).in(std::string(kSafetensorsMetadata));
    }
    if (tensors.size() == kSafetensorsEntriesMax) {
      return Status::input(text("has more than ", kSafetensorsEntriesMax, " tensors"));
    }
    tensors.emplace_back().name = std::move(key);
    return parse_tensor(cursor, &tensors.back());
  };
  AESWEEP_RETURN_IF_ERROR(parse_object(cursor, "at the start of the header", member));
  cursor->skip_spaces();
  if (!cursor->at_end()) return cursor->unexpected("nothing more after the header's '}'");
  return tensors;
}

// In the order of their bytes, each begins where the one before ends.
Status check_contiguous(const std::vector<SafetensorsTensor>& tensors, std::uint64_t data_bytes) {
  std::uint64_t at = 0;
  for (const SafetensorsTensor& tensor : tensors) {
    if (tensor.begin != at) {
      return Status::input(text("tensor ", quoted(tensor.name), " begins at ", tensor.begin,
                                " of the data where ", at,
                                " was expected: tensors overlap or leave a hole"));
    }
    at += tensor.bytes;  // Ends at data_offsets[1], which is no overflow.
  }
  if (at == data_bytes) return {};
  return Status::input(text("has ", data_bytes, " bytes after its header, which declares ", at,
                            ": it is ", data_bytes < at ? "truncated" : "too long",
                            ". Write it again"));
}

void append_json_string(std::string_view name, std::string* out) {
  constexpr const char* kDigits = "0123456789abcdef";
  *out += '"';
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      *out += "\\u00";
      *out += kDigits[byte >> 4];
      *out += kDigits[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') *out += '\\';
    *out += c;
  }
  *out += '"';
}

// Length of the UTF-8 sequence at text[0], 0 if it is none (RFC 3629, section 4).
std::size_t utf8_sequence_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t count = lead < 0xc2   ? 0
                            : lead < 0xe0 ? 2
                            : lead < 0xf0 ? 3
                            : lead < 0xf5 ? 4
                                          : 0;
  for (std::size_t i = 1; i < count; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool beyond = (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf4 && byte(1) > 0x8f);
  return overlong || beyond ? 0 : count;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t count = utf8_sequence_bytes(text);
    if (count == 0) return false;
    text.remove_prefix(count);
  }
  return true;
}

Status check_safetensors_names(std::vector<std::string> names) {
  for (const std::string& name : names) {
    AESWEEP_RETURN_IF_ERROR(check_name(name));
    if (!is_utf8(name) || name == kSafetensorsMetadata) {
      return Status::input(text("a tensor cannot have the name ", quoted(name)));
    }
  }
  return check_unique(std::move(names), "the tensor");
}

Result<std::vector<SafetensorsTensor>> parse_safetensors_header(std::string_view header,
                                                                std::uint64_t origin,
                                                                std::uint64_t data_bytes) {
  if (!is_utf8(header)) return Status::input("its header is not UTF-8");
  TextCursor cursor(header, origin);
  Result<std::vector<SafetensorsTensor>> tensors = parse_tensors(&cursor);
  if (!tensors.ok()) return tensors;
  std::vector<std::string> names;
  for (const SafetensorsTensor& tensor : tensors.value()) names.push_back(tensor.name);
  AESWEEP_RETURN_IF_ERROR(check_unique(std::move(names), "the tensor"));
  std::sort(tensors->begin(), tensors->end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.bytes, a.name) < std::tie(b.begin, b.bytes, b.name);
  });
  AESWEEP_RETURN_IF_ERROR(check_contiguous(tensors.value(), data_bytes));
  return tensors;
}

std::string_view safetensors_dtype(ArrayType type) {
  const auto* const found = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                         [&](const Dtype& dtype) { return dtype.type == type; });
  AESWEEP_CHECK(found != std::end(kDtypes), "a type without a safetensors dtype");
  return found->name;
}

std::string safetensors_header_text(std::span<const SafetensorsTensor> tensors) {
  std::string header = "{";
  for (const SafetensorsTensor& tensor : tensors) {
    if (header.size() > 1) header += ',';
    append_json_string(tensor.name, &header);
    std::string dims;
    for (const std::int64_t size : tensor.dims) dims += text(dims.empty() ? "" : ",", size);
    header += text(":{\"dtype\":\"", tensor.dtype, "\",\"shape\":[", dims, "],\"data_offsets\":[",
                   tensor.begin, ",", tensor.begin + tensor.bytes, "]}");
  }
  return header + "}";
}

}  // namespace aesweep
