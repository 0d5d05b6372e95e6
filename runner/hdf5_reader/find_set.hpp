// Finding a data set in a foreign file: hard links only, so that nothing leads out of it.
//
// In the process of reader_process.hpp alone.
#pragma once

#include <string>

#include "core/base/status.hpp"
#include "runner/hdf5_reader/hdf5_id.hpp"

namespace aesweep {

inline constexpr int kDepthMax = 32;
inline constexpr int kObjectsMax = 10'000;  // That are looked at for the names of data sets.
inline constexpr int kNamesShown = 8;

// Opens the data set of this path ("a/b", "/a/b"). Empty: the file's only one. One that is not
// there is an input fault that lists some which are.
[[nodiscard]] Result<Hdf5Id> find_data_set(hid_t file, const std::string& path);

}  // namespace aesweep
