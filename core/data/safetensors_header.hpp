// The header of a safetensors file: a JSON object of tensors by name.
//
//   {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
//    "__metadata__": {"KEY": "VALUE", ...}}
//
// https://github.com/huggingface/safetensors (README, "Format", and the checks of tensor.rs), read
// strictly: each key once, UTF-8, no further fields, numbers in plain decimal, names without
// control characters. The parser has the grammar's depth and no recursion.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/array.hpp"

namespace aesweep {

inline constexpr std::uint64_t kSafetensorsHeaderBytesMax = std::uint64_t{16} << 20;
inline constexpr std::size_t kSafetensorsEntriesMax = 100'000;  // Of tensors; of metadata.
inline constexpr std::size_t kSafetensorsNameBytesMax = 4096;
inline constexpr std::string_view kSafetensorsMetadata = "__metadata__";

struct SafetensorsTensor {
  std::string name;
  std::string dtype;               // As the file says it: "F32", "U16", ...
  std::optional<ArrayType> type;   // Of those that are read; the others only take up space.
  std::vector<std::int64_t> dims;  // 0 is possible.
  std::uint64_t begin = 0;         // From the first byte after the header.
  std::uint64_t bytes = 0;
};

// The tensors in the order of their bytes. Checks each tensor's bytes against its shape, and that
// together they fill [0, data_bytes) without holes or overlaps. `origin` is where the header begins
// in its file, for messages.
[[nodiscard]] Result<std::vector<SafetensorsTensor>> parse_safetensors_header(
    std::string_view header, std::uint64_t origin, std::uint64_t data_bytes);

// Whether a file may have tensors of these names: each once, as names of tensors are read.
[[nodiscard]] Status check_safetensors_names(std::vector<std::string> names);

// "F32", ...
[[nodiscard]] std::string_view safetensors_dtype(ArrayType type);

// The JSON text for these tensors (name, dtype, dims, begin, bytes), in this order. Names are
// checked.
[[nodiscard]] std::string safetensors_header_text(std::span<const SafetensorsTensor> tensors);

// Whether the text is UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace aesweep
