// The types of elements: which of HDF5's are read, and as what.
#pragma once

#include "core/base/status.hpp"
#include "core/data/array.hpp"
#include "runner/hdf5_reader/hdf5_id.hpp"

namespace aesweep {

struct ElementType {
  ArrayType type = ArrayType::kU8;
  Hdf5Id memory;           // The same in this machine's byte order.
  bool as_stored = false;  // Its bytes in the file are those in memory.
};

// Whole numbers and IEEE reals of ArrayType in either byte order, and enumerations FALSE = 0, TRUE
// = 1 of one byte, h5py's booleans. Others are refused by name.
[[nodiscard]] Result<ElementType> element_type(hid_t stored);

}  // namespace aesweep
