// DataSet: a data set of a foreign HDF5 file, examined before any of it is read.
//
// For the process of reader_process.hpp alone: libhdf5 may crash on any of this. Refused are data
// in other files (external storage, virtual data sets), filters other than deflate, shuffle and
// fletcher32, chunks that libhdf5 would need too much memory for, and types without a place in
// ArrayType. Every message leaves out the file's name, which the parent adds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/status.hpp"
#include "runner/hdf5_reader/element_type.hpp"
#include "runner/hdf5_reader/hdf5_id.hpp"
#include "runner/hdf5_reader/reply.hpp"

namespace aesweep {

inline constexpr std::uint64_t kChunkBytesMax = std::uint64_t{64} << 20;
// Of decompressed chunks that are kept: chunks that a block of rows cuts are there for the next.
inline constexpr std::size_t kChunkCacheBytes = std::size_t{256} << 20;

// libhdf5 prints nothing and loads no filters from now on.
[[nodiscard]] Status quiet_hdf5();

class DataSet {
 public:
  [[nodiscard]] static Result<DataSet> open(const std::string& file, const std::string& dataset);

  [[nodiscard]] const StoredArray& array() const { return array_; }
  // Elements from `first` on, as ArrayFile::read; at most kBlockBytesMax.
  [[nodiscard]] Status read(std::uint64_t first, std::span<std::byte> out) const;

 private:
  Hdf5Id file_;
  Hdf5Id set_;
  Hdf5Id space_;
  ElementType type_;
  StoredArray array_;
};

}  // namespace aesweep
