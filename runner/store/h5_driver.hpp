// The libhdf5 file driver over a ByteSink. Used by h5.cpp only.
//
// It exists for three reasons: libhdf5 must not see a failed write (byte_sink.hpp); a file in
// memory and a file on disk then come from the same code and have the same bytes, which the
// library's own two drivers do not give; and writing goes to a descriptor opened with O_EXCL, with
// no file lock involved.
#pragma once

#include <cstdint>

#include "runner/store/byte_sink.hpp"

namespace aesweep::h5 {

// Sets the driver on the file access list `access`. The sink must outlive every file made with it.
// False if libhdf5 refuses, with the reason on its error stack.
[[nodiscard]] bool set_sink_driver(std::int64_t access, ByteSink& sink);

}  // namespace aesweep::h5
