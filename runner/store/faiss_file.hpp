// The file of faiss's IndexBinaryFlat (faiss/impl/index_write.cpp): codes that
// faiss.read_index_binary reads.
//
// Layout, little-endian, without padding: "IBxF"; bits (i4), bytes per code = bits / 8 (i4), codes
// (i8), is_trained = 1 (u1), metric = 1 (i4), bytes of all codes (u8); the codes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/status.hpp"
#include "core/codes/packed_codes.hpp"

namespace aesweep {

// An input fault where the bits are not a multiple of 8.
[[nodiscard]] Result<std::vector<std::byte>> faiss_bytes(const PackedCodes& codes);

// The file is not trusted: sizes must agree with each other and with the file's to the byte.
[[nodiscard]] Result<PackedCodes> read_faiss(const InputFile& file);

}  // namespace aesweep
