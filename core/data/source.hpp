// Data sources: where a Dataset's bytes come from. A source is inspected first (cheap: headers and
// sizes only), then loaded into a block that the caller provides, once per node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"

namespace aesweep {

// Sparse non-negative combinations of a known random dictionary: x = sum_k c_k d_k + noise.
// d_k: unit vectors in R^cols, normalised Gaussian. c_k: non-zero with probability
// active_mean / atoms, then uniform in [amplitude_min, amplitude_max).
struct SuperpositionSpec {
  std::int64_t train_rows = 8192;
  std::int64_t test_rows = 2048;
  std::int64_t cols = 64;
  std::int64_t atoms = 64;
  double active_mean = 4.0;
  double amplitude_min = 0.5;
  double amplitude_max = 1.5;
  double noise = 0.0;  // Standard deviation of Gaussian noise per value.
  std::uint64_t seed = 0;
};

struct DataSpec {
  enum class Source { kIdx, kSuperposition };
  Source source = Source::kSuperposition;
  std::string path;  // idx: folder with the four published file names, .gz or plain. Resolved.
  std::int64_t limit = 0;  // Keep the first `limit` samples of each split; 0 keeps all.
  SuperpositionSpec superposition;
};

// Sizes and offsets of a loaded block. Trivially copyable, so that a node's leader can tell the
// other ranks by bytes.
struct DatasetLayout {
  struct Part {
    Element element;
    std::int64_t rows;
    std::int64_t cols;
    double scale;
    std::uint64_t samples_offset;
    std::uint64_t labels_offset;
    bool has_labels;
  };
  Part train;
  Part test;
  std::int64_t atoms;  // 0: no dictionary.
  std::uint64_t atoms_offset;
  std::uint64_t facts_offset;  // Variations and fingerprint, written by load.
  std::uint64_t bytes;         // Of the whole block; 64-byte aligned parts.
};

// Reads sizes. Fails on missing, truncated or oversized files and on labels that do not match.
[[nodiscard]] Result<DatasetLayout> inspect(const DataSpec& spec);

// Fills `block` (layout.bytes, zeroed, 64-byte aligned), facts included.
[[nodiscard]] Status load(const DataSpec& spec, const DatasetLayout& layout,
                          std::span<std::byte> block);

// The data set in a loaded block.
[[nodiscard]] Dataset view(const DatasetLayout& layout, std::span<const std::byte> block);

}  // namespace aesweep
