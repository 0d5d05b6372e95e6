// Serving: the whole life of the process that reads a foreign HDF5 file.
#pragma once

namespace aesweep {

// Whether these are the arguments of a reader: PROGRAM hdf5-read PATH DATASET, started by another
// process of this program.
[[nodiscard]] bool is_reader_call(int argc, const char* const* argv);

// Answers questions from stdin on stdout (reply.hpp) until stdin ends. Call it first in main:
// before threads, handlers and files. Its value is the process's status.
[[nodiscard]] int serve_hdf5_reads(const char* const* argv);

}  // namespace aesweep
