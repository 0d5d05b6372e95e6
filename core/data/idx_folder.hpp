// A folder with the four published MNIST file names, each plain or with .gz, as two splits.
//
//   train-images-idx3-ubyte   train-labels-idx1-ubyte   t10k-images-idx3-ubyte   t10k-labels-...
//
// Images have two to four dimensions, the first of which counts samples; the others are flattened.
// They are u8 (values 0 to 1, scale 1/255), f32 or f64 (scale 1). Labels have one dimension and an
// integer type, and are at least 0. Where a file is there both plain and as .gz, the plain one is
// taken. Faults name the file and, where it helps, the sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"

namespace aesweep {

enum class IdxSplit { kTrain, kTest };

struct IdxSplitShape {
  Element element = Element::kU8;
  std::int64_t rows = 0;  // After `limit`.
  std::int64_t cols = 0;
  double scale = 1.0;
  bool operator==(const IdxSplitShape&) const = default;
};

// Reads headers and compares sizes; limit 0 keeps all samples.
[[nodiscard]] Result<IdxSplitShape> inspect_idx_split(const std::string& folder, IdxSplit split,
                                                      std::int64_t limit);

// Reads the first shape.rows samples and labels. Checks again what inspect checked; the
// memory has exactly the size that `shape` says.
[[nodiscard]] Status load_idx_split(const std::string& folder, IdxSplit split,
                                    const IdxSplitShape& shape, std::span<std::byte> samples,
                                    std::span<std::int32_t> labels);

}  // namespace aesweep
