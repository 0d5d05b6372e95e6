// Patches: small pieces of images at random places, each a sample.
//
// Patch i of a split is cut from image, row and column (0, 1, 2: `which`) that are uniform among
// those there are: bounded() with the key stream_key(stream_hash(seed, "data/patches", 0), split)
// and the counter (i low, i high, which, 0). Part of the data's definition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/array.hpp"
#include "core/data/source.hpp"
#include "core/data/split_rows.hpp"

namespace aesweep {

enum class PatchSplit : std::uint64_t { kTrain = 0, kValidation = 1, kTest = 2 };

struct PatchPlace {
  std::int64_t image = 0;  // A place in the split's list of images.
  std::int64_t row = 0;    // Of the patch's upper left pixel.
  std::int64_t col = 0;
};

// The first `count` patches of images[images, height, width], each number below 2^32.
[[nodiscard]] std::vector<PatchPlace> patch_places(const PatchSpec& spec, PatchSplit split,
                                                   std::int64_t count, std::int64_t images,
                                                   std::int64_t height, std::int64_t width);

// Whether patches of that size can be cut from the file's images.
[[nodiscard]] Status check_patches(const PatchSpec& spec, const ArrayFile& images);

// out: the pixels of patches of the listed images, converted, one patch after another.
[[nodiscard]] Status read_patches(const PatchSpec& spec, const ArrayFile& images,
                                  const RowList& list, std::span<const PatchPlace> places,
                                  std::span<std::byte> out);

// The images, by their rows in the file, that the patches are cut from.
[[nodiscard]] RowList images_of(const RowList& list, std::span<const PatchPlace> places);

}  // namespace aesweep
