// Files of codes: what `aesweep encode` writes and `aesweep search` reads.
//
//   .npy    real codes f4 or f8 [sample, unit], or bits u1 [sample, ceil(bits / 8)]
//   .h5     codes [sample, unit], or packed u1 [sample, ceil(bits / 8)] and bits; where they are
//           known, labels i4 [sample]; attributes format, format_version, run, trial, key,
//           binarization
//   .faiss  bits as an IndexBinaryFlat of faiss (faiss.read_index_binary); of a multiple of 8
//
// Bit j of a code is bit j % 8, counted from the lowest, of byte j / 8. A .npy file does not say
// how many bits of its last byte count: it is read as having all eight, the further ones 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/codes/packed_codes.hpp"
#include "core/model/named_tensor.hpp"

namespace aesweep {

// Where codes come from; all empty, and -1, where a file does not say.
struct CodesOrigin {
  std::string run;  // Name of the experiment.
  std::int64_t trial = -1;
  std::string key;           // Of the trial.
  std::string binarization;  // "none", "zero", ...
};

struct StoredCodes {
  std::optional<PackedCodes> packed;  // Either these,
  NamedTensor real;                   // or these: [sample, unit]; no shape where there are none.
  std::vector<std::int32_t> labels;   // Empty: not known.
  CodesOrigin origin;
};

enum class CodeFormat { kNpy, kH5, kFaiss };

// By the ending of `path`; an input fault for any other, and for what the format does not hold.
[[nodiscard]] Result<CodeFormat> code_format(const std::string& path);

// Replaces the file, durably. Equal codes give equal bytes.
[[nodiscard]] Status write_codes(const std::string& path, const StoredCodes& codes);

// The file is known by its first bytes and not trusted; whatever is wrong with it is an input
// fault. Of .h5 files the trial's number is not read.
[[nodiscard]] Result<StoredCodes> read_codes(const std::string& path);

// [rows, ceil(bits / 8)], and back; `bytes` has rows * ceil(bits / 8) of them. An input fault where
// a bit above `bits` is set.
[[nodiscard]] std::vector<std::byte> packed_bytes(const PackedCodes& codes);
[[nodiscard]] Result<PackedCodes> unpacked_codes(std::span<const std::byte> bytes,
                                                 std::int64_t rows, int bits);

}  // namespace aesweep
