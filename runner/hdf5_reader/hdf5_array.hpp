// Hdf5 arrays: a data set, by its path, in an HDF5 file that nobody vouches for.
//
// libhdf5 crashes on damaged files, so it is never called on one here, but in a process of its own
// (reader_process.hpp); what comes from there is checked like any file. Data sets are numbers of
// the types of ArrayType (booleans as h5py writes them), contiguous, compact or in chunks of at
// most 64 MiB, with deflate, shuffle and fletcher32 or without; in this file and under hard links
// alone.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/status.hpp"
#include "core/data/array.hpp"
#include "runner/hdf5_reader/reader_process.hpp"

namespace aesweep {

// The bytes that deflate makes of one, at most (zlib's documentation: 1032:1).
inline constexpr std::uint64_t kHdf5ExpansionMax = 1032;

// An ArrayOpener. A data set that lies in one piece, in this machine's byte order, is read without
// libhdf5 and has raw(); others are read by a process that lives as long as the array. Without a
// name the file's only data set is meant; a wrong name is answered with those that are there.
[[nodiscard]] Result<std::unique_ptr<ArrayFile>> open_hdf5_array(const ArrayRef& ref,
                                                                 const ReaderProgram& program = {});

}  // namespace aesweep
