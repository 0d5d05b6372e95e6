// Layout: the places in a data set's block, and what a Dataset reads from them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"
#include "core/data/source.hpp"

namespace aesweep {

// Found from the samples when they are loaded; lies at facts_offset.
struct SplitFacts {
  double scale;
  double shift;
  double variation;
};
struct DatasetFacts {
  SplitFacts train;
  SplitFacts test;
  SplitFacts validation;
  std::array<char, 64> fingerprint;
};

// Gives every part that is in the block a place of its own on a 64-byte line; sets offsets and
// bytes, but not the offsets of streamed samples.
[[nodiscard]] Result<DatasetLayout> lay_out(DatasetLayout layout);

// The block's bytes [offset, offset + count * sizeof(T)) as numbers.
template <class T>
[[nodiscard]] std::span<T> numbers_at(std::span<std::byte> block, std::uint64_t offset,
                                      std::int64_t count) {
  return {reinterpret_cast<T*>(block.data() + offset), static_cast<std::size_t>(count)};
}

// The part's samples in the block.
[[nodiscard]] std::span<std::byte> samples_at(std::span<std::byte> block,
                                              const DatasetLayout::Part& part);

// Everything of the block but the facts, which may not be there yet: splits have the scales of
// their stored types. Opens the files of streamed splits.
[[nodiscard]] Result<Dataset> view_samples(const DataSpec& spec, const DatasetLayout& layout,
                                           const std::byte* block);

// Gives the data set's splits the scales and variations of `facts`.
void apply(const DatasetFacts& facts, const DatasetLayout& layout, const std::byte* block,
           Dataset& dataset);

}  // namespace aesweep
