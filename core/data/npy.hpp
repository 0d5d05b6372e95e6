// npy: NumPy's format for one array (numpy.lib.format), versions 1.0 to 3.0.
//
// Layout: \x93NUMPY, version as two bytes, the header's length (little-endian; two bytes in version
// 1.0, else four), the header: a Python literal {'descr': '<f4', 'fortran_order': False, 'shape':
// (3, 4)}; then the elements and nothing else. The file is not trusted: nothing of it is evaluated,
// the header's length is checked before it is read, and sizes must agree with the file's length to
// the byte. Objects (pickle), structures, text and Fortran order are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/array.hpp"

namespace aesweep {

inline constexpr std::uint64_t kNpyHeaderBytesMax = 10'000;  // NumPy's own limit.

[[nodiscard]] Result<std::unique_ptr<ArrayFile>> open_npy(const std::string& path);

// What comes before the elements: a file is these bytes, then shape.bytes() bytes in row-major
// order. Version 1.0, a multiple of 64 bytes. Not for kBf16, which NumPy does not have.
[[nodiscard]] std::string npy_header(const ArrayShape& shape);

// A whole file. data.size() == shape.bytes().
[[nodiscard]] std::string npy_bytes(const ArrayShape& shape, std::span<const std::byte> data);

// The .npy files of a folder and of the folders in it, with their paths from there as names:
// "bias" for bias.npy, "code/weights" for code/weights.npy. Sorted by name.
struct NpyFolderEntry {
  std::string name;
  std::string path;
};
inline constexpr std::size_t kFolderEntriesMax = 100'000;
[[nodiscard]] Result<std::vector<NpyFolderEntry>> list_npy_folder(const std::string& folder);

}  // namespace aesweep
