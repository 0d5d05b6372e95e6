// Arrays in files: what every reader of a format gives, whatever the format.
//
// Files are not trusted. A reader checks sizes against each other, against the limits of its format
// and against the file before memory is taken; every message starts with the path. How much of an
// array may be held in memory is for whoever reads it to say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.hpp"

namespace aesweep {

inline constexpr std::size_t kArrayDimensionsMax = 8;
inline constexpr std::int64_t kArrayDimensionMax = std::int64_t{1} << 48;

enum class ArrayType : std::uint8_t {
  kBool,  // One byte, 0 or 1.
  kU8,
  kI8,
  kI16,
  kI32,
  kI64,
  kF16,
  kBf16,
  kF32,
  kF64
};

[[nodiscard]] std::size_t array_type_bytes(ArrayType type);
[[nodiscard]] std::string_view array_type_name(ArrayType type);  // "u8", ...

// Row-major; dims are at least 1 and their product times the element size fits in 63 bits. No dims:
// a single number.
struct ArrayShape {
  ArrayType type = ArrayType::kU8;
  std::vector<std::int64_t> dims;

  [[nodiscard]] std::uint64_t element_count() const;
  [[nodiscard]] std::uint64_t bytes() const;
  bool operator==(const ArrayShape&) const = default;
};

// The shape with its sizes checked: at most kArrayDimensionsMax dims, each in [1,
// kArrayDimensionMax], and a product as above; else an input fault.
[[nodiscard]] Status check_array_shape(const ArrayShape& shape);

// Stops on a bug of the caller: read() of other than whole elements that are there.
void check_array_range(const ArrayShape& shape, std::uint64_t first, std::size_t out_bytes);

// "f32 [60000, 784]", for messages.
[[nodiscard]] std::string shape_text(const ArrayShape& shape);

// Where an array's bytes lie as they are in memory: one piece, this machine's byte order, not
// compressed, of a type whose every bit pattern is a value (not kBool).
struct RawBytes {
  std::string path;
  std::uint64_t offset = 0;
};

class ArrayFile {
 public:
  virtual ~ArrayFile() = default;
  [[nodiscard]] virtual const ArrayShape& shape() const = 0;
  [[nodiscard]] virtual const std::string& name() const = 0;  // Path, or path#dataset.
  // Elements [first, first + out.size() / element size), in this machine's byte order; whole
  // elements that are there. From any thread. A compressed file is read from its start.
  [[nodiscard]] virtual Status read(std::uint64_t first, std::span<std::byte> out) const = 0;
  [[nodiscard]] virtual std::optional<RawBytes> raw() const { return std::nullopt; }
};

// FILE or FILE#NAME. The last # counts, and only if FILE#NAME is not itself a file.
struct ArrayRef {
  std::string path;
  std::string dataset;  // Empty: the file's only array.
};
[[nodiscard]] ArrayRef parse_array_ref(const std::string& text);

using ArrayOpener = std::function<Result<std::unique_ptr<ArrayFile>>(const ArrayRef&)>;

// Opens IDX, .npy and safetensors files, known by their first bytes. HDF5, whose library core does
// not know, is left to `open_hdf5`; without one it is refused.
[[nodiscard]] Result<std::unique_ptr<ArrayFile>> open_array(const ArrayRef& ref,
                                                            const ArrayOpener& open_hdf5 = {});

}  // namespace aesweep
