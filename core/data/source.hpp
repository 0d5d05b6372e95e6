// Data sources: where a Dataset's bytes come from. A source is inspected first (cheap: headers and
// sizes only), then loaded into a block that the caller provides, once per node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/base/file.hpp"
#include "core/base/status.hpp"
#include "core/data/array.hpp"
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

// Which rows of the given samples a split takes: a fraction of them, or rows [first, last).
struct SplitPart {
  bool by_index = false;
  double fraction = 0.0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

// How given samples are cut into splits. By fraction, the parts follow each other in the order
// train, validation, test; round(fraction * rows) rows each, the last at most what is left. `train`
// without a value takes the rest. Rows may be left over.
struct SplitSpec {
  std::optional<SplitPart> train;
  std::optional<SplitPart> validation;
  std::optional<SplitPart> test;  // Not where the source has a test set of its own.
  bool random = false;            // Cuts a random order (seed) of the rows, not that of the file.
  std::uint64_t seed = 0;
};

// From stored numbers to values; statistics are those of the training split.
//   auto         unit for u8, else none
//   none         as stored
//   unit         [0, 1]: bytes / 255; other types (x - min) / (max - min), over all columns
//   symmetric    [-1, 1]: 2 unit - 1
//   center       unit for u8, else as stored; minus the column's mean
//   standardize  center, divided by the column's standard deviation over all rows (1 where it is 0)
// u8 is the only type of bytes; bool stands for 0 and 1 as it is.
enum class Scaling { kAuto, kNone, kUnit, kSymmetric, kCenter, kStandardize };

// Patches of rows x cols pixels, cut from images [n, height, width]: each patch's image and place
// are drawn independently of the others'. A split that the images are not cut into draws from those
// of the training split. rows 0: samples are taken whole.
struct PatchSpec {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t train_count = 10000;
  std::int64_t validation_count = 0;
  std::int64_t test_count = 1000;
  std::uint64_t seed = 0;
};

enum class Storage { kMemory, kStream };

struct DataSpec {
  enum class Source { kIdx, kSuperposition, kFiles };
  Source source = Source::kSuperposition;
  // idx: folder with the four published file names, .gz or plain. files: FILE or FILE#NAME, NAME a
  // tensor of a safetensors file or a data set of an HDF5 file. Resolved.
  std::string path;
  std::string labels;     // files: as path, one label per sample; empty: none.
  std::string test_path;  // files: a test set of its own; empty: split.test makes it.
  std::string test_labels;
  std::int64_t limit = 0;  // Keep the first `limit` samples of each split; 0 keeps all.
  SplitSpec split;
  Scaling scaling = Scaling::kAuto;
  PatchSpec patches;
  Storage storage = Storage::kMemory;  // kStream: files that hold raw rows only.
  // See Split. In memory, 0 for both: the order is shuffled over the whole split. Otherwise 0
  // chooses one by the size of a row: blocks of some 1 MiB, no longer than a pool that is given,
  // and pools of some 64 MiB, but of one block at least.
  std::int64_t block_rows = 0;
  std::int64_t pool_rows = 0;
  SuperpositionSpec superposition;
};

// What is in a loaded block, and where. Trivially copyable, so that a node's leader can tell the
// other ranks by bytes.
struct DatasetLayout {
  struct Part {
    Element element;
    std::int64_t rows;  // 0: there is no such split.
    std::int64_t cols;
    double scale;                  // Of the stored type: 1/255 for bytes, else 1; before `scaling`.
    std::uint64_t samples_offset;  // Streamed: of the first sample in the file.
    std::uint64_t labels_offset;
    bool has_labels;
    bool streamed;
    bool in_test_file;  // Streamed from test_path, not path.
    FileState file;     // Streamed: as inspected; no other is streamed from.
    bool operator==(const Part&) const = default;
  };
  Part train;
  Part test;
  Part validation;
  std::int64_t block_rows;  // As in Split.
  std::int64_t pool_rows;
  bool scaled_by_column;
  std::uint64_t columns_offset;  // col_scale, then col_shift.
  std::int64_t atoms;            // 0: no dictionary.
  std::uint64_t atoms_offset;
  std::uint64_t facts_offset;  // Scales, variations and fingerprint, written by load.
  std::uint64_t bytes;         // Of the whole block; 64-byte aligned parts.
  bool operator==(const DatasetLayout&) const = default;
};

inline constexpr std::uint64_t kSampleBytesMax = std::uint64_t{8} << 30;  // Of files, in memory.

// Reads sizes. Fails on missing, truncated or oversized files, on labels that do not match, and on
// splits that the samples cannot be cut into. HDF5 files are opened by `open_hdf5`.
[[nodiscard]] Result<DatasetLayout> inspect(const DataSpec& spec,
                                            const ArrayOpener& open_hdf5 = {});

// Fills `block` (layout.bytes, zeroed, 64-byte aligned), facts included.
[[nodiscard]] Status load(const DataSpec& spec, const DatasetLayout& layout,
                          std::span<std::byte> block, const ArrayOpener& open_hdf5 = {});

// The data set in a loaded block; opens the files that splits are streamed from, which must be as
// they were when they were inspected.
[[nodiscard]] Result<Dataset> view(const DataSpec& spec, const DatasetLayout& layout,
                                   std::span<const std::byte> block);

}  // namespace aesweep
