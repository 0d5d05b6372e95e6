// A checkpoint's file: a running trial's state at a step boundary, whole tensors in a fixed order.
// Equal records have equal bytes, whatever the number of ranks; no time, host or rank in it. The
// layout is private to the store (checkpoint_file.cpp); it is HDF5, so that it can be looked into.
//
// Its checksum is in the journal: a reader compares the bytes before libhdf5 sees them.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.hpp"
#include "core/train/trial_state.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/image_file.hpp"

namespace aesweep {

struct CheckpointRecord {
  std::int64_t number = 0;
  std::string key;
  std::string numeric_fingerprint;  // Under which it was computed.
  TrialState state;
};

// Creates the file durably (durable_write.hpp, kCreate): through an image in memory, or, where that
// would be larger than image_bytes_max, by writing to the temporary file. Any thread.
[[nodiscard]] Result<FileFacts> write_checkpoint(const std::string& path,
                                                 const CheckpointRecord& record,
                                                 std::uint64_t image_bytes_max = kImageBytesMax);

// Reads it back. Bytes other than those expected, and a layout that is not ours, are faults of the
// world that name the file.
[[nodiscard]] Result<CheckpointRecord> read_checkpoint(
    const std::string& path, const FileFacts& expected,
    std::uint64_t image_bytes_max = kImageBytesMax);

}  // namespace aesweep
